/* SPDX-License-Identifier: Apache-2.0 */
/* inproc names: bound once, connected to before and after, undone by their text, and
 * everybody coming and going at the same time. */
#include <errno.h>

#include "gate.h"
#include "sockets.h"

static fmq_ctx ctx;

static void
pass_one(fmq_socket push, fmq_socket pull)
{
    CHECK_EQ(send_text(push, "hello", 0), 0);
    expect_text(pull, "hello");
}

/* How many messages go in before there is no more room. */
static int
fill(fmq_socket s)
{
    int n = 0;

    while (n < 100000 && send_text(s, "x", FMQ_DONTWAIT) == 0) {
        n++;
    }
    return n;
}

TEST(a_name_is_bound_once)
{
    fmq_socket a = new_brisk(ctx, PULL);
    fmq_socket b = new_brisk(ctx, PULL);
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_bind(a, "inproc://one"), 0);
    CHECK_EQ(fmq_bind(a, "inproc://one"), EADDRINUSE);
    CHECK_EQ(fmq_bind(b, "inproc://one"), EADDRINUSE);
    CHECK_STR(last_endpoint(b, text), "");
    CHECK_EQ(fmq_unbind(b, "inproc://one"), ENOENT); /* it is not b's */
    CHECK_EQ(fmq_bind(a, "inproc://one "), 0);       /* another one */
    CHECK_EQ(fmq_unbind(a, "inproc://one"), 0);
    CHECK_EQ(fmq_unbind(a, "inproc://one"), ENOENT);
    CHECK_EQ(fmq_bind(b, "inproc://one"), 0);
    CHECK_EQ(fmq_socket_close(b), 0);
    CHECK_EQ(fmq_bind(a, "inproc://one"), 0); /* close gives names free, too */
    CHECK_EQ(fmq_socket_close(a), 0);
}

TEST(names_belong_to_a_context)
{
    fmq_ctx other = new_ctx();
    fmq_socket a = new_brisk(ctx, PULL);
    fmq_socket b = new_brisk(other, PULL);
    fmq_socket to_b = new_brisk(other, PUSH);

    CHECK_EQ(fmq_bind(a, "inproc://same"), 0);
    CHECK_EQ(fmq_bind(b, "inproc://same"), 0);
    CHECK_EQ(fmq_connect(to_b, "inproc://same"), 0);
    pass_one(to_b, b);
    CHECK_EQ(fmq_socket_close(a), 0);
    CHECK_EQ(fmq_socket_close(b), 0);
    CHECK_EQ(fmq_socket_close(to_b), 0);
    end_ctx(other);
}

TEST(odd_names)
{
    static const char *const names[] = {"inproc://a/b/c", "inproc://tcp://127.0.0.1:1",
                                        "inproc://\xc3\xa4", "inproc://*",
                                        "inproc://  "};
    char long_name[5000];

    memset(long_name, 'n', sizeof(long_name));
    memcpy(long_name, "inproc://", 9);
    long_name[sizeof(long_name) - 1] = '\0';
    for (size_t i = 0; i < 6; i++) {
        const char *name = i < 5 ? names[i] : long_name;
        fmq_socket a = new_brisk(ctx, PULL);
        fmq_socket b = new_brisk(ctx, PUSH);

        CHECK_EQ(fmq_connect(b, name), 0);
        CHECK_EQ(fmq_bind(a, name), 0);
        pass_one(b, a);
        CHECK_EQ(fmq_disconnect(b, name), 0);
        CHECK_EQ(fmq_unbind(a, name), 0);
        CHECK_EQ(fmq_socket_close(a), 0);
        CHECK_EQ(fmq_socket_close(b), 0);
    }
}

/* --- connect before bind --- */

TEST(connects_wait_for_a_bind)
{
    fmq_socket push[5];
    fmq_socket pull = new_brisk(ctx, PULL);
    fmq_socket elsewhere = new_brisk(ctx, PUSH);

    CHECK_EQ(fmq_connect(elsewhere, "inproc://later-on"), 0);
    for (size_t i = 0; i < 5; i++) {
        push[i] = new_brisk(ctx, PUSH);
        CHECK_EQ(fmq_connect(push[i], "inproc://later"), 0);
        CHECK_EQ(send_text(push[i], "early", 0), 0);
    }
    CHECK_EQ(send_text(elsewhere, "not for you", 0), 0);
    CHECK_EQ(fmq_socket_close(push[1]), 0);
    CHECK_EQ(fmq_disconnect(push[2], "inproc://later"), 0);
    CHECK_EQ(fmq_disconnect(push[2], "inproc://later"), ENOENT);
    CHECK_EQ(fmq_bind(pull, "inproc://later"), 0);
    for (size_t i = 0; i < 5; i++) {
        expect_text(pull, "early"); /* also from those that have left */
    }
    CHECK_EQ(fmq_connect(push[2], "inproc://later"), 0);
    pass_one(push[2], pull);
    pass_one(push[4], pull);
    push[1] = elsewhere;
    close_all(push, 5);
    CHECK_EQ(fmq_socket_close(pull), 0);
}

