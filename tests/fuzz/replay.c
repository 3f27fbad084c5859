/* SPDX-License-Identifier: Apache-2.0 */
/* replay: feeds every file of the folders named to a fuzz target, once, and then for a
 * while what it makes of them.
 *
 * Stands in for libFuzzer's main, so that the committed corpus is an ordinary test
 * for any compiler. Each input lies in a heap block of exactly its size: a read past
 * the end is the sanitizer's to see. An empty input is always fed first.
 *
 * FASTMQ_FUZZ_SECONDS  how long it goes on with changed inputs (default 0). It has no
 *                      eye for what they reach: clang's fuzzer looks further.
 * FASTMQ_FUZZ_SEED     the number of the first changed input (default: another one
 *                      each time). Whoever dies says with which input.
 */

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CHANGES_MAX 6 /* to one input */
#define PIECE_MAX 64  /* bytes that one change adds or takes away */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of the sanitizers, where there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

typedef struct {
    uint8_t *data;
    size_t len;
} input;

static input *corpus;
static size_t n_inputs;
static uint64_t present_seed; /* of the input that is being fed */

static void *
must_have(void *p)
{
    if (p == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return p;
}

static void
feed(const uint8_t *data, size_t len)
{
    uint8_t *copy = must_have(malloc(len > 0 ? len : 1));

    if (len > 0) {
        memcpy(copy, data, len);
    }
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

/* Returns 0, or 1 if the file could not be read. */
static int
feed_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rb");

    if (file == NULL || fstat(fileno(file), &status) != 0) {
        perror(path);
        if (file != NULL) {
            fclose(file);
        }
        return 1;
    }
    size_t len = (size_t)status.st_size;
    uint8_t *data = must_have(malloc(len > 0 ? len : 1));

    if (fread(data, 1, len, file) != len) {
        fprintf(stderr, "%s: could not read %zu bytes\n", path, len);
        free(data);
        fclose(file);
        return 1;
    }
    fclose(file);
    /* Named beforehand: after a crash this is the last line. */
    fprintf(stderr, "%s: %zu bytes\n", path, len);
    feed(data, len);
    corpus = must_have(realloc(corpus, (n_inputs + 1) * sizeof(*corpus)));
    corpus[n_inputs++] = (input){data, len};
    return 0;
}

/* In the order of their names: a seed finds the same inputs again. */
static int
feed_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    int failed = n < 0;

    if (n < 0) {
        perror(folder);
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        const char *name = entries[i]->d_name;
        int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

        if (name[0] != '.' && !failed) {
            failed = len < 0 || (size_t)len >= sizeof(path) || feed_file(path) != 0;
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return failed;
}

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t
below(uint64_t *state, size_t bound)
{
    return bound > 0 ? (size_t)(next_random(state) % bound) : 0;
}

/* Puts `n` bytes in at `at`; whence they come, the caller says by filling them. */
static uint8_t *
open_gap(input *to, size_t at, size_t n)
{
    to->data = must_have(realloc(to->data, to->len + n + 1));
    memmove(to->data + at + n, to->data + at, to->len - at);
    to->len += n;
    return to->data + at;
}

static void
change(input *it, uint64_t *state)
{
    static const uint8_t telling[] = {0, 1, 2, 4, 0x7f, 0x80, 0xfe, 0xff};
    const input *other = &corpus[below(state, n_inputs)];
    size_t at = below(state, it->len + 1);
    size_t n = 1 + below(state, PIECE_MAX);
    size_t from = below(state, other->len + 1);

    switch (next_random(state) % 6) {
    case 0:
        if (at < it->len) {
            it->data[at] ^= (uint8_t)(1u << (next_random(state) % 8));
        }
        break;
    case 1:
        if (at < it->len) {
            it->data[at] = telling[next_random(state) % sizeof(telling)];
        }
        break;
    case 2:
        if (at < it->len) {
            it->data[at] = (uint8_t)next_random(state);
        }
        break;
    case 3:
        n = n < it->len - at ? n : it->len - at;
        memmove(it->data + at, it->data + at + n, it->len - at - n);
        it->len -= n;
        break;
    case 4:
        n = n < other->len - from ? n : other->len - from;
        memcpy(open_gap(it, at, n), other->data + from, n);
        break;
    default:
        it->len = at;
        break;
    }
}

static void
feed_changed(uint64_t seed)
{
    uint64_t state = seed;
    const input *origin = &corpus[below(&state, n_inputs)];
    input it = {must_have(malloc(origin->len + 1)), origin->len};

    if (it.len > 0) {
        memcpy(it.data, origin->data, it.len);
    }
    for (size_t n = 1 + below(&state, CHANGES_MAX); n > 0; n--) {
        change(&it, &state);
    }
    present_seed = seed;
    feed(it.data, it.len);
    free(it.data);
}

static void
say_seed(void)
{
    fprintf(stderr, "again with FASTMQ_FUZZ_SEED=%llu\n",
            (unsigned long long)present_seed);
}

static void
on_abort(int signo)
{
    (void)signo;
    say_seed();
    signal(SIGABRT, SIG_DFL);
    abort();
}

static void
feed_for(double seconds, const char *first)
{
    struct timespec now;
    uint64_t seed;
    uint64_t n = 0;

    clock_gettime(CLOCK_REALTIME, &now);
    seed = first != NULL ? strtoull(first, NULL, 10)
                         : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(say_seed);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    double end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + seconds;

    while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end) {
        feed_changed(seed + n++);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    fprintf(stderr, "%llu changed inputs from seed %llu\n", (unsigned long long)n,
            (unsigned long long)seed);
}

int
main(int argc, char **argv)
{
    const char *seconds = getenv("FASTMQ_FUZZ_SECONDS");
    int failed = 0;

    feed(NULL, 0);
    for (int i = 1; i < argc && !failed; i++) {
        failed = feed_folder(argv[i]);
    }
    if (!failed && n_inputs == 0) {
        fprintf(stderr, "no inputs: is the corpus there?\n");
        failed = 1;
    }
    if (!failed && seconds != NULL) {
        feed_for(strtod(seconds, NULL), getenv("FASTMQ_FUZZ_SEED"));
    }
    while (n_inputs > 0) {
        free(corpus[--n_inputs].data);
    }
    free(corpus);
    return failed;
}
