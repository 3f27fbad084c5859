/* SPDX-License-Identifier: Apache-2.0 */
/* What sockets of one process learn of each other, and when: everything that a peer did
 * before is known to the next call, whatever that call is. */
#include <errno.h>
#include <pthread.h>

#include "check.h"
#include "fastmq.h"

/* Messages; a test that needs so many has failed. */
enum { PATIENCE = 1000 };

static const uint64_t PATIENCE_NS = 30000000000;
enum { PAIR = 0, PUB = 1, SUB = 2, REQ = 3, REP = 4, PULL = 7, PUSH = 8 };
enum {
    OPT_SUBSCRIBE = 6,
    OPT_LINGER = 17,
    OPT_SNDHWM = 23,
    OPT_RCVHWM = 24,
    OPT_LAST_ENDPOINT = 32
};

static fmq_ctx ctx;

static fmq_socket
open_socket(int type)
{
    fmq_socket s = 0;
    int linger = 0;

    REQUIRE(fmq_socket_new(ctx, type, &s) == 0);
    CHECK_EQ(fmq_setsockopt(s, OPT_LINGER, &linger, sizeof(linger)), 0);
    return s;
}

static fmq_socket
bound(int type, const char *name)
{
    fmq_socket s = open_socket(type);

    CHECK_EQ(fmq_bind(s, name), 0);
    return s;
}

static fmq_socket
connected(int type, const char *name)
{
    fmq_socket s = open_socket(type);

    CHECK_EQ(fmq_connect(s, name), 0);
    return s;
}

static int
put(fmq_socket s, const char *text)
{
    return fmq_send(s, text, strlen(text), FMQ_DONTWAIT);
}

/* One part, as text; its error as a number instead. */
static int
take(fmq_socket s, const char *want)
{
    char buf[64];
    fmq_part part;
    fmq_msg m;
    int err;

    fmq_msg_init(&m);
    err = fmq_recv(s, buf, sizeof(buf), &m, &part, FMQ_DONTWAIT);
    if (err == 0) {
        CHECK(part.is_in_buf && part.len == strlen(want) &&
              memcmp(buf, want, part.len) == 0);
        err = part.more ? -1 : 0;
    }
    fmq_msg_close(&m);
    return err;
}

/* Waits for a part of one byte. */
static char
take_char(fmq_socket s)
{
    char buf[1] = {0};
    fmq_part part = {0};
    fmq_msg m;

    fmq_msg_init(&m);
    CHECK_EQ(fmq_recv(s, buf, sizeof(buf), &m, &part, 0), 0);
    CHECK(part.is_in_buf && part.len == 1);
    fmq_msg_close(&m);
    return buf[0];
}

static unsigned
take_all(fmq_socket s, const char *want)
{
    unsigned n = 0;

    while (take(s, want) == 0) {
        n++;
    }
    return n;
}

TEST(a_sender_that_need_not_wait_learns_of_new_peers)
{
    fmq_socket push = bound(PUSH, "inproc://new");
    fmq_socket one = connected(PULL, "inproc://new");
    fmq_socket two;

    CHECK_EQ(put(push, "x"), 0);
    two = connected(PULL, "inproc://new");
    for (int i = 0; i < 9; i++) {
        CHECK_EQ(put(push, "x"), 0);
    }
    CHECK_EQ(take_all(one, "x"), 6); /* the first one, and every other of the rest */
    CHECK_EQ(take_all(two, "x"), 4);
    fmq_socket_close(push);
    fmq_socket_close(one);
    fmq_socket_close(two);
}

TEST(nothing_is_sent_to_a_peer_that_has_closed)
{
    fmq_socket one = bound(PULL, "inproc://one");
    fmq_socket two = bound(PULL, "inproc://two");
    fmq_socket push = connected(PUSH, "inproc://one");

    CHECK_EQ(fmq_connect(push, "inproc://two"), 0);
    CHECK_EQ(put(push, "x"), 0);
    CHECK_EQ(put(push, "x"), 0);
    fmq_socket_close(one);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(put(push, "x"), 0);
    }
    CHECK_EQ(take_all(two, "x"), 11);
    fmq_socket_close(two);
    CHECK_EQ(put(push, "x"), EAGAIN);
    fmq_socket_close(push);
}

