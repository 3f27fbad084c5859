/* SPDX-License-Identifier: Apache-2.0 */
/* Sending and receiving: parts and whole messages, what fails and leaves the caller's
 * the caller's, time-outs, and several threads on one socket. */
#include <errno.h>

#include "base/alloc.h"
#include "frames.h"
#include "gate.h"
#include "line.h"

enum { MIB = 1024 * 1024 };

static fmq_msg
msg_of(uint32_t seed, size_t len)
{
    fmq_msg m;

    REQUIRE(fmq_msg_init_size(&m, len) == 0);
    fill_body(fmq_msg_data(&m), seed, len);
    return m;
}

static bool
msg_is(fmq_msg *m, uint32_t seed, size_t len)
{
    return fmq_msg_size(m) == len && is_body(fmq_msg_data(m), seed, len);
}

static void
count_back(void *data, void *hint)
{
    (void)data;
    atomic_fetch_add_explicit((atomic_int *)hint, 1, memory_order_relaxed);
}

static const char *const endpoints[] = {"inproc://data", "tcp://127.0.0.1:*",
                                        "ipc://*"};

/* --- one part --- */

static const size_t sizes[] = {0,    1,    32,   33,   255,   256,   512,     513,
                               4095, 4096, 4097, 8192, 65535, 65536, 4 * MIB, 1000};

static void
pass_sizes(const line *l)
{
    size_t n = sizeof(sizes) / sizeof(sizes[0]);

    for (size_t i = 0; i < n; i++) {
        fmq_msg m = msg_of((uint32_t)i, sizes[i]);

        CHECK_EQ(fmq_send(l->push, fmq_msg_data(&m), sizes[i], 0), 0);
        CHECK_EQ(fmq_msg_send(l->push, &m, 0), 0);
        CHECK_EQ(fmq_msg_size(&m), 0);
        for (int k = 0; k < 2; k++) {
            CHECK_EQ(fmq_msg_recv(l->pull, &m, 0), 0);
            CHECK(msg_is(&m, (uint32_t)i, sizes[i]));
            CHECK_EQ(fmq_msg_more(&m), 0);
        }
        fmq_msg_close(&m);
    }
}

TEST(sizes_of_a_part)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], -1);

        pass_sizes(&l);
        end_line(&l);
    }
}

TEST(nothing_is_a_message)
{
    line l = new_line(endpoints[0], -1);
    fmq_msg m = {0};

    CHECK_EQ(fmq_send(l.push, NULL, 0, 0), 0);
    CHECK_EQ(fmq_send(l.push, NULL, 1, 0), EFAULT);
    CHECK_EQ(fmq_sendv(l.push, &m, 0, 0), EINVAL);
    CHECK_EQ(fmq_send_until(l.push, &m, 0, 0, FMQ__NEVER), EINVAL);
    CHECK_EQ(fmq_msg_recv(l.pull, &m, 0), 0);
    CHECK_EQ(fmq_msg_size(&m), 0);
    CHECK_EQ(fmq_msg_recv(l.pull, &m, FMQ_DONTWAIT), EAGAIN);
    end_line(&l);
}

/* fmq_recv: what fits in the buffer (of which 4096 bytes are used) comes there. */
TEST(where_a_part_comes)
{
    static const struct {
        size_t len, cap;
        int is_in_buf;
    } cases[] = {
        {0, 0, 1},       {0, 512, 1},     {1, 0, 0},       {1, 1, 1},
        {40, 39, 0},     {40, 40, 1},     {512, 512, 1},   {512, 511, 0},
        {4096, 4096, 1}, {4096, 4095, 0}, {4097, 4097, 0}, {513, 4096, 1},
        {5000, 10, 0},   {32, 31, 0},     {5000, 6000, 0}, {512, 4096, 1},
    };

    for (size_t e = 0; e < 2; e++) {
        line l = new_line(endpoints[e], -1);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            uint8_t buf[6000];
            fmq_msg m = msg_of(9, cases[i].len);
            fmq_part part = {99, 99, 99};

            memset(buf, 0xee, sizeof(buf));
            CHECK_EQ(fmq_msg_send(l.push, &m, 0), 0);
            CHECK_EQ(fmq_recv(l.pull, buf, cases[i].cap, &m, &part, 0), 0);
            CHECK_EQ(part.len, cases[i].len);
            CHECK_EQ(part.more, 0);
            CHECK_EQ(part.is_in_buf, cases[i].is_in_buf);
            if (part.is_in_buf) {
                CHECK(is_body(buf, 9, part.len));
                CHECK_EQ(buf[part.len], 0xee);
                CHECK_EQ(fmq_msg_size(&m), 0);
            } else {
                CHECK(msg_is(&m, 9, cases[i].len));
                CHECK_EQ(buf[0], 0xee);
            }
            fmq_msg_close(&m);
        }
        end_line(&l);
    }
}

