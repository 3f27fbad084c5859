/* SPDX-License-Identifier: Apache-2.0 */
/* What a protected connection writes, under every way that a kernel may take it. The
 * guard here only numbers the frames and turns their bits. */
#include "session/egress.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "raw_peer.h"

/* --- a guard that hides nothing --- */

typedef struct fake_guard {
    fmq__guard base;
    uint64_t said;
    uint64_t last;
} fake_guard;

enum { FAKE_EXTRA = 10 };

static size_t
fake_max(const fmq__guard *g, size_t len)
{
    (void)g;
    return len + FAKE_EXTRA;
}

static int
fake_seal(fmq__guard *base, unsigned flags, const uint8_t *body, size_t len,
          uint8_t *sealed, size_t *sealed_len)
{
    fake_guard *g = (fake_guard *)(void *)base;

    if (g->said == g->last) {
        return EPROTO;
    }
    sealed[0] = 'S';
    sealed[1] = (uint8_t)flags;
    fmq__put_u64(sealed + 2, ++g->said);
    for (size_t i = 0; i < len; i++) {
        sealed[FAKE_EXTRA + i] = body[i] ^ 0xFF;
    }
    *sealed_len = len + FAKE_EXTRA;
    return 0;
}

static void
fake_free(fmq__guard *g)
{
    fmq__free(g);
}

static const fmq__guard_ops fake_ops = {
    .sealed_max = fake_max, .seal = fake_seal, .free = fake_free};

static fmq__egress *
new_egress(uint64_t n_numbers)
{
    fake_guard *g = fmq__calloc(1, sizeof(*g));
    fmq__egress *e = NULL;

    REQUIRE(g != NULL);
    g->base.ops = &fake_ops;
    g->last = n_numbers;
    REQUIRE(fmq__egress_new(&g->base, &e) == 0);
    return e;
}

/* --- a queue, and two descriptors --- */

typedef struct bench {
    fmq__fq_writer w;
    fmq__fq_reader r;
    size_t n_bytes; /* of the queue, on the wire */
    uint32_t n_messages;
    fmq__egress *e;
    int fd;
    int peer;
    uint8_t *got;
    size_t got_len;
    size_t got_cap;
} bench;

static void
open_bench(bench *b)
{
    int fd[2];
    int room = 1 << 20;

    memset(b, 0, sizeof(*b));
    REQUIRE(fmq__fq_init(&b->w, &b->r) == 0);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    REQUIRE(fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0 &&
            fcntl(fd[1], F_SETFL, O_NONBLOCK) == 0);
    (void)setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    b->fd = fd[0];
    b->peer = fd[1];
    b->e = new_egress(UINT64_MAX);
    b->got_cap = 1 << 20;
    b->got = malloc(b->got_cap);
    REQUIRE(b->got != NULL);
}

static void
close_bench(bench *b)
{
    set_hook(NULL);
    fmq__egress_free(b->e);
    fmq__fq_fini(&b->w, &b->r);
    (void)close(b->fd);
    (void)close(b->peer);
    free(b->got);
}

/* The n-th byte of a body of `len`. */
static uint8_t
byte_of(size_t len, size_t n)
{
    return (uint8_t)(len * 31 + n);
}

static void
add_frame(bench *b, unsigned flags, size_t len)
{
    bool is_kept = len % 5 == 0; /* however short */
    fmq__body *body = NULL;
    uint8_t *data = NULL;

    REQUIRE(fmq__body_new(len != 0 ? len : 1, &body, &data) == 0);
    for (size_t i = 0; i < len; i++) {
        data[i] = byte_of(len, i);
    }
    if (len > FMQ__FQ_INLINE_MAX || is_kept) {
        REQUIRE(fmq__fq_append_ref(&b->w, flags, body, data, len) == 0);
    } else {
        REQUIRE(fmq__fq_append_copy(&b->w, flags, data, len) == 0);
        fmq__body_drop(body);
    }
    b->n_bytes += (is_kept ? FMQ__FRAME_LONG_HEADER : fmq__frame_header_len(len)) + len;
    b->n_messages += (flags & FMQ__MORE) == 0;
}

/* Bodies on either side of every border: of headers, of what is inline, of what fits
 * the buffer. */
static const size_t lengths[] = {0,    1,     5,     244,    245,  246,
                                 255,  256,   1000,  4095,   4096, 4097,
                                 5000, 66000, 69000, 150000, 3};