TEST(a_pair_that_only_sends_takes_the_next_peer)
{
    fmq_socket a = bound(PAIR, "inproc://pair");

    for (int i = 0; i < 3; i++) {
        fmq_socket b = connected(PAIR, "inproc://pair");

        CHECK_EQ(put(a, "x"), 0);
        CHECK_EQ(take(b, "x"), 0);
        CHECK_EQ(put(b, "unread"), 0);
        if (i == 2) {
            CHECK_EQ(take(a, "unread"), 0);
            CHECK_EQ(put(b, "unread"), 0);
        }
        fmq_socket_close(b);
        CHECK_EQ(put(a, "x"), EAGAIN);
        CHECK_EQ(take(a, "unread"), 0);
    }
    fmq_socket_close(a);
}

TEST(a_second_pair_is_refused_and_the_first_one_stays)
{
    fmq_socket a = bound(PAIR, "inproc://second");
    fmq_socket b = connected(PAIR, "inproc://second");
    fmq_socket c = connected(PAIR, "inproc://second");

    CHECK_EQ(put(b, "b"), 0);
    CHECK_EQ(put(c, "c"), 0);
    CHECK_EQ(take(a, "b"), 0);
    CHECK_EQ(take(a, "c"), EAGAIN);
    CHECK_EQ(put(c, "c"), EAGAIN);
    CHECK_EQ(put(a, "a"), 0);
    CHECK_EQ(take(b, "a"), 0);
    fmq_socket_close(a);
    fmq_socket_close(b);
    fmq_socket_close(c);
}

TEST(a_request_does_not_go_to_a_replier_that_has_closed)
{
    fmq_socket one = bound(REP, "inproc://rep1");
    fmq_socket two = bound(REP, "inproc://rep2");
    fmq_socket req = connected(REQ, "inproc://rep1");

    CHECK_EQ(fmq_connect(req, "inproc://rep2"), 0);
    fmq_socket_close(one);
    CHECK_EQ(put(req, "?"), 0);
    CHECK_EQ(take(two, "?"), 0);
    CHECK_EQ(put(two, "!"), 0);
    CHECK_EQ(take(req, "!"), 0);
    fmq_socket_close(req);
    fmq_socket_close(two);
}

/* The connecter's own mark for sending, which is higher, has no say in this direction.
 */
TEST(a_binder_has_room_for_its_mark_and_its_peers)
{
    static const int mark = 1;
    fmq_socket a = bound(PAIR, "inproc://marks");
    fmq_socket b = open_socket(PAIR);
    int n = 0;

    CHECK_EQ(fmq_setsockopt(a, OPT_SNDHWM, &mark, sizeof(mark)), 0);
    CHECK_EQ(fmq_unbind(a, "inproc://marks"), 0);
    CHECK_EQ(fmq_bind(a, "inproc://marks"), 0);
    CHECK_EQ(fmq_setsockopt(b, OPT_RCVHWM, &mark, sizeof(mark)), 0);
    CHECK_EQ(fmq_connect(b, "inproc://marks"), 0);
    while (n < PATIENCE && put(a, "x") == 0) {
        n++;
    }
    CHECK_EQ(n, 2);
    CHECK_EQ(fmq_socket_close(a), 0);
    CHECK_EQ(fmq_socket_close(b), 0);
}