/* --- several parts --- */

static void
fill_parts(fmq_msg *parts, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        parts[i] = msg_of(seed + (uint32_t)i, sizes[(seed + i) % 14]);
    }
}

static void
check_parts(fmq_msg *parts, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(msg_is(&parts[i], seed + (uint32_t)i, sizes[(seed + i) % 14]));
        CHECK_EQ(fmq_msg_more(&parts[i]), i + 1 < n);
    }
}

static void
expect_parts(fmq_socket s, size_t n, uint32_t seed)
{
    fmq_msg *got = NULL;
    size_t n_got = 0;

    if (CHECK_EQ(fmq_recvv(s, &got, &n_got, 0), 0)) {
        if (CHECK_EQ(n_got, n)) {
            check_parts(got, n, seed);
        }
        fmq_parts_free(got, n_got);
    }
}

TEST(whole_messages)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], -1);
        static const size_t counts[] = {1, 2, 3, 4, 5, 16, 17, 100};
        fmq_msg parts[100];

        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            fill_parts(parts, counts[i], (uint32_t)i);
            CHECK_EQ(fmq_sendv(l.push, parts, counts[i], 0), 0);
            for (size_t k = 0; k < counts[i]; k++) {
                CHECK_EQ(fmq_msg_size(&parts[k]), 0);
            }
            expect_parts(l.pull, counts[i], (uint32_t)i);
        }
        end_line(&l);
    }
}

/* Part by part on either side is the same message. */
TEST(part_by_part)
{
    line l = new_line(endpoints[1], -1);
    fmq_msg parts[20];
    fmq_msg m = {0};

    fill_parts(parts, 20, 3);
    for (size_t i = 0; i < 7; i++) {
        CHECK_EQ(fmq_msg_send(l.push, &parts[i], FMQ_SNDMORE), 0);
    }
    CHECK_EQ(fmq_sendv(l.push, parts + 7, 12, FMQ_SNDMORE), 0);
    CHECK_EQ(fmq_msg_recv(l.pull, &m, FMQ_DONTWAIT), EAGAIN); /* nothing to see yet */
    CHECK_EQ(fmq_send(l.push, fmq_msg_data(&parts[19]), fmq_msg_size(&parts[19]), 0),
             0);
    fmq_msg_close(&parts[19]);
    for (size_t i = 0; i < 5; i++) {
        CHECK_EQ(fmq_msg_recv(l.pull, &m, 0), 0);
        CHECK(msg_is(&m, 3 + (uint32_t)i, sizes[3 + i]));
        CHECK_EQ(get_int(l.pull, 13), 1);
    }
    fmq_msg_close(&m);
    expect_parts(l.pull, 15, 8);
    CHECK_EQ(get_int(l.pull, 13), 0);
    end_line(&l);
}

