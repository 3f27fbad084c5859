/* SPDX-License-Identifier: Apache-2.0 */
/* Connects, talks, closes and terminations at random, from several threads at once, on
 * the public API alone. What arrives is checked: whole, of its sender, in its order,
 * and all of it where nobody was cut off. Runs for FASTMQ_STRESS_SECONDS (2);
 * FASTMQ_SEED repeats the choices of a run (not its timing).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "fastmq.h"

enum { PAIR = 0, REQ = 3, REP = 4, PULL = 7, PUSH = 8 };
enum {
    OPT_LINGER = 17,
    OPT_SNDHWM = 23,
    OPT_RCVHWM = 24,
    OPT_RCVTIMEO = 27,
    OPT_SNDTIMEO = 28,
    OPT_LAST_ENDPOINT = 32
};
enum {
    N_WORKERS = 3,
    N_SENDERS_MAX = 4,
    N_PARTS_MAX = 4,
    N_MESSAGES_MAX = 200,
    PATIENCE_MS = 40000,
    ENDPOINT_MAX = 128
};

static uint64_t seed;
static uint64_t end_ns;
static fmq_ctx shared_ctx;
/* Counters only. */
static atomic_uint n_names;
static atomic_ulong n_received;

/* --- chance --- */

typedef struct dice {
    uint64_t state;
} dice;

