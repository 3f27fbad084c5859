/* SPDX-License-Identifier: Apache-2.0 */
/* A server that asks ZAP, with the n-th request for memory failing, for every n: a
 * connection may end, and the next one passes. */
#include "base/alloc.h"
#include "sockets.h"

enum { ZAP_DOMAIN = 55, RECONNECT_IVL = 18, HANDSHAKE_IVL = 66, N_MAX = 2000 };

static fmq_ctx ctx;

static fmq_socket
new_impatient(int type)
{
    static const int brief = 1;
    static const int patience = 300;
    fmq_socket s = new_brisk(ctx, type);

    REQUIRE(fmq_setsockopt(s, RECONNECT_IVL, &brief, sizeof(brief)) == 0);
    REQUIRE(fmq_setsockopt(s, HANDSHAKE_IVL, &patience, sizeof(patience)) == 0);
    return s;
}

/* The same call again where there was no memory for it. */
#define AGAIN(call)                \
    do {                           \
        int again_err = (call);    \
        if (again_err == ENOMEM) { \
            again_err = (call);    \
        }                          \
        CHECK(again_err == 0);     \
    } while (0)

/* Answers who asks. */
static void
serve(fmq_socket handler)
{
    static const char *const text[] = {"1.0", "1", "200", "", "me", ""};
    fmq_msg *part;
    fmq_msg reply[6];
    size_t n;

    if (fmq_recvv(handler, &part, &n, FMQ_DONTWAIT) != 0) {
        return;
    }
    CHECK_EQ(n, 6);
    fmq_parts_free(part, n);
    memset(reply, 0, sizeof(reply));
    for (size_t i = 0; i < 6; i++) {
        AGAIN(fmq_msg_init_copy(&reply[i], text[i], strlen(text[i])));
    }
    AGAIN(fmq_sendv(handler, reply, 6, FMQ_DONTWAIT));
    for (size_t i = 0; i < 6; i++) {
        fmq_msg_close(&reply[i]);
    }
}

static bool
live(uint64_t n)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    fmq_socket handler = new_impatient(REP);
    fmq_socket server = new_impatient(PULL);
    fmq_socket client = new_impatient(PUSH);
    char endpoint[TEXT_ROOM];
    fmq_msg m = {0};

    (void)fmq__alloc_fail_at(n, 0);
    AGAIN(fmq_bind(handler, "inproc://zeromq.zap.01"));
    AGAIN(fmq_setsockopt(server, ZAP_DOMAIN, "x", 1));
    AGAIN(fmq_bind(server, "tcp://127.0.0.1:*"));
    (void)last_endpoint(server, endpoint);
    AGAIN(fmq_connect(client, endpoint));
    do {
        (void)send_text(client, "hello", FMQ_DONTWAIT);
        fmq_pollitem item[] = {{.socket = handler, .events = FMQ_POLLIN},
                               {.socket = server, .events = FMQ_POLLIN}};
        size_t n_ready;
        int err = fmq_poll(item, 2, fmq__deadline_ns(2), &n_ready);

        CHECK(err == 0 || err == ENOMEM);
        serve(handler);
    } while (fmq_msg_recv(server, &m, FMQ_DONTWAIT) != 0 &&
             CHECK(fmq__clock_ns() < deadline));
    n = fmq__alloc_fail_at(0, 0) >= n;
    fmq_msg_close(&m);
    close_all((fmq_socket[]){handler, server, client}, 3);
    return n != 0;
}

TEST(one_request_fails)
{
    int before;
    uint64_t n = 1;

    (void)live(N_MAX);
    before = next_descriptor();
    while (live(n) && n < N_MAX) {
        n++;
    }
    CHECK(n > 20 && n < N_MAX);
    end_ctx(ctx);
    ctx = new_ctx();
    CHECK(next_descriptor() <= before);
}

int
main(void)
{
    ctx = new_ctx();
    RUN(one_request_fails);
    end_ctx(ctx);
    return CHECK_RESULT();
}