/* A message that was begun goes with its socket, and gives back what was lent. */
TEST(half_a_message_is_none)
{
    line l = new_line(endpoints[0], -1);
    atomic_int n_back = 0;
    char lent[5000];
    fmq_msg m;
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_msg_init_data(&m, lent, sizeof(lent), count_back, &n_back), 0);
    CHECK_EQ(fmq_msg_send(l.push, &m, FMQ_SNDMORE), 0);
    CHECK_EQ(n_back, 0);
    CHECK_EQ(fmq_socket_close(l.push), 0);
    CHECK_EQ(n_back, 1);
    CHECK_EQ(recv_text(l.pull, text, FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(fmq_socket_close(l.pull), 0);
    end_ctx(l.ctx);
}

/* A PUSH that is connected to where nobody listens yet. */
static line
new_lonely_line(char *endpoint)
{
    line l = {.ctx = new_ctx()};

    (void)snprintf(endpoint, TEXT_ROOM, "ipc://@fmq-test-data-%d", (int)getpid());
    l.pull = new_brisk(l.ctx, PULL);
    l.push = new_brisk(l.ctx, PUSH);
    set_int(l.push, 18, 1); /* RECONNECT_IVL */
    CHECK_EQ(fmq_connect(l.push, endpoint), 0);
    return l;
}

/* A short body is copied, and the lender has it back, unless it is to be kept. */
TEST(short_bodies_are_kept_on_demand)
{
    static char lent[9];
    char endpoint[TEXT_ROOM];
    line l = new_lonely_line(endpoint);
    atomic_int n_back = 0;
    char text[TEXT_ROOM];
    fmq_msg m;

    for (int is_kept = 0; is_kept < 2; is_kept++) {
        CHECK_EQ(fmq_msg_init_data(&m, lent, sizeof(lent), count_back, &n_back), 0);
        if (is_kept) {
            fmq_msg_keep(&m);
        }
        CHECK_EQ(fmq_msg_send(l.push, &m, 0), 0);
        CHECK_EQ(n_back, 1);
    }
    CHECK_EQ(fmq_bind(l.pull, endpoint), 0);
    CHECK_EQ(recv_text(l.pull, text, 0), 0);
    CHECK_EQ(recv_text(l.pull, text, 0), 0);
    end_line(&l);
    CHECK_EQ(n_back, 2);
    fmq_msg_init(&m);
    fmq_msg_keep(&m); /* nothing was lent */
    fmq_msg_close(&m);
}

/* The last part finds no room: the parts before it stay, and go with it later. */
TEST(no_room_at_the_last_part)
{
    char endpoint[TEXT_ROOM];
    line l = new_lonely_line(endpoint);
    fmq_msg last = msg_of(5, 600);

    CHECK_EQ(send_text(l.push, "first", 0), 0);
    CHECK_EQ(send_text(l.push, "a", FMQ_SNDMORE), 0);
    CHECK_EQ(send_text(l.push, "b", FMQ_SNDMORE), 0);
    set_int(l.push, SNDHWM, 1);
    CHECK_EQ(fmq_msg_send(l.push, &last, FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(fmq_msg_send(l.push, &last, FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(fmq_send_until(l.push, &last, 1, 0, 1), EAGAIN);
    CHECK_EQ(send_text(l.push, "z", FMQ_DONTWAIT), EAGAIN);
    CHECK(msg_is(&last, 5, 600)); /* still ours */
    set_int(l.push, SNDHWM, 2);
    CHECK_EQ(fmq_msg_send(l.push, &last, 0), 0);
    CHECK_EQ(send_text(l.push, "c", FMQ_SNDMORE | FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(fmq_bind(l.pull, endpoint), 0);
    expect_text(l.pull, "first");
    expect_text(l.pull, "a");
    expect_text(l.pull, "b");
    CHECK_EQ(get_int(l.pull, 13), 1);
    CHECK_EQ(fmq_msg_recv(l.pull, &last, 0), 0);
    CHECK(msg_is(&last, 5, 600));
    CHECK_EQ(fmq_msg_more(&last), 0);
    fmq_msg_close(&last);
    end_line(&l);
}

/* --- memory --- */

/* Sends a message of `n` parts with the k-th request for memory failing, from the first
 * on until none fails; what could not be sent must be as it was. */
static void
send_without_memory(const line *l, size_t n, int flags)
{
    static atomic_int n_back; /* it goes on after the message was sent */
    static char lent[9000];

    for (uint64_t k = 1;; k++) {
        fmq_msg parts[40];
        int before = atomic_load(&n_back);
        int err;

        fill_parts(parts, n, 1);
        fmq_msg_close(&parts[0]);
        REQUIRE(fmq_msg_init_data(&parts[0], lent, sizeof(lent), count_back, &n_back) ==
                0);
        fmq__alloc_fail_at(k, 0);
        err = fmq_sendv(l->push, parts, n, flags);
        fmq__alloc_fail_at(0, 0);
        if (err == 0) {
            CHECK(k > 1 || n == 1);
            return;
        }
        CHECK_EQ(err, ENOMEM);
        CHECK_EQ(fmq_msg_size(&parts[0]), sizeof(lent));
        CHECK(fmq_msg_data(&parts[0]) == lent);
        for (size_t i = 1; i < n; i++) {
            CHECK(msg_is(&parts[i], 1 + (uint32_t)i, sizes[(1 + i) % 14]));
        }
        for (size_t i = 0; i < n; i++) {
            fmq_msg_close(&parts[i]);
        }
        CHECK_EQ(n_back, before + 1);
    }
}

TEST(no_memory_to_send)
{
    char endpoint[TEXT_ROOM];
    line lines[2] = {new_line(endpoints[0], -1), new_lonely_line(endpoint)};

    for (size_t i = 0; i < 2; i++) {
        fmq_msg *got;
        size_t n;

        send_without_memory(&lines[i], 1, 0);
        send_without_memory(&lines[i], 40, 0);
        send_without_memory(&lines[i], 40, FMQ_SNDMORE);
        CHECK_EQ(send_text(lines[i].push, "end", 0), 0);
        if (i == 1) {
            CHECK_EQ(fmq_bind(lines[i].pull, endpoint), 0);
        }
        for (size_t k = 0; k < 3; k++) {
            static const size_t want[] = {1, 40, 41};

            REQUIRE(fmq_recvv(lines[i].pull, &got, &n, 0) == 0);
            CHECK_EQ(n, want[k]);
            fmq_parts_free(got, n);
        }
        CHECK_EQ(fmq_recvv(lines[i].pull, &got, &n, FMQ_DONTWAIT), EAGAIN);
        end_line(&lines[i]);
    }
}

/* A copy that cannot be made is no message. */
TEST(no_memory_to_copy)
{
    line l = new_line(endpoints[0], -1);
    static char big[70000];
    char text[TEXT_ROOM];

    for (int flags = 0; flags <= FMQ_SNDMORE; flags += FMQ_SNDMORE) {
        fmq__alloc_fail_at(1, 1);
        CHECK_EQ(fmq_send(l.push, big, sizeof(big), flags), ENOMEM);
        fmq__alloc_fail_at(0, 0);
    }
    CHECK_EQ(recv_text(l.pull, text, FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(send_text(l.push, "whole", 0), 0);
    expect_text(l.pull, "whole");
    CHECK_EQ(get_int(l.pull, 13), 0);
    end_line(&l);
}

/* Receives what is left of a message of 20 parts with the k-th request failing, from
 * the first on until none fails: without memory for all parts none is taken. */
static void
receive_without_memory(fmq_socket pull, size_t n_left, uint32_t seed)
{
    for (uint64_t k = 1;; k++) {
        fmq_msg *got = NULL;
        size_t n = 77;
        int err;

        do { /* the I/O thread may have the lock just then */
            fmq__alloc_fail_at(k, 0);
            err = fmq_recvv(pull, &got, &n, k % 2 == 0 ? FMQ_DONTWAIT : FMQ_TRY);
            fmq__alloc_fail_at(0, 0);
        } while (err == FMQ_EBUSY_TRY);
        if (err == ENOMEM) {
            CHECK_EQ(n, 77);
            CHECK(got == NULL);
            CHECK_EQ(get_int(pull, 15), FMQ_POLLIN); /* it is still there */
            continue;
        }
        REQUIRE(err == 0 && n == n_left);
        CHECK(k > 1);
        check_parts(got, n, seed);
        fmq_parts_free(got, n);
        return;
    }
}

TEST(no_memory_to_receive)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], -1);

        for (uint32_t n_before = 0; n_before < 20; n_before += 3) {
            fmq_msg parts[20];
            fmq_msg m = {0};

            fill_parts(parts, 20, 2);
            REQUIRE(fmq_sendv(l.push, parts, 20, 0) == 0);
            CHECK_EQ(await(l.pull, FMQ_POLLIN), 0);
            for (uint32_t i = 0; i < n_before; i++) {
                CHECK_EQ(fmq_msg_recv(l.pull, &m, 0), 0);
                CHECK(msg_is(&m, 2 + i, sizes[(2 + i) % 14]));
            }
            fmq_msg_close(&m);
            receive_without_memory(l.pull, 20 - n_before, 2 + n_before);
            CHECK_EQ(get_int(l.pull, 13), 0);
        }
        end_line(&l);
    }
}

/* --- time --- */

TEST(nothing_to_wait_for)
{
    line l = new_line(endpoints[0], 1);
    fmq_msg m = {0};
    fmq_msg *got;
    size_t n;
    char text[TEXT_ROOM];
    fmq_part part;

    CHECK_EQ(recv_text(l.pull, text, FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(recv_text(l.pull, text, FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(recv_text(l.pull, text, FMQ_TRY | FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(fmq_msg_recv(l.pull, &m, FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(fmq_recvv(l.pull, &got, &n, FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(fmq_recvv_until(l.pull, &got, &n, 0), EAGAIN);
    CHECK_EQ(fmq_recv_until(l.pull, text, 10, &m, &part, fmq_now_ns()), EAGAIN);
    CHECK_EQ(fmq_msg_recv_until(l.pull, &m, fmq_now_ns()), EAGAIN);
    set_int(l.pull, RCVTIMEO, 0);
    CHECK_EQ(recv_text(l.pull, text, 0), EAGAIN);
    set_int(l.pull, RCVTIMEO, 1);
    CHECK_EQ(recv_text(l.pull, text, 0), EAGAIN);
    CHECK_EQ(fmq_recvv(l.pull, &got, &n, 0), EAGAIN);

    while (send_text(l.push, "x", FMQ_DONTWAIT) == 0) {
    }
    CHECK_EQ(send_text(l.push, "y", FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(send_text(l.push, "y", FMQ_TRY | FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(send_text(l.push, "y", FMQ_TRY | FMQ_SNDMORE), FMQ_EBUSY_TRY);
    CHECK_EQ(fmq_send_until(l.push, &m, 1, FMQ_DONTWAIT, fmq_now_ns() + 1000), EAGAIN);
    set_int(l.push, SNDTIMEO, 0);
    CHECK_EQ(send_text(l.push, "y", 0), EAGAIN);
    set_int(l.push, SNDTIMEO, 1);
    CHECK_EQ(send_text(l.push, "y", 0), EAGAIN);
    expect_text(l.pull, "x");
    end_line(&l);
}

/* Unknown bits of `flags` mean nothing. */
TEST(other_flags)
{
    line l = new_line(endpoints[0], -1);
    char text[TEXT_ROOM];

    CHECK_EQ(send_text(l.push, "x", ~(FMQ_SNDMORE | FMQ_TRY)), 0);
    CHECK_EQ(recv_text(l.pull, text, ~FMQ_TRY), 0);
    CHECK_STR(text, "x");
    end_line(&l);
}

TEST(types_that_cannot)
{
    line l = new_line(endpoints[0], -1);
    fmq_msg m = {0};
    char text[TEXT_ROOM];

    CHECK_EQ(send_text(l.pull, "x", 0), ENOTSUP);
    CHECK_EQ(send_text(l.pull, "x", FMQ_SNDMORE), ENOTSUP);
    CHECK_EQ(fmq_sendv(l.pull, &m, 1, FMQ_DONTWAIT), ENOTSUP);
    CHECK_EQ(recv_text(l.push, text, 0), ENOTSUP);
    CHECK_EQ(fmq_msg_recv(l.push, &m, FMQ_TRY), ENOTSUP);
    end_line(&l);
}

/* --- threads --- */

enum { N_SENDERS = 4, N_EACH = 300 };

typedef struct sender {
    fmq__thread thread;
    fmq_socket s;
    uint8_t id;
} sender;

/* Messages of 1 to 6 parts whose every part says whose and which it is. */
static void
send_many(void *arg)
{
    sender *me = arg;

    for (uint32_t i = 0; i < N_EACH; i++) {
        size_t n = 1 + i % 6;
        fmq_msg parts[6];

        for (size_t k = 0; k < n; k++) {
            uint8_t body[3] = {me->id, (uint8_t)(i & 255), (uint8_t)(i >> 8)};

            CHECK_EQ(fmq_msg_init_copy(&parts[k], body, 3), 0);
        }
        CHECK_EQ(fmq_sendv(me->s, parts, n, 0), 0);
    }
}

static void
take_one(fmq_socket s, uint32_t next[N_SENDERS])
{
    fmq_msg *got;
    size_t n;
    const uint8_t *first;

    REQUIRE(fmq_recvv(s, &got, &n, 0) == 0);
    first = fmq_msg_data(&got[0]);
    REQUIRE(first[0] < N_SENDERS);
    CHECK_EQ(first[1] | first[2] << 8, next[first[0]]);
    CHECK_EQ(n, 1 + next[first[0]] % 6);
    for (size_t i = 1; i < n; i++) {
        CHECK_MEM(fmq_msg_data(&got[i]), first, 3);
    }
    next[first[0]]++;
    fmq_parts_free(got, n);
}

TEST(several_threads_send)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], 10);
        sender senders[N_SENDERS];
        uint32_t next[N_SENDERS] = {0};

        for (uint8_t i = 0; i < N_SENDERS; i++) {
            senders[i] = (sender){.s = l.push, .id = i};
            start_thread(&senders[i].thread, send_many, &senders[i]);
        }
        for (int i = 0; i < N_SENDERS * N_EACH; i++) {
            take_one(l.pull, next);
        }
        for (size_t i = 0; i < N_SENDERS; i++) {
            fmq__thread_join(senders[i].thread);
            CHECK_EQ(next[i], N_EACH);
        }
        end_line(&l);
    }
}

static void
send_in_pieces(void *arg)
{
    sender *me = arg;

    for (int i = 0; i < N_EACH; i++) {
        int err = fmq_send(me->s, "part", 4, FMQ_SNDMORE | FMQ_DONTWAIT);

        CHECK(err == 0 || err == EAGAIN || err == ENOTSOCK);
        err = fmq_send(me->s, "last", 4, i % 2 == 0 ? FMQ_DONTWAIT : 0);
        CHECK(err == 0 || err == EAGAIN || err == ENOTSOCK);
    }
}

/* Two threads that begin messages on one socket get in each other's way, and that is
 * all: parts are never lost between two that were accepted, and closing gives all back.
 */
TEST(several_threads_send_pieces)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], 2);
        sender senders[2] = {{.s = l.push}, {.s = l.push}};
        char text[TEXT_ROOM];
        bool was_last = true;

        start_thread(&senders[0].thread, send_in_pieces, &senders[0]);
        start_thread(&senders[1].thread, send_in_pieces, &senders[1]);
        for (int i = 0; i < N_EACH / 2; i++) {
            if (CHECK_EQ(recv_text(l.pull, text, 0), 0)) {
                was_last = get_int(l.pull, 13) == 0;
                CHECK_STR(text, was_last ? "last" : text);
            }
        }
        CHECK_EQ(fmq_socket_close(l.push), 0); /* in the middle of it all */
        fmq__thread_join(senders[0].thread);
        fmq__thread_join(senders[1].thread);
        CHECK_EQ(fmq_socket_close(l.pull), 0);
        end_ctx(l.ctx);
    }
}

/* A sender that waits with its last part when the socket is closed: all comes back. */
typedef struct stuck {
    fmq__thread thread;
    fmq_socket s;
    atomic_int n_back;
    int err;
} stuck;

static void
send_last_part(void *arg)
{
    stuck *me = arg;
    static char lent[5000];
    fmq_msg m;

    REQUIRE(fmq_msg_init_data(&m, lent, sizeof(lent), count_back, &me->n_back) == 0);
    me->err = fmq_msg_send(me->s, &m, 0);
    fmq_msg_close(&m);
}

TEST(closed_at_the_last_part)
{
    char endpoint[TEXT_ROOM];
    line l = new_lonely_line(endpoint);
    stuck me = {.s = l.push};
    static char lent[5000];
    fmq_msg m;

    CHECK_EQ(send_text(l.push, "first", 0), 0);
    CHECK_EQ(fmq_msg_init_data(&m, lent, sizeof(lent), count_back, &me.n_back), 0);
    CHECK_EQ(fmq_msg_send(l.push, &m, FMQ_SNDMORE), 0);
    set_int(l.push, SNDHWM, 1);
    start_thread(&me.thread, send_last_part, &me);
    await_callers(l.push, 1);
    CHECK_EQ(fmq_socket_close(l.push), 0);
    fmq__thread_join(me.thread);
    CHECK_EQ(me.err, ENOTSOCK);
    CHECK_EQ(me.n_back, 2);
    CHECK_EQ(fmq_socket_close(l.pull), 0);
    end_ctx(l.ctx);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(sizes_of_a_part),
        CASE(nothing_is_a_message),
        CASE(where_a_part_comes),
        CASE(whole_messages),
        CASE(part_by_part),
        CASE(half_a_message_is_none),
        CASE(short_bodies_are_kept_on_demand),
        CASE(no_room_at_the_last_part),
        CASE(no_memory_to_send),
        CASE(no_memory_to_copy),
        CASE(no_memory_to_receive),
        CASE(nothing_to_wait_for),
        CASE(other_flags),
        CASE(types_that_cannot),
        CASE(several_threads_send),
        CASE(several_threads_send_pieces),
        CASE(closed_at_the_last_part),
    };

    return CHECK_MAIN(cases);
}
