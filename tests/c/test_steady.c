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
    N_TRIES = 3
};
enum { PUB = 1, SUB = 2, DEALER = 5, SUBSCRIBE = 6 };

/* What one thread does again and again: a sends, b takes it, and may answer. */
typedef struct exchange {
    int a;
    int b;
    int burst;
    bool is_answered;
} exchange;

static const exchange exchanges[] = {
    {PUSH, PULL, BURST, false},    {PUB, SUB, BURST, false},
    {PAIR, PAIR, BURST, true},     {REQ, REP, 1, true},
    {DEALER, DEALER, BURST, true},
};

static void
pass(fmq_socket from, fmq_socket to, int n)
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

static void
go_on(const exchange *e, fmq_socket a, fmq_socket b, int n_bursts)
{
    for (int i = 0; i < n_bursts; i++) {
        pass(a, b, e->burst);
        if (e->is_answered) {
            pass(b, a, e->burst);
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