/* A mark that is set later counts at once; the peer's share stays. */
TEST(marks_may_change_while_sockets_are_joined)
{
    static const int marks[] = {1, 5, 0};
    fmq_socket a = open_socket(PAIR);
    fmq_socket b = open_socket(PAIR);
    int n = 0;

    CHECK_EQ(fmq_setsockopt(a, OPT_SNDHWM, &marks[0], sizeof(int)), 0);
    CHECK_EQ(fmq_setsockopt(b, OPT_RCVHWM, &marks[0], sizeof(int)), 0);
    CHECK_EQ(fmq_connect(b, "inproc://live"), 0);
    CHECK_EQ(fmq_bind(a, "inproc://live"), 0);
    for (; n < PATIENCE && put(a, "x") == 0; n++) {
    }
    CHECK_EQ(n, 2);
    CHECK_EQ(fmq_setsockopt(a, OPT_SNDHWM, &marks[1], sizeof(int)), 0);
    for (; n < PATIENCE && put(a, "x") == 0; n++) {
    }
    CHECK_EQ(n, 6);
    CHECK_EQ(fmq_setsockopt(a, OPT_SNDHWM, &marks[2], sizeof(int)), 0);
    for (; n < PATIENCE && put(a, "x") == 0; n++) {
    }
    CHECK_EQ(n, PATIENCE);
    CHECK_EQ(fmq_socket_close(a), 0);
    CHECK_EQ(fmq_socket_close(b), 0);
}

/* And the mark of who receives, which the sender hears of. */
TEST(marks_of_the_receiver_may_change_while_sockets_are_joined)
{
    static const int marks[] = {1, 4, 2, 0};

    for (int is_bound = 0; is_bound < 2; is_bound++) {
        fmq_socket a = open_socket(PAIR);
        fmq_socket b = open_socket(PAIR);
        int n = 0;

        CHECK_EQ(fmq_setsockopt(a, OPT_SNDHWM, &marks[0], sizeof(int)), 0);
        CHECK_EQ(fmq_setsockopt(b, OPT_RCVHWM, &marks[0], sizeof(int)), 0);
        CHECK_EQ(fmq_connect(is_bound ? a : b, "inproc://live"), 0);
        CHECK_EQ(fmq_bind(is_bound ? b : a, "inproc://live"), 0);
        for (; n < PATIENCE && put(a, "x") == 0; n++) {
        }
        CHECK_EQ(n, 2);
        CHECK_EQ(fmq_setsockopt(b, OPT_RCVHWM, &marks[1], sizeof(int)), 0);
        for (; n < PATIENCE && put(a, "x") == 0; n++) {
        }
        CHECK_EQ(n, 5);
        CHECK_EQ(fmq_setsockopt(b, OPT_RCVHWM, &marks[2], sizeof(int)), 0);
        CHECK_EQ(put(a, "x"), EAGAIN);
        CHECK_EQ(fmq_setsockopt(b, OPT_RCVHWM, &marks[3], sizeof(int)), 0);
        for (; n < PATIENCE && put(a, "x") == 0; n++) {
        }
        CHECK_EQ(n, PATIENCE);
        CHECK_EQ(fmq_socket_close(a), 0);
        CHECK_EQ(fmq_socket_close(b), 0);
    }
}

/* SUB says what it wants as soon as it is bound, whether or not it is used then. */
TEST(a_bind_meets_those_that_wait_for_the_name)
{
    fmq_socket pub = connected(PUB, "inproc://met");
    fmq_socket sub = open_socket(SUB);

    CHECK_EQ(fmq_setsockopt(sub, OPT_SUBSCRIBE, "", 0), 0);
    CHECK_EQ(put(pub, "before"), 0);
    CHECK_EQ(fmq_bind(sub, "inproc://met"), 0);
    CHECK_EQ(put(pub, "after"), 0);
    CHECK_EQ(take(sub, "after"), 0);
    CHECK_EQ(fmq_socket_close(pub), 0);
    CHECK_EQ(fmq_socket_close(sub), 0);
}