/* The marks: alone the connecter's own, together the sum; without limit if either has
 * none. */
TEST(marks_are_added)
{
    static const struct {
        int snd, rcv, alone, together;
    } cases[] = {{3, 4, 3, 7}, {1, 1, 1, 2}, {5, 0, 5, 100000}};

    for (size_t i = 0; i < 3; i++) {
        for (int bind_first = 0; bind_first < 2; bind_first++) {
            fmq_socket push = new_brisk(ctx, PUSH);
            fmq_socket pull = new_brisk(ctx, PULL);
            int n = 0;

            set_int(push, SNDHWM, cases[i].snd);
            set_int(pull, RCVHWM, cases[i].rcv);
            if (bind_first) {
                CHECK_EQ(fmq_bind(pull, "inproc://marked"), 0);
                CHECK_EQ(fmq_connect(push, "inproc://marked"), 0);
            } else {
                CHECK_EQ(fmq_connect(push, "inproc://marked"), 0);
                n = fill(push);
                CHECK_EQ(n, cases[i].alone);
                CHECK_EQ(fmq_bind(pull, "inproc://marked"), 0);
            }
            CHECK_EQ(n + fill(push), cases[i].together + (cases[i].rcv == 0 ? n : 0));
            CHECK_EQ(fmq_socket_close(push), 0);
            CHECK_EQ(fmq_socket_close(pull), 0);
        }
    }
}

/* A socket may connect to its own name, in either order. */
TEST(with_oneself)
{
    for (int bind_first = 0; bind_first < 2; bind_first++) {
        fmq_socket s = new_brisk(ctx, REQ);

        if (bind_first) {
            CHECK_EQ(fmq_bind(s, "inproc://self"), 0);
        }
        CHECK_EQ(fmq_connect(s, "inproc://self"), 0);
        if (!bind_first) {
            CHECK_EQ(fmq_bind(s, "inproc://self"), 0);
        }
        CHECK_EQ(await(s, FMQ_POLLOUT), 0);
        CHECK_EQ(send_text(s, "to whom?", 0), 0);
        CHECK_EQ(fmq_socket_close(s), 0);
    }
}

/* A PAIR takes one peer; another connect succeeds and stays without one, and its name
 * can be undone all the same. */