enum { N_LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

/* Every third message has two parts. */
static void
add_all(bench *b)
{
    for (size_t i = 0; i < N_LENGTHS; i++) {
        add_frame(b, i % 3 == 0 && i + 1 < N_LENGTHS ? FMQ__MORE : 0, lengths[i]);
    }
}

static void
drain(bench *b)
{
    ssize_t n;

    while ((n = recv(b->peer, b->got + b->got_len, b->got_cap - b->got_len, 0)) > 0) {
        b->got_len += (size_t)n;
        REQUIRE(b->got_len < b->got_cap);
    }
}

/* Takes a sealed frame from what came; checks its number. */
static size_t
check_frame(const bench *b, size_t at, uint64_t number, unsigned flags, size_t len)
{
    size_t header_len = 0;
    uint64_t sealed_len = 0;
    unsigned outer = 99;
    const uint8_t *sealed;

    REQUIRE(fmq__frame_parse(b->got + at, b->got_len - at, &header_len, &sealed_len,
                             &outer) == 1);
    CHECK_EQ(outer, 0);
    CHECK_EQ(sealed_len, len + FAKE_EXTRA);
    REQUIRE(b->got_len - at - header_len >= sealed_len);
    sealed = b->got + at + header_len;
    CHECK_EQ(sealed[0], 'S');
    CHECK_EQ(sealed[1], flags);
    CHECK_EQ(fmq__get_u64(sealed + 2), number);
    for (size_t i = 0; i < len; i++) {
        if (!CHECK_EQ(sealed[FAKE_EXTRA + i], byte_of(len, i) ^ 0xFF)) {
            break;
        }
    }
    return at + header_len + (size_t)sealed_len;
}

/* --- what the kernel takes --- */

static _Atomic size_t step; /* of each call; 0: nothing */

static ssize_t
take_step(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(atomic_load_explicit(&step, memory_order_relaxed), fd, msg,
                        flags);
}

static fmq__egress_job
job_of(const bench *b)
{
    return (fmq__egress_job){.end = b->w.end, .max_bytes = SIZE_MAX};
}

/* Writes on until all is written, in steps of `n`; every other call finds no room. */
static void
write_all(bench *b, size_t n)
{
    fmq__egress_job job = job_of(b);
    size_t n_bytes = 0;
    uint32_t n_messages = 0;
    bool is_open = true;

    set_hook(take_step);
    while (!fmq__fq_is_at(&b->r, b->w.end) || fmq__egress_has_kept(b->e)) {
        fmq__egress_done done;
        int err;

        is_open = n >= 5000 || !is_open;
        atomic_store_explicit(&step, is_open ? n : 0, memory_order_relaxed);
        err = fmq__egress_write(b->e, b->fd, &b->r, &job, &done);
        CHECK_EQ(err, is_open ? 0 : EAGAIN);
        CHECK_EQ(done.is_short, fmq__egress_has_kept(b->e));
        n_bytes += done.n_bytes;
        n_messages += done.n_messages;
        drain(b);
    }
    CHECK_EQ(n_bytes, b->n_bytes);
    CHECK_EQ(n_messages, b->n_messages);
}

TEST(steps_of_every_size)
{
    static const size_t steps[] = {SIZE_MAX, 1,    2,     3,     8,    11,
                                   12,       13,   100,   255,   4000, 4106,
                                   5000,     9999, 65536, 100000};

    for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
        bench b;
        size_t at = 0;

        open_bench(&b);
        add_all(&b);
        write_all(&b, steps[k]);
        for (size_t i = 0; i < N_LENGTHS; i++) {
            unsigned flags = i % 3 == 0 && i + 1 < N_LENGTHS ? FMQ__MORE : 0;

            at = check_frame(&b, at, i + 1, flags, lengths[i]);
        }
        CHECK_EQ(at, b.got_len);
        close_bench(&b);
    }
}

/* What is lost with a connection: the message that the kernel has begun, and no other,
 * wherever it was cut. */
TEST(cut_messages_alone_are_lost)
{
    enum { SHORT_FRAME = 2 + FAKE_EXTRA + 3, N = 6 };

    for (size_t n = 0; n <= N * SHORT_FRAME; n++) {
        fmq__egress_done done;
        fmq__egress_job job;
        fmq__frame frame;
        uint32_t n_lost;
        uint32_t n_gone = (uint32_t)(n / SHORT_FRAME);
        bench b;

        open_bench(&b);
        for (int i = 0; i < N; i++) {
            add_frame(&b, 0, 3);
        }
        job = job_of(&b);
        set_hook(take_step);
        atomic_store_explicit(&step, n, memory_order_relaxed);
        CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), n == 0 ? EAGAIN : 0);
        CHECK_EQ(done.n_messages, n_gone);
        n_lost = fmq__fq_skip_cut(&b.r);
        CHECK_EQ(n_lost, n % SHORT_FRAME != 0);
        for (uint32_t i = n_gone + n_lost; i < N; i++) {
            fmq__fq_pop(&b.r, &frame);
            CHECK_EQ(frame.len, 3);
        }
        CHECK(fmq__fq_is_at(&b.r, b.w.end));
        close_bench(&b);
    }
}

