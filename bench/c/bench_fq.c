/* SPDX-License-Identifier: Apache-2.0 */
/* Nanoseconds a message of the frame queue and the duct, one thread: best of several
 * rounds, so that what else the machine does shows least.
 *
 *     bench_fq [BODY_BYTES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipe/duct.h"
#include "pipe/fq.h"

enum { ROUNDS = 15, MESSAGES = 1000000, LEN_MAX = 4096 };

typedef struct bed {
    fmq__fq_writer w;
    fmq__fq_reader r;
    fmq__duct *duct;
    const char *body;
    size_t len;
    int burst;       /* messages appended before the first is read */
    char into[4096]; /* where a receiver copies the body */
} bed;

static void
must(int is_ok)
{
    if (!is_ok) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
}

static void
pop_one(bed *b)
{
    fmq__frame f;

    fmq__fq_pop(&b->r, &f);
    memcpy(b->into, f.data, f.len);
}

static void
append_and_pop(bed *b)
{
    for (int i = 0; i < MESSAGES; i += b->burst) {
        for (int k = 0; k < b->burst; k++) {
            must(fmq__fq_append(&b->w, 0, b->body, b->len) == 0);
        }
        for (int k = 0; k < b->burst; k++) {
            pop_one(b);
        }
        fmq__fq_rewind(&b->w, &b->r, FMQ__CHUNK_MAX);
    }
}

static void
append_and_write_out(bed *b)
{
    struct iovec iov[64];
    int n_iov;

    for (int i = 0; i < MESSAGES; i += b->burst) {
        for (int k = 0; k < b->burst; k++) {
            must(fmq__fq_append(&b->w, 0, b->body, b->len) == 0);
        }
        while (!fmq__fq_is_at(&b->r, b->w.end)) {
            size_t n = fmq__fq_gather(&b->r, b->w.end, iov, 64, 262144, &n_iov);

            (void)fmq__fq_consume(&b->r, n);
        }
        fmq__fq_rewind(&b->w, &b->r, FMQ__CHUNK_MAX);
    }
}

static void
send_and_recv(bed *b)
{
    for (int i = 0; i < MESSAGES; i += b->burst) {
        for (int k = 0; k < b->burst; k++) {
            must(fmq__duct_has_room(b->duct));
            must(fmq__fq_append(fmq__duct_writer(b->duct), 0, b->body, b->len) == 0);
            (void)fmq__duct_publish(b->duct);
        }
        for (int k = 0; k < b->burst; k++) {
            fmq__frame f;

            must(fmq__duct_ready(b->duct) != 0);
            fmq__fq_pop(fmq__duct_reader(b->duct), &f);
            memcpy(b->into, f.data, f.len);
            (void)fmq__duct_report(b->duct);
        }
    }
}

static void
measure(const char *name, void (*run)(bed *), bed *b)
{
    static const int bursts[] = {1, 10, 100, 1000};

    printf("%-24s", name);
    for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
        uint64_t best = UINT64_MAX;

        b->burst = bursts[i];
        for (int k = 0; k < ROUNDS; k++) {
            uint64_t start = fmq__clock_ns();
            uint64_t took;

            run(b);
            took = fmq__clock_ns() - start;
            best = took < best ? took : best;
        }
        printf("  %6.1f", (double)best / MESSAGES);
    }
    printf("\n");
}

int
main(int argc, char **argv)
{
    static char body[LEN_MAX];
    bed b = {.body = body, .len = argc > 1 ? strtoul(argv[1], NULL, 10) : 64};

    if (b.len > LEN_MAX) {
        fprintf(stderr, "at most %d bytes\n", LEN_MAX);
        return 2;
    }
    must(fmq__fq_init(&b.w, &b.r) == 0 && fmq__duct_new(1000, &b.duct) == 0);
    printf("ns a message of %zu bytes\n%-24s  %6d  %6d  %6d  %6d\n", b.len,
           "messages in the queue:", 1, 10, 100, 1000);
    measure("append, pop", append_and_pop, &b);
    measure("append, gather, consume", append_and_write_out, &b);
    measure("duct", send_and_recv, &b);
    fmq__fq_fini(&b.w, &b.r);
    (void)fmq__duct_close_writer(b.duct);
    (void)fmq__duct_close_reader(b.duct);
    return 0;
}