TEST(a_pair_takes_one)
{
    fmq_socket a = new_brisk(ctx, PAIR);
    fmq_socket b = new_brisk(ctx, PAIR);
    fmq_socket c = new_brisk(ctx, PAIR);
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_bind(a, "inproc://a"), 0);
    CHECK_EQ(fmq_bind(c, "inproc://c"), 0);
    CHECK_EQ(fmq_connect(b, "inproc://a"), 0);
    CHECK_EQ(fmq_connect(b, "inproc://c"), 0);
    CHECK_EQ(fmq_connect(b, "inproc://nowhere"), 0);
    CHECK_STR(last_endpoint(b, text), "inproc://nowhere");
    pass_one(b, a);
    pass_one(a, b);
    CHECK_EQ(send_text(c, "x", FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(fmq_disconnect(b, "inproc://c"), 0);
    CHECK_EQ(fmq_disconnect(b, "inproc://nowhere"), 0);
    pass_one(b, a);
    CHECK_EQ(fmq_disconnect(b, "inproc://a"), 0);
    CHECK_EQ(fmq_connect(b, "inproc://c"), 0);
    pass_one(b, c);
    CHECK_EQ(fmq_socket_close(a), 0);
    CHECK_EQ(fmq_socket_close(b), 0);
    CHECK_EQ(fmq_socket_close(c), 0);
}

/* --- undoing --- */

/* unbind leaves those who are connected; disconnect does not. */
TEST(unbind_cuts_nobody)
{
    fmq_socket push = new_brisk(ctx, PUSH);
    fmq_socket pull = new_brisk(ctx, PULL);

    join(pull, push, "inproc://bound");
    CHECK_EQ(fmq_unbind(pull, "inproc://bound"), 0);
    pass_one(push, pull);
    CHECK_EQ(send_text(push, "unread", 0), 0);
    CHECK_EQ(fmq_disconnect(push, "inproc://bound"), 0);
    CHECK_EQ(send_text(push, "x", FMQ_DONTWAIT), EAGAIN);
    expect_text(pull, "unread"); /* what was sent stays */
    CHECK_EQ(fmq_socket_close(push), 0);
    CHECK_EQ(fmq_socket_close(pull), 0);
}

TEST(disconnect_ends_all_of_a_name)
{
    fmq_socket push = new_brisk(ctx, PUSH);
    fmq_socket pull = new_brisk(ctx, PULL);
    fmq_socket other = new_brisk(ctx, PULL);

    CHECK_EQ(fmq_bind(pull, "inproc://many"), 0);
    CHECK_EQ(fmq_bind(other, "inproc://other"), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(fmq_connect(push, "inproc://many"), 0);
    }
    CHECK_EQ(fmq_connect(push, "inproc://other"), 0);
    CHECK_EQ(fmq_disconnect(push, "inproc://many"), 0);
    CHECK_EQ(fmq_disconnect(push, "inproc://many"), ENOENT);
    for (int i = 0; i < 6; i++) {
        pass_one(push, other);
    }
    CHECK_EQ(fmq_socket_close(push), 0);
    CHECK_EQ(fmq_socket_close(pull), 0);
    CHECK_EQ(fmq_socket_close(other), 0);
}

/* The far end is gone already when disconnect comes. */
TEST(disconnect_from_the_dead)
{
    fmq_socket push = new_brisk(ctx, PUSH);
    char text[TEXT_ROOM];

    for (int i = 0; i < 3; i++) {
        fmq_socket pull = new_brisk(ctx, PULL);

        CHECK_EQ(fmq_bind(pull, "inproc://mortal"), 0);
        CHECK_EQ(fmq_connect(push, "inproc://mortal"), 0);
        CHECK_EQ(fmq_connect(push, "inproc://mortal"), 0);
        CHECK_EQ(send_text(push, "x", 0), 0);
        CHECK_EQ(fmq_socket_close(pull), 0);
        if (i == 1) {
            CHECK_EQ(get_int(push, 15), 0); /* it has heard of it */
        }
        CHECK_EQ(fmq_disconnect(push, "inproc://mortal"), 0);
        CHECK_EQ(fmq_disconnect(push, "inproc://mortal"), ENOENT);
        CHECK_STR(last_endpoint(push, text), "inproc://mortal");
    }
    CHECK_EQ(fmq_socket_close(push), 0);
}

/* --- threads --- */

typedef struct walker {
    fmq__thread thread;
    fmq_socket s; /* 0: makes its own, again and again */
    int type;
    uint32_t seed;
    int n_rounds;
} walker;

static void
one_step(fmq_socket s, uint32_t dice)
{
    static const char *const names[] = {"inproc://p", "inproc://q", "inproc://r"};
    const char *name = names[dice / 8 % 3];
    char text[TEXT_ROOM];
    int err;

    switch (dice % 8) {
    case 0:
    case 1:
        err = fmq_connect(s, name);
        CHECK(err == 0 || err == ENOTSOCK);
        break;
    case 2:
        err = fmq_bind(s, name);
        CHECK(err == 0 || err == EADDRINUSE || err == ENOTSOCK);
        break;
    case 3:
        err = fmq_unbind(s, name);
        CHECK(err == 0 || err == ENOENT || err == ENOTSOCK);
        break;
    case 4:
        err = fmq_disconnect(s, name);
        CHECK(err == 0 || err == ENOENT || err == ENOTSOCK);
        break;
    case 5:
        (void)recv_text(s, text, FMQ_DONTWAIT);
        break;
    default:
        (void)send_text(s, "x", FMQ_DONTWAIT);
        break;
    }
}

static void
walk(void *arg)
{
    walker *w = arg;
    uint32_t x = w->seed;

    for (int i = 0; i < w->n_rounds; i++) {
        fmq_socket s = w->s != 0 ? w->s : new_brisk(ctx, w->type);

        for (int k = 0; k < 12; k++) {
            x = x * 1664525 + 1013904223;
            one_step(s, x >> 16);
        }
        if (w->s == 0) {
            CHECK_EQ(fmq_socket_close(s), 0);
        }
    }
}

/* Sockets of their own and shared ones, all after the same three names. */
TEST(everybody_at_once)
{
    fmq_socket shared[2] = {new_brisk(ctx, PUSH), new_brisk(ctx, PULL)};
    walker w[6];

    for (uint32_t i = 0; i < 6; i++) {
        w[i] = (walker){.s = i < 4 ? shared[i % 2] : 0,
                        .type = i == 4 ? PAIR : PUSH,
                        .seed = i * 77 + 1,
                        .n_rounds = i < 4 ? 400 : 100};
        start_thread(&w[i].thread, walk, &w[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        fmq__thread_join(w[i].thread);
    }
    close_all(shared, 2);
}

/* Nothing is lost between sockets that find each other at the same moment: each of the
 * senders is heard, whoever of the two came first. */
typedef struct caller {
    fmq__thread thread;
    gate *start;
    fmq_socket s;
} caller;

static void
connect_and_send(void *arg)
{
    caller *c = arg;

    gate_wait(c->start, 1);
    CHECK_EQ(fmq_connect(c->s, "inproc://meet"), 0);
    CHECK_EQ(send_text(c->s, "here", 0), 0);
}

TEST(meeting_at_the_same_moment)
{
    for (int i = 0; i < 100; i++) {
        fmq_socket pull = new_brisk(ctx, PULL);
        gate start;
        caller c[3];

        gate_init(&start);
        for (size_t k = 0; k < 3; k++) {
            c[k] = (caller){.start = &start, .s = new_brisk(ctx, PUSH)};
            start_thread(&c[k].thread, connect_and_send, &c[k]);
        }
        gate_pass(&start);
        CHECK_EQ(fmq_bind(pull, "inproc://meet"), 0);
        for (size_t k = 0; k < 3; k++) {
            expect_text(pull, "here");
        }
        for (size_t k = 0; k < 3; k++) {
            fmq__thread_join(c[k].thread);
            CHECK_EQ(fmq_socket_close(c[k].s), 0);
        }
        CHECK_EQ(fmq_socket_close(pull), 0);
    }
}

/* Lent bodies come back once, wherever the sockets' ends find them. */
static atomic_int n_back;

static void
count_back(void *data, void *hint)
{
    (void)data;
    (void)hint;
    atomic_fetch_add_explicit(&n_back, 1, memory_order_relaxed);
}

TEST(lent_bodies_come_back)
{
    static char lent[5000];
    int n_lent = 0;

    atomic_store(&n_back, 0);
    for (int i = 0; i < 30; i++) {
        /* What nobody binds for waits until the context ends. */
        bool is_bound = i % 3 != 0;
        fmq_ctx mine = is_bound ? ctx : new_ctx();
        fmq_socket push = new_brisk(mine, PUSH);
        fmq_socket pull = new_brisk(mine, PULL);

        if (is_bound) {
            CHECK_EQ(fmq_bind(pull, "inproc://lend"), 0);
        }
        CHECK_EQ(fmq_connect(push, "inproc://lend"), 0);
        for (int k = 0; k < 5; k++, n_lent++) {
            fmq_msg m;

            CHECK_EQ(fmq_msg_init_data(&m, lent, sizeof(lent), count_back, NULL), 0);
            CHECK_EQ(fmq_msg_send(push, &m, k < 4 ? 0 : FMQ_SNDMORE), 0);
        }
        if (i % 2 == 0) {
            CHECK_EQ(fmq_disconnect(push, "inproc://lend"), 0);
        }
        CHECK_EQ(fmq_socket_close(i % 4 < 2 ? push : pull), 0);
        CHECK_EQ(fmq_socket_close(i % 4 < 2 ? pull : push), 0);
        if (!is_bound) {
            end_ctx(mine);
        }
        CHECK_EQ(atomic_load(&n_back), n_lent);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_name_is_bound_once),
        CASE(names_belong_to_a_context),
        CASE(odd_names),
        CASE(connects_wait_for_a_bind),
        CASE(marks_are_added),
        CASE(with_oneself),
        CASE(a_pair_takes_one),
        CASE(unbind_cuts_nobody),
        CASE(disconnect_ends_all_of_a_name),
        CASE(disconnect_from_the_dead),
        CASE(everybody_at_once),
        CASE(meeting_at_the_same_moment),
        CASE(lent_bodies_come_back),
    };
    int failed;

    ctx = new_ctx();
    failed = CHECK_MAIN(cases);
    end_ctx(ctx);
    return failed | CHECK_RESULT();
}