TEST(a_busy_inproc_peer_starves_neither_inproc_nor_network_peers)
{
    char endpoint[200];
    size_t len = sizeof(endpoint);
    fmq_socket pull = bound(PULL, "inproc://busy");
    fmq_socket busy = connected(PUSH, "inproc://busy");
    fmq_socket local = open_socket(PUSH);
    fmq_socket remote = open_socket(PUSH);
    unsigned n_local = 0;
    unsigned n_remote = 0;
    uint64_t deadline;

    CHECK_EQ(fmq_bind(pull, "ipc://*"), 0);
    CHECK_EQ(fmq_getsockopt(pull, OPT_LAST_ENDPOINT, endpoint, &len), 0);
    CHECK_EQ(fmq_connect(remote, endpoint), 0);
    CHECK_EQ(fmq_send(remote, "r", 1, 0), 0);
    CHECK_EQ(take_char(pull), 'r'); /* it is established */
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(put(busy, "b"), 0);
    }
    CHECK_EQ(take_char(pull), 'b');
    CHECK_EQ(fmq_connect(local, "inproc://busy"), 0);
    CHECK_EQ(put(local, "l"), 0);
    CHECK_EQ(put(remote, "r"), 0);
    /* The queue of `busy` never runs empty; the connection has something at once. */
    deadline = fmq_now_ns() + PATIENCE_NS;
    while ((n_local == 0 || n_remote == 0) && fmq_now_ns() < deadline) {
        char c = take_char(pull);

        n_local += c == 'l';
        n_remote += c == 'r';
        if (c == 'b') {
            CHECK_EQ(put(busy, "b"), 0);
        }
    }
    CHECK_EQ(n_local, 1);
    CHECK_EQ(n_remote, 1);
    fmq_socket_close(pull);
    fmq_socket_close(busy);
    fmq_socket_close(local);
    fmq_socket_close(remote);
}

/* A connection that its pattern gives up - here for another one of the same name - ends
 * for the other side, too. */
TEST(a_pipe_that_is_given_up_ends_for_its_peer)
{
    enum { DEALER = 5, ROUTER = 6, ROUTING_ID = 5, HANDOVER = 56, POLLOUT = 2 };
    fmq_socket router = open_socket(ROUTER);
    fmq_socket dealer[2];
    int on = 1;
    int events = POLLOUT;

    CHECK_EQ(fmq_setsockopt(router, HANDOVER, &on, sizeof(on)), 0);
    CHECK_EQ(fmq_bind(router, "inproc://handover"), 0);
    for (int i = 0; i < 2; i++) {
        dealer[i] = open_socket(DEALER);
        CHECK_EQ(fmq_setsockopt(dealer[i], ROUTING_ID, "same", 4), 0);
        CHECK_EQ(fmq_connect(dealer[i], "inproc://handover"), 0);
        CHECK_EQ(put(dealer[i], i == 0 ? "first" : "second"), 0);
        CHECK_EQ(take(router, "same"), -1); /* and more */
        CHECK_EQ(take(router, i == 0 ? "first" : "second"), 0);
    }
    for (int i = 0; i < PATIENCE && (events & POLLOUT) != 0; i++) {
        size_t len = sizeof(events);

        CHECK_EQ(take(router, "nothing"), EAGAIN); /* it looks */
        CHECK_EQ(fmq_getsockopt(dealer[0], 15, &events, &len), 0);
    }
    CHECK_EQ(put(dealer[0], "lost"), EAGAIN);
    CHECK_EQ(put(dealer[1], "heard"), 0);
    CHECK_EQ(take(router, "same"), -1); /* and more */
    CHECK_EQ(take(router, "heard"), 0);
    CHECK_EQ(fmq_socket_close(dealer[0]), 0);
    CHECK_EQ(fmq_socket_close(dealer[1]), 0);
    CHECK_EQ(fmq_socket_close(router), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_sender_that_need_not_wait_learns_of_new_peers),
        CASE(nothing_is_sent_to_a_peer_that_has_closed),
        CASE(a_pair_that_only_sends_takes_the_next_peer),
        CASE(a_second_pair_is_refused_and_the_first_one_stays),
        CASE(a_request_does_not_go_to_a_replier_that_has_closed),
        CASE(a_binder_has_room_for_its_mark_and_its_peers),
        CASE(marks_may_change_while_sockets_are_joined),
        CASE(marks_of_the_receiver_may_change_while_sockets_are_joined),
        CASE(a_bind_meets_those_that_wait_for_the_name),
        CASE(a_busy_inproc_peer_starves_neither_inproc_nor_network_peers),
        CASE(a_pipe_that_is_given_up_ends_for_its_peer),
    };
    int result;

    REQUIRE(fmq_ctx_new(&ctx) == 0);
    result = CHECK_MAIN(cases);
    CHECK_EQ(fmq_ctx_term(ctx, -1), 0);
    return result != 0 ? result : CHECK_RESULT();
}
