/* SPDX-License-Identifier: Apache-2.0 */
/* A steady exchange of short messages asks for no memory: what a burst needed is there
 * for the next one. An I/O thread that reads for a busy caller may need a buffer of its
 * own once, so a few requests in thousands of messages are let pass. */
#include "base/alloc.h"
#include "sockets.h"

enum {
    BURST = 100,
    N_WARM = 300,
    N_BURSTS = 200 / CHECK_SLOWNESS,
    FEW = 4,
    N_TRIES = 3,
    N_PARTS = 3
};
enum { PUB = 1, SUB = 2, DEALER = 5, SUBSCRIBE = 6 };

static void
send_parts(fmq_socket from)
{
    static const fmq_piece pieces[N_PARTS] = {
        {"", 0},
        {"a header of more than thirty-two bytes, so that it is no inline body", 66},
        {"and a body", 10},
    };

    REQUIRE(fmq_send_pieces(from, pieces, N_PARTS, 0) == 0);
}

static void
recv_parts(fmq_socket to)
{
    fmq_parts parts;

    REQUIRE(fmq_recv_parts(to, &parts, 0) == 0);
    REQUIRE(parts.n == N_PARTS && parts.part == parts.few);
    fmq_parts_close(&parts);
}

static void
pass_in_parts(fmq_socket from, fmq_socket to, int n)
{
    for (int i = 0; i < n; i++) {
        send_parts(from);
    }
    for (int i = 0; i < n; i++) {
        recv_parts(to);
    }
}

static void
pass_singly(fmq_socket from, fmq_socket to, int n)
{
    char text[TEXT_ROOM];

    for (int i = 0; i < n; i++) {
        REQUIRE(send_text(from, "sixty-four bytes or so, as a message of this test has",
                          0) == 0);
    }
    for (int i = 0; i < n; i++) {
        REQUIRE(recv_text(to, text, 0) == 0);
    }
}

/* Bodies that are longer than what a batch has room for. */
static void
pass_many(fmq_socket from, fmq_socket to, int n)
{
    static const uint8_t body[1024];
    fmq_piece piece[BURST];
    uint8_t buf[2 * sizeof(body)];
    fmq_msg m[BURST];
    fmq_part part[BURST];
    size_t n_done = 0;

    for (int i = 0; i < n; i++) {
        piece[i] = (fmq_piece){body, sizeof(body)};
    }
    REQUIRE(fmq_send_many(from, piece, (size_t)n, 0, &n_done) == 0);
    for (int n_got = 0; n_got < n; n_got += (int)n_done) {
        REQUIRE(fmq_recv_many(to, buf, sizeof(buf), m, part, (size_t)n, &n_done, 0) ==
                0);
        for (size_t i = 0; i < n_done; i++) {
            if (!part[i].is_in_buf) {
                fmq_msg_close(&m[i]);
            }
        }
    }
}

/* What one thread does again and again: a sends, b takes it, and may answer. */
typedef struct exchange {
    int a;
    int b;
    int burst;
    bool is_answered;
    void (*pass)(fmq_socket from, fmq_socket to, int n);
} exchange;

static const exchange exchanges[] = {
    {PUSH, PULL, BURST, false, pass_singly},
    {PUB, SUB, BURST, false, pass_singly},
    {PAIR, PAIR, BURST, true, pass_singly},
    {REQ, REP, 1, true, pass_singly},
    {PUSH, PULL, BURST, false, pass_in_parts},
    {PUB, SUB, BURST, false, pass_in_parts},
    {REQ, REP, 1, true, pass_in_parts},
    {DEALER, DEALER, BURST, true, pass_in_parts},
    {PUSH, PULL, BURST, false, pass_many},
};

static void
go_on(const exchange *e, fmq_socket a, fmq_socket b, int n_bursts)
{
    for (int i = 0; i < n_bursts; i++) {
        e->pass(a, b, e->burst);
        if (e->is_answered) {
            e->pass(b, a, e->burst);
        }
    }
}

static void
run(const exchange *e, const char *endpoint)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket a = new_brisk(ctx, e->a);
    fmq_socket b = new_brisk(ctx, e->b);
    uint64_t n_requests = UINT64_MAX;

    if (e->b == SUB) {
        REQUIRE(fmq_setsockopt(b, SUBSCRIBE, "", 0) == 0);
    }
    join(b, a, endpoint);
    if (e->a == PUB) {
        char text[TEXT_ROOM];

        set_int(b, RCVTIMEO, 1);
        while (send_text(a, "is it there?", 0) == 0 && recv_text(b, text, 0) != 0) {
        }
        set_int(b, RCVTIMEO, 10000);
        while (recv_text(b, text, FMQ_DONTWAIT) == 0) {
        }
    }
    go_on(e, a, b, N_WARM);
    /* What another thread needs but once may come late: then another time is quiet. */
    for (int i = 0; i < N_TRIES && n_requests > FEW; i++) {
        (void)fmq__alloc_fail_at(UINT64_MAX, 0);
        go_on(e, a, b, N_BURSTS);
        n_requests = fmq__alloc_fail_at(0, 0);
    }
    CHECK(n_requests <= FEW);
    close_all((fmq_socket[]){a, b}, 2);
    end_ctx(ctx);
}

static void
run_all(const char *endpoint)
{
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
        run(&exchanges[i], endpoint);
    }
}

TEST(over_tcp)
{
    run_all("tcp://127.0.0.1:*");
}

TEST(over_ipc)
{
    run_all("ipc://*");
}

TEST(over_inproc)
{
    run_all("inproc://steady");
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(over_tcp),
        CASE(over_ipc),
        CASE(over_inproc),
    };

    return CHECK_MAIN(cases);
}