/* splitmix64 */
static uint64_t
roll(dice *d)
{
    uint64_t z = (d->state += 0x9E3779B97F4A7C15U);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static unsigned
below(dice *d, unsigned n)
{
    return (unsigned)(roll(d) % n);
}

/* --- sockets --- */

static void
set_int(fmq_socket s, int option, int value)
{
    CHECK_EQ(fmq_setsockopt(s, option, &value, sizeof(value)), 0);
}

static fmq_socket
new_socket(fmq_ctx ctx, int type, dice *d)
{
    static const int marks[] = {0, 1, 2, 10, 1000};
    fmq_socket s = 0;

    REQUIRE(fmq_socket_new(ctx, type, &s) == 0);
    set_int(s, OPT_RCVTIMEO, PATIENCE_MS);
    set_int(s, OPT_SNDTIMEO, PATIENCE_MS);
    set_int(s, OPT_LINGER, -1);
    set_int(s, OPT_SNDHWM, marks[below(d, 5)]);
    set_int(s, OPT_RCVHWM, marks[below(d, 5)]);
    return s;
}

static void
bind_anywhere(fmq_socket s, dice *d, char *endpoint)
{
    char wish[ENDPOINT_MAX];
    unsigned n = atomic_fetch_add_explicit(&n_names, 1, memory_order_relaxed);
    size_t len = ENDPOINT_MAX;

    switch (below(d, 3)) {
    case 0:
        (void)snprintf(wish, sizeof(wish), "tcp://127.0.0.1:*");
        break;
    case 1:
        (void)snprintf(wish, sizeof(wish), "ipc://@fmq-stress-%d-%u", (int)getpid(), n);
        break;
    default:
        (void)snprintf(wish, sizeof(wish), "inproc://%u", n);
        break;
    }
    REQUIRE(fmq_bind(s, wish) == 0);
    REQUIRE(fmq_getsockopt(s, OPT_LAST_ENDPOINT, endpoint, &len) == 0);
}

static void
close_socket(fmq_socket s, int linger_ms)
{
    set_int(s, OPT_LINGER, linger_ms);
    CHECK_EQ(fmq_socket_close(s), 0);
}

/* A context of one's own, or everybody's. */
static fmq_ctx
some_context(dice *d)
{
    fmq_ctx ctx = shared_ctx;

    if (below(d, 2) == 0) {
        REQUIRE(fmq_ctx_new(&ctx) == 0);
    }
    return ctx;
}

static void
give_context(fmq_ctx ctx)
{
    if (ctx != shared_ctx) {
        CHECK_EQ(fmq_ctx_term(ctx, PATIENCE_MS), 0);
    }
}

/* --- messages: a head of (sender, number), then bytes that follow from them --- */

typedef struct head {
    uint32_t sender;
    uint32_t number;
} head;

static size_t
part_len(head h, unsigned part)
{
    static const size_t lens[] = {0, 1, 24, 33, 64, 255, 256, 1000, 4096, 4097, 9000};
    uint32_t mix = h.number * 2654435761U + part * 40503U + h.sender;

    return h.number % 97 == 96 && part == 1 ? 150000 : lens[(mix >> 8) % 11];
}

static unsigned
n_parts(head h)
{
    return 1 + (h.number * 2246822519U >> 16) % N_PARTS_MAX;
}

static uint8_t
byte_at(head h, size_t i)
{
    return (uint8_t)(h.number * 31 + h.sender * 7 + i);
}

/* The first part has the head in front. */
static void
make_part(fmq_msg *m, head h, unsigned part)
{
    size_t before = part == 0 ? sizeof(h) : 0;
    size_t len = part_len(h, part);
    uint8_t *data;

    REQUIRE(fmq_msg_init_size(m, before + len) == 0);
    data = fmq_msg_data(m);
    if (before != 0) {
        memcpy(data, &h, sizeof(h));
    }
    for (size_t i = 0; i < len; i++) {
        data[before + i] = byte_at(h, i);
    }
}

/* `at_once`: as one call, so that threads may share the socket. */
static int
send_message(fmq_socket s, head h, bool at_once)
{
    fmq_msg parts[N_PARTS_MAX];
    unsigned n = n_parts(h);
    int err = 0;

    for (unsigned i = 0; i < n; i++) {
        make_part(&parts[i], h, i);
    }
    if (at_once) {
        err = fmq_sendv(s, parts, n, 0);
    } else {
        for (unsigned i = 0; i < n && err == 0; i++) {
            err = fmq_msg_send(s, &parts[i], i + 1 < n ? FMQ_SNDMORE : 0);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        fmq_msg_close(&parts[i]);
    }
    return err;
}

static bool
is_part_whole(fmq_msg *m, head h, unsigned part)
{
    size_t before = part == 0 ? sizeof(h) : 0;
    const uint8_t *data = fmq_msg_data(m);
    size_t len = part_len(h, part);

    if (!CHECK_EQ(fmq_msg_size(m), before + len)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (data[before + i] != byte_at(h, i)) {
            return CHECK_EQ(data[before + i], byte_at(h, i));
        }
    }
    return true;
}

/* Receives a message and checks it; `*h` is its head. */
static int
recv_message(fmq_socket s, head *h)
{
    fmq_msg *parts;
    size_t n;
    int err = fmq_recvv(s, &parts, &n, 0);

    if (err != 0) {
        return err;
    }
    atomic_fetch_add_explicit(&n_received, 1, memory_order_relaxed);
    *h = (head){0, 0};
    if (CHECK(fmq_msg_size(&parts[0]) >= sizeof(*h))) {
        memcpy(h, fmq_msg_data(&parts[0]), sizeof(*h));
        CHECK_EQ(n, n_parts(*h));
        for (unsigned i = 0; i < n; i++) {
            (void)is_part_whole(&parts[i], *h, i);
        }
    }
    fmq_parts_free(parts, n);
    return 0;
}

/* --- senders --- */

typedef struct sender {
    pthread_t thread;
    fmq_socket socket;
    uint32_t id;
    uint32_t n;
    bool is_cut;    /* may be cut off: errors of an ended socket are fine */
    bool is_shared; /* other threads send on this socket */
} sender;

static bool
is_end(int err)
{
    return err == FMQ_ETERM || err == FMQ_ENOTSOCK || err == EFAULT;
}

static void *
run_sender(void *arg)
{
    sender *s = arg;

    for (uint32_t i = 0; i < s->n; i++) {
        bool at_once = s->is_shared || (i & 1) != 0;
        int err = send_message(s->socket, (head){s->id, i}, at_once);

        if (err != 0) {
            CHECK(s->is_cut && is_end(err));
            break;
        }
    }
    return NULL;
}

static void
start_sender(sender *s)
{
    REQUIRE(pthread_create(&s->thread, NULL, run_sender, s) == 0);
}

/* --- scenes --- */

/* Several senders, each with its socket, into one receiver: everything arrives. */
static void
play_fan_in(dice *d)
{
    fmq_ctx ctx = some_context(d);
    fmq_socket pull = new_socket(ctx, PULL, d);
    unsigned n_senders = 1 + below(d, N_SENDERS_MAX);
    uint32_t n = 1 + below(d, N_MESSAGES_MAX);
    uint32_t next[N_SENDERS_MAX] = {0};
    sender senders[N_SENDERS_MAX];
    char endpoint[ENDPOINT_MAX];

    bind_anywhere(pull, d, endpoint);
    for (unsigned i = 0; i < n_senders; i++) {
        fmq_socket push = new_socket(ctx, PUSH, d);

        CHECK_EQ(fmq_connect(push, endpoint), 0);
        senders[i] = (sender){.socket = push, .id = i, .n = n};
        start_sender(&senders[i]);
    }
    for (uint32_t i = 0; i < n * n_senders; i++) {
        head h;

        if (!CHECK_EQ(recv_message(pull, &h), 0) || !CHECK(h.sender < n_senders)) {
            break;
        }
        CHECK_EQ(h.number, next[h.sender]);
        next[h.sender] = h.number + 1;
    }
    for (unsigned i = 0; i < n_senders; i++) {
        (void)pthread_join(senders[i].thread, NULL);
        close_socket(senders[i].socket, -1);
    }
    close_socket(pull, 0);
    give_context(ctx);
}

/* The sockets of a stream are closed in any order, some before the stream ends. */
static void
play_cut_off(dice *d)
{
    fmq_ctx ctx = some_context(d);
    fmq_socket push = new_socket(ctx, PUSH, d);
    uint32_t n = 1 + below(d, N_MESSAGES_MAX);
    uint32_t n_wanted = below(d, n);
    uint32_t next = 0;
    char endpoint[ENDPOINT_MAX];
    fmq_socket pull;
    sender s;

    bind_anywhere(push, d, endpoint);
    pull = new_socket(ctx, PULL, d);
    CHECK_EQ(fmq_connect(pull, endpoint), 0);
    s = (sender){.socket = push, .n = n, .is_cut = true};
    start_sender(&s);
    for (uint32_t i = 0; i < n_wanted; i++) {
        head h;

        if (!CHECK_EQ(recv_message(pull, &h), 0)) {
            break;
        }
        CHECK(h.number == next);
        next = h.number + 1;
    }
    switch (below(d, 3)) {
    case 0:
        CHECK_EQ(fmq_disconnect(pull, endpoint), 0);
        break;
    case 1:
        CHECK_EQ(fmq_unbind(push, endpoint), 0);
        break;
    default:
        break;
    }
    close_socket(pull, 0);
    close_socket(push, 0);
    (void)pthread_join(s.thread, NULL);
    give_context(ctx);
}

/* A question and its answer, over and over. */
static void
play_questions(dice *d)
{
    fmq_ctx ctx = some_context(d);
    fmq_socket rep = new_socket(ctx, REP, d);
    fmq_socket req = new_socket(ctx, REQ, d);
    uint32_t n = 1 + below(d, 50);
    char endpoint[ENDPOINT_MAX];

    bind_anywhere(rep, d, endpoint);
    CHECK_EQ(fmq_connect(req, endpoint), 0);
    for (uint32_t i = 0; i < n; i++) {
        head h = {0, 0};

        CHECK_EQ(send_message(req, (head){1, i}, below(d, 2) == 0), 0);
        CHECK_EQ(recv_message(rep, &h), 0);
        CHECK(h.sender == 1 && h.number == i);
        CHECK_EQ(send_message(rep, (head){2, i}, below(d, 2) == 0), 0);
        CHECK_EQ(recv_message(req, &h), 0);
        CHECK(h.sender == 2 && h.number == i);
    }
    close_socket(req, (int)below(d, 2) - 1);
    close_socket(rep, (int)below(d, 2) - 1);
    give_context(ctx);
}

/* Receivers that share one socket. */
typedef struct receiver {
    pthread_t thread;
    fmq_socket socket;
    unsigned long sum;
    uint32_t n;
} receiver;

static void *
run_receiver(void *arg)
{
    receiver *r = arg;
    head h;

    for (uint32_t i = 0; i < r->n; i++) {
        if (!CHECK_EQ(recv_message(r->socket, &h), 0)) {
            break;
        }
        r->sum += h.number;
    }
    return NULL;
}

/* Two threads send on one socket and two receive from one, while a third polls. */
static void
play_shared(dice *d)
{
    fmq_ctx ctx = some_context(d);
    fmq_socket pull = new_socket(ctx, PULL, d);
    fmq_socket push = new_socket(ctx, PUSH, d);
    uint32_t n = 2 + below(d, N_MESSAGES_MAX);
    receiver receivers[2];
    sender senders[2];
    fmq_pollitem item;
    char endpoint[ENDPOINT_MAX];
    size_t n_ready;
    unsigned long sum = 0;

    bind_anywhere(pull, d, endpoint);
    CHECK_EQ(fmq_connect(push, endpoint), 0);
    for (unsigned i = 0; i < 2; i++) {
        receivers[i] = (receiver){.socket = pull, .n = n};
        REQUIRE(pthread_create(&receivers[i].thread, NULL, run_receiver,
                               &receivers[i]) == 0);
        senders[i] = (sender){.socket = push, .id = i, .n = n, .is_shared = true};
        start_sender(&senders[i]);
    }
    for (unsigned i = 0; i < 20; i++) {
        item = (fmq_pollitem){pull, -1, FMQ_POLLIN, 0};
        CHECK_EQ(fmq_poll(&item, 1, fmq_now_ns() + 1000000, &n_ready), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)pthread_join(senders[i].thread, NULL);
        (void)pthread_join(receivers[i].thread, NULL);
        sum += receivers[i].sum;
    }
    CHECK_EQ(sum, (unsigned long)n * (n - 1));
    close_socket(push, 0);
    close_socket(pull, 0);
    give_context(ctx);
}

/* Somebody waits; the socket is closed, or the context ends. */
typedef struct waiter {
    pthread_t thread;
    fmq_socket socket;
    unsigned how;
    int err;
} waiter;

static void *
run_waiter(void *arg)
{
    waiter *w = arg;
    fmq_pollitem item = {w->socket, -1, FMQ_POLLIN, 0};
    size_t n_ready;
    head h;

    switch (w->how) {
    case 0:
        w->err = recv_message(w->socket, &h);
        break;
    case 1:
        w->err = fmq_send(w->socket, "x", 1, 0);
        break;
    default:
        w->err = fmq_poll(&item, 1, UINT64_MAX, &n_ready);
        break;
    }
    return NULL;
}

static void
play_ending(dice *d)
{
    fmq_ctx ctx;
    waiter waiters[3];
    bool by_close = below(d, 2) == 0;
    char endpoint[ENDPOINT_MAX];
    fmq_socket pair;

    REQUIRE(fmq_ctx_new(&ctx) == 0);
    pair = new_socket(ctx, PAIR, d);
    if (below(d, 2) == 0) {
        bind_anywhere(pair, d, endpoint);
    }
    for (unsigned i = 0; i < 3; i++) {
        waiters[i] = (waiter){.socket = pair, .how = i};
        REQUIRE(pthread_create(&waiters[i].thread, NULL, run_waiter, &waiters[i]) == 0);
    }
    if (by_close) {
        close_socket(pair, 0);
    } else {
        CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        (void)pthread_join(waiters[i].thread, NULL);
        CHECK(is_end(waiters[i].err));
    }
    if (!by_close) {
        CHECK_EQ(fmq_socket_close(pair), 0);
    }
    CHECK_EQ(fmq_ctx_term(ctx, PATIENCE_MS), 0);
}

/* Connections that say nothing, or the wrong thing, and go. */
static void
play_strangers(dice *d)
{
    static const uint8_t greeting[] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1};
    fmq_ctx ctx = some_context(d);
    fmq_socket pull = new_socket(ctx, PULL, d);
    fmq_socket push = new_socket(ctx, PUSH, d);
    char endpoint[ENDPOINT_MAX];
    size_t len = sizeof(endpoint);
    struct sockaddr_in to = {.sin_family = AF_INET};
    unsigned n_strangers = 1 + below(d, 8);
    fmq_msg *parts = NULL;
    size_t n_parts_got;
    bool is_ours;

    CHECK_EQ(fmq_bind(pull, "tcp://127.0.0.1:*"), 0);
    CHECK_EQ(fmq_getsockopt(pull, OPT_LAST_ENDPOINT, endpoint, &len), 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
    for (unsigned i = 0; i < n_strangers; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        uint8_t noise[64];
        size_t n = below(d, sizeof(noise));

        for (size_t k = 0; k < sizeof(noise); k++) {
            noise[k] = (uint8_t)roll(d);
        }
        if (below(d, 2) == 0) {
            memcpy(noise, greeting, sizeof(greeting));
        }
        if (CHECK(fd >= 0)) {
            CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
            (void)!send(fd, noise, n, MSG_NOSIGNAL);
            (void)close(fd);
        }
    }
    CHECK_EQ(fmq_connect(push, endpoint), 0);
    CHECK_EQ(send_message(push, (head){1, 96}, below(d, 2) == 0), 0);
    /* Noise may be a message of ZMTP 1.0, though rarely one of as many parts. */
    do {
        n_parts_got = 0;
        CHECK_EQ(fmq_recvv(pull, &parts, &n_parts_got, 0), 0);
        is_ours = n_parts_got == n_parts((head){1, 96});
        for (unsigned i = 0; is_ours && i < n_parts_got; i++) {
            (void)is_part_whole(&parts[i], (head){1, 96}, i);
        }
        fmq_parts_free(parts, n_parts_got);
    } while (!is_ours && n_parts_got != 0);
    close_socket(push, 0);
    close_socket(pull, 0);
    give_context(ctx);
}

/* Messages for a peer that may never come. */
static void
play_early_birds(dice *d)
{
    fmq_ctx ctx = some_context(d);
    fmq_socket probe = new_socket(ctx, PULL, d);
    fmq_socket push = new_socket(ctx, PUSH, d);
    char endpoint[ENDPOINT_MAX];
    head h;

    do { /* a port that was let go may be another test's next */
        bind_anywhere(probe, d, endpoint);
        CHECK_EQ(fmq_unbind(probe, endpoint), 0);
    } while (strncmp(endpoint, "tcp", 3) == 0);
    set_int(push, OPT_SNDHWM, 10);
    CHECK_EQ(fmq_connect(push, endpoint), 0);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQ(send_message(push, (head){0, i}, below(d, 2) == 0), 0);
    }
    if (below(d, 2) == 0) {
        CHECK_EQ(fmq_bind(probe, endpoint), 0);
        for (uint32_t i = 0; i < 3; i++) {
            CHECK_EQ(recv_message(probe, &h), 0);
            CHECK_EQ(h.number, i);
        }
    }
    close_socket(push, (int)below(d, 20));
    close_socket(probe, 0);
    give_context(ctx);
}

/* --- the whole --- */

static void *
run_worker(void *arg)
{
    static void (*const scenes[])(dice *) = {
        play_fan_in, play_cut_off,   play_questions,   play_shared,
        play_ending, play_strangers, play_early_birds,
    };
    dice *d = arg;

    while (fmq_now_ns() < end_ns) {
        scenes[below(d, sizeof(scenes) / sizeof(scenes[0]))](d);
    }
    return NULL;
}

TEST(survives)
{
    pthread_t threads[N_WORKERS];
    dice dices[N_WORKERS];

    REQUIRE(fmq_ctx_new(&shared_ctx) == 0);
    for (unsigned i = 0; i < N_WORKERS; i++) {
        dices[i].state = seed + i;
        REQUIRE(pthread_create(&threads[i], NULL, run_worker, &dices[i]) == 0);
    }
    for (unsigned i = 0; i < N_WORKERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK_EQ(fmq_ctx_term(shared_ctx, PATIENCE_MS), 0);
    CHECK(atomic_load_explicit(&n_received, memory_order_relaxed) > 0);
}

int
main(void)
{
    const char *seconds = getenv("FASTMQ_STRESS_SECONDS");
    const char *chosen = getenv("FASTMQ_SEED");
    double length = seconds != NULL ? strtod(seconds, NULL) : 2;

    seed = chosen != NULL ? strtoull(chosen, NULL, 10) : fmq_now_ns();
    printf("FASTMQ_SEED=%llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    end_ns = fmq_now_ns() + (uint64_t)(length * 1e9);
    RUN(survives);
    printf("%lu messages\n", atomic_load_explicit(&n_received, memory_order_relaxed));
    return CHECK_RESULT();
}