TEST(own_frames_go_first)
{
    static const uint8_t own[] = "\4\2hi\4\3ho!";
    bench b;
    fmq__egress_job job;
    fmq__egress_done done;
    size_t at;

    open_bench(&b);
    add_frame(&b, 0, 5);
    job = job_of(&b);
    job.own = own;
    job.own_len = sizeof(own) - 1;
    set_hook(take_step);
    /* Cut in the second of them: the queue has not lost anything yet. */
    atomic_store_explicit(&step, 2 + FAKE_EXTRA + 2 + 4, memory_order_relaxed);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK(done.has_taken_own && done.is_short);
    CHECK_EQ(done.n_bytes, 0);
    CHECK(!b.r.is_in_message);
    /* What comes meanwhile waits until what is kept has gone. */
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK(!done.has_taken_own && done.is_short);
    set_hook(NULL);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK(!done.has_taken_own);
    CHECK_EQ(done.n_messages, 1);
    drain(&b);
    CHECK_EQ(b.got[3], FMQ__COMMAND);
    at = (2 + FAKE_EXTRA + 2) + (2 + FAKE_EXTRA + 3);
    CHECK_EQ(check_frame(&b, at, 3, 0, 5), b.got_len);
    close_bench(&b);
}

TEST(hello_of_any_length)
{
    static const size_t hello_lengths[] = {1, 300, 100000};

    for (size_t i = 0; i < 3; i++) {
        bench b;
        fmq__egress_job job;
        fmq__egress_done done;
        size_t len = hello_lengths[i];
        uint8_t *hello = malloc(len);
        size_t at;

        REQUIRE(hello != NULL);
        for (size_t k = 0; k < len; k++) {
            hello[k] = byte_of(len, k);
        }
        open_bench(&b);
        add_frame(&b, 0, 5);
        job = job_of(&b);
        job.hello = hello;
        job.hello_len = len;
        CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
        CHECK(done.has_taken_own);
        job.hello = NULL;
        if (!fmq__fq_is_at(&b.r, b.w.end)) {
            CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
        }
        drain(&b);
        at = check_frame(&b, 0, 1, 0, len);
        CHECK_EQ(check_frame(&b, at, 2, 0, 5), b.got_len);
        free(hello);
        close_bench(&b);
    }
}

TEST(limits)
{
    bench b;
    fmq__egress_job job;
    fmq__egress_done done;

    open_bench(&b);
    add_frame(&b, FMQ__MORE, 5);
    add_frame(&b, 0, 5);
    add_frame(&b, 0, 5);
    job = job_of(&b);
    job.max_bytes = 7; /* to a border inside a message */
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK_EQ(done.n_bytes, 9 + 5);
    CHECK(b.r.is_in_message);
    job.max_bytes = SIZE_MAX;
    job.is_single = true;
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK_EQ(done.n_messages, 1);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK_EQ(done.n_messages, 1);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK_EQ(done.n_messages, 0);
    CHECK(!done.is_short && !fmq__egress_has_kept(b.e));
    close_bench(&b);
}

TEST(failures)
{
    bench b;
    fmq__egress_job job;
    fmq__egress_done done;

    open_bench(&b);
    add_frame(&b, 0, 100000);
    job = job_of(&b);
    /* No memory for a long frame: later, then. */
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK(!fmq__egress_has_kept(b.e));
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), 0);
    CHECK_EQ(done.n_messages, 1);
    /* No memory to keep what is sealed: the stream has a hole. */
    add_frame(&b, 0, 9);
    job.end = b.w.end;
    set_hook(take_step);
    atomic_store_explicit(&step, 3, memory_order_relaxed);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), ECONNABORTED);
    fmq__alloc_fail_at(0, 0);
    CHECK(!fmq__egress_has_kept(b.e));
    CHECK_EQ(fmq__fq_skip_cut(&b.r), 1);
    /* No more numbers. */
    fmq__egress_free(b.e);
    b.e = new_egress(1);
    add_frame(&b, 0, 9);
    add_frame(&b, 0, 9);
    job.end = b.w.end;
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), EPROTO);
    close_bench(&b);
    fmq__egress_free(NULL);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__egress_new(NULL, &b.e), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

/* The peer has gone: what was sealed is for nobody. */
TEST(a_broken_connection)
{
    bench b;
    fmq__egress_job job;
    fmq__egress_done done;

    open_bench(&b);
    add_frame(&b, 0, 9);
    job = job_of(&b);
    REQUIRE(shutdown(b.peer, SHUT_RDWR) == 0);
    CHECK_EQ(fmq__egress_write(b.e, b.fd, &b.r, &job, &done), EPIPE);
    CHECK_EQ(done.n_messages, 0);
    CHECK_EQ(fmq__fq_skip_cut(&b.r), 0);
    close_bench(&b);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(steps_of_every_size),
        CASE(cut_messages_alone_are_lost),
        CASE(own_frames_go_first),
        CASE(hello_of_any_length),
        CASE(limits),
        CASE(failures),
        CASE(a_broken_connection),
    };

    return CHECK_MAIN(cases);
}
