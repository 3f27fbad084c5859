/* SPDX-License-Identifier: Apache-2.0 */
/* Every type's life with the n-th request for memory failing, for every n: a call
 * either works or says ENOMEM and has changed nothing, so that the same call works next
 * time; what was sent arrives or a connection ends, as its monitor tells; nothing is
 * left. */
#include "base/alloc.h"
#include "sockets.h"

enum { PUB = 1, SUB = 2, DEALER = 5, ROUTER = 6, XPUB = 9, XSUB = 10, STREAM = 11 };
enum {
    ROUTING_ID = 5,
    SUBSCRIBE = 6,
    RECONNECT_IVL = 18,
    MANDATORY = 33,
    REQ_CORRELATE = 52,
    REQ_RELAXED = 53,
};
enum { LONG = 10000, PARTS = 3, N_MAX = 5000, SAME = -1, EVENT_DISCONNECTED = 0x200 };

typedef struct pair {
    fmq_ctx ctx;
    fmq_socket a; /* binds */
    fmq_socket b; /* connects */
    fmq_socket watch[2];
    char endpoint[TEXT_ROOM];
    bool gives_up; /* nothing will work any more: it only has to end well */
    uint32_t n_sent;
    uint32_t n_got;
    uint8_t id[2][256];
    size_t id_len[2];
} pair;

/* The same call again where there was no memory for it. */
#define CALL(p, call)                   \
    do {                                \
        int call_err = (call);          \
        if (call_err == ENOMEM) {       \
            call_err = (call);          \
        }                               \
        if (!(p)->gives_up) {           \
            CHECK_EQ(call_err, 0);      \
        } else if (call_err != 0) {     \
            CHECK_EQ(call_err, ENOMEM); \
            return false;               \
        }                               \
    } while (0)

static bool
set_number(pair *p, fmq_socket s, int option, int value)
{
    CALL(p, fmq_setsockopt(s, option, &value, sizeof(value)));
    return true;
}

static bool
open_socket(pair *p, int type, fmq_socket *s)
{
    CALL(p, fmq_socket_new(p->ctx, type, s));
    return set_number(p, *s, LINGER, 0) && set_number(p, *s, RECONNECT_IVL, 1) &&
           (type != ROUTER || set_number(p, *s, MANDATORY, 1)) &&
           (type != REQ ||
            (set_number(p, *s, REQ_RELAXED, 1) && set_number(p, *s, REQ_CORRELATE, 1)));
}

static bool
watch(pair *p, int which, fmq_socket s)
{
    char name[32];

    (void)snprintf(name, sizeof(name), "inproc://watch-%d", which);
    CALL(p, fmq_monitor(s, name, 0xffff, 1, PAIR));
    CALL(p, fmq_socket_new(p->ctx, PAIR, &p->watch[which]));
    CALL(p, fmq_connect(p->watch[which], name));
    return true;
}

static bool
begin(pair *p, int type_a, int type_b, const char *endpoint)
{
    size_t len = TEXT_ROOM;

    CALL(p, fmq_ctx_new(&p->ctx));
    if (!open_socket(p, type_a, &p->a) || !open_socket(p, type_b, &p->b) ||
        !watch(p, 0, p->a) || !watch(p, 1, p->b)) {
        return false;
    }
    if (type_b == DEALER) {
        CALL(p, fmq_setsockopt(p->b, ROUTING_ID, "me", 2));
    }
    CALL(p, fmq_bind(p->a, endpoint));
    CALL(p, fmq_getsockopt(p->a, LAST_ENDPOINT, p->endpoint, &len));
    CALL(p, fmq_connect(p->b, p->endpoint));
    if (type_b == SUB) {
        CALL(p, fmq_setsockopt(p->b, SUBSCRIBE, "a topic nobody publishes", 24));
        CALL(p, fmq_setsockopt(p->b, SUBSCRIBE, "", 0));
    } else if (type_b == XSUB) {
        CALL(p, fmq_send(p->b, "\1", 1, 0));
    }
    return true;
}

/* Gives back what there is of a pair, however far it came. */
static void
end(pair *p)
{
    const fmq_socket s[] = {p->a, p->b, p->watch[0], p->watch[1]};

    for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
        if (s[i] != 0) {
            CHECK_EQ(fmq_socket_close(s[i]), 0);
        }
    }
    if (p->ctx != 0) {
        CHECK_EQ(fmq_ctx_term(p->ctx, PATIENCE_MS), 0);
    }
}

/* --- messages --- */

/* Sends an envelope, if there is one, and three parts, the middle one long: 0, or an
 * error that may be. */
static int
put(pair *p, fmq_socket s, const void *to, size_t to_len)
{
    static const uint8_t body[LONG];
    fmq_msg part[PARTS + 1];
    size_t first = to != NULL ? 0 : 1;
    int err;

    memset(part, 0, sizeof(part));
    err = first == 0 ? fmq_msg_init_copy(&part[0], to, to_len) : 0;
    if (err == 0) {
        err = fmq_msg_init_copy(&part[1], "head", 4);
    }
    if (err == 0) {
        err = fmq_msg_init_copy(&part[2], body, LONG);
    }
    if (err == 0) {
        err = fmq_msg_init_copy(&part[3], "tail", 4);
    }
    if (err == 0) {
        err = fmq_sendv(s, part + first, PARTS + 1 - first, FMQ_DONTWAIT);
    }
    p->n_sent += err == 0;
    CHECK(err == 0 || err == ENOMEM || err == EAGAIN || err == EHOSTUNREACH ||
          err == FMQ_EFSM);
    for (size_t i = first; i <= PARTS; i++) {
        fmq_msg_close(&part[i]);
    }
    return err;
}

/* Takes a message and sees that it is whole; `skip`: parts that come before. */
static int
take(pair *p, fmq_socket s, size_t skip)
{
    fmq_msg *part;
    size_t n;
    int err = fmq_recvv(s, &part, &n, FMQ_DONTWAIT);

    if (err != 0) {
        CHECK(err == ENOMEM || err == EAGAIN || err == FMQ_EFSM);
        return err;
    }
    if (CHECK_EQ(n, PARTS + skip)) {
        CHECK_EQ(fmq_msg_size(&part[skip]), 4);
        CHECK_MEM(fmq_msg_data(&part[skip]), "head", 4);
        CHECK_EQ(fmq_msg_size(&part[skip + 1]), LONG);
        CHECK_EQ(fmq_msg_size(&part[skip + 2]), 4);
        CHECK_MEM(fmq_msg_data(&part[skip + 2]), "tail", 4);
        p->n_got++;
    }
    fmq_parts_free(part, n);
    return 0;
}

/* A moment in which something may come. */
static void
pause_for(fmq_socket s)
{
    fmq_pollitem item = {.socket = s, .events = FMQ_POLLIN};
    size_t n;
    int err = fmq_poll(&item, 1, fmq__deadline_ns(2), &n);

    CHECK(err == 0 || err == ENOMEM);
}

/* --- conversations: each a little at a time, true when all has been said --- */

static bool
talk_one_way(pair *p, fmq_socket from, fmq_socket to)
{
    (void)put(p, from, NULL, 0);
    pause_for(to);
    while (take(p, to, 0) == 0) {
    }
    return p->n_got >= 3;
}

static bool
talk_push(pair *p)
{
    return talk_one_way(p, p->b, p->a);
}

static bool
talk_pub(pair *p)
{
    uint8_t topic[64];
    fmq_part part;
    fmq_msg m = {0};

    while (fmq_recv(p->a, topic, sizeof(topic), &m, &part, FMQ_DONTWAIT) == 0) {
    }
    return talk_one_way(p, p->a, p->b);
}

static bool
talk_pair(pair *p)
{
    (void)put(p, p->a, NULL, 0);
    return talk_one_way(p, p->b, p->a) && take(p, p->b, 0) != EAGAIN;
}

static bool
talk_router(pair *p)
{
    uint32_t before = p->n_got;

    (void)put(p, p->b, NULL, 0);
    pause_for(p->a);
    while (take(p, p->a, 1) == 0) {
    }
    (void)put(p, p->a, "me", 2);
    pause_for(p->b);
    return take(p, p->b, 0) == 0 && before >= 3;
}

static bool
talk_req(pair *p)
{
    (void)put(p, p->b, NULL, 0);
    pause_for(p->a);
    while (take(p, p->a, 0) == 0) {
        if (put(p, p->a, NULL, 0) == ENOMEM) {
            (void)put(p, p->a, NULL, 0);
        }
    }
    pause_for(p->b);
    return take(p, p->b, 0) == 0 && p->n_got >= 4;
}

/* What came from a stream: an id with nothing is one to talk to, or no longer. */
static bool
hear_stream(pair *p, int who, fmq_socket s)
{
    bool is_data = false;
    fmq_msg *part;
    size_t n;

    while (fmq_recvv(s, &part, &n, FMQ_DONTWAIT) == 0) {
        if (CHECK_EQ(n, 2)) {
            is_data |= fmq_msg_size(&part[1]) != 0;
            p->id_len[who] = fmq_msg_size(&part[0]);
            memcpy(p->id[who], fmq_msg_data(&part[0]), p->id_len[who]);
        }
        fmq_parts_free(part, n);
    }
    return is_data;
}

static bool
talk_stream(pair *p)
{
    const fmq_socket s[] = {p->a, p->b};

    for (int i = 0; i < 2; i++) {
        pause_for(s[i]);
        p->n_got += hear_stream(p, i, s[i]);
        if (p->id_len[i] != 0) {
            fmq_msg part[2] = {{{0}}, {{0}}};
            int err = fmq_msg_init_copy(&part[0], p->id[i], p->id_len[i]);

            err = err != 0 ? err : fmq_msg_init_copy(&part[1], "bytes", 5);
            err = err != 0 ? err : fmq_sendv(s[i], part, 2, FMQ_DONTWAIT);
            CHECK(err == 0 || err == ENOMEM || err == EHOSTUNREACH || err == EAGAIN);
            fmq_msg_close(&part[0]);
            fmq_msg_close(&part[1]);
        }
    }
    return p->n_got >= 4;
}

/* --- all of it, for every n --- */

typedef struct plan {
    int a, b;
    bool (*talk)(pair *p);
    bool is_counted; /* whatever is sent arrives while the connection lasts */
} plan;

static const plan plans[] = {
    {PULL, PUSH, talk_push, true},        {PAIR, PAIR, talk_pair, false},
    {ROUTER, DEALER, talk_router, false}, {REP, REQ, talk_req, false},
    {PUB, SUB, talk_pub, false},          {XPUB, XSUB, talk_pub, false},
    {STREAM, STREAM, talk_stream, false},
};

/* Whether a monitor has told of a connection that ended. */
static bool
has_ended(fmq_socket monitor)
{
    bool is_told = false;
    fmq_msg *part;
    size_t n;

    while (fmq_recvv(monitor, &part, &n, FMQ_DONTWAIT) == 0) {
        uint16_t event;

        memcpy(&event, fmq_msg_data(&part[0]), sizeof(event));
        is_told |= event == EVENT_DISCONNECTED;
        fmq_parts_free(part, n);
    }
    return is_told;
}

/* What is under way arrives; if it does not, a connection has been lost. */
static void
expect_all(pair *p)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    bool is_lost = false;

    while (p->n_got < p->n_sent && !is_lost) {
        if (!CHECK(fmq__clock_ns() < deadline)) {
            return;
        }
        pause_for(p->a);
        while (take(p, p->a, 0) == 0) {
        }
        is_lost = has_ended(p->watch[0]) | has_ended(p->watch[1]);
    }
    CHECK(p->n_got <= p->n_sent);
}

/* Over inproc nobody connects again: a binder without memory for a pipe ends it, as the
 * connecter sees. */
static bool
has_lost_inproc(const pair *p)
{
    fmq__socket *s;
    bool is_alone = false;

    if (strncmp(p->endpoint, "inproc:", 7) == 0 &&
        CHECK_EQ(fmq__socket_enter(p->b, false, &s), 0)) {
        is_alone = fmq__list_is_empty(&s->inprocs);
        fmq__socket_leave(s);
    }
    return is_alone;
}

/* With the n-th request failing, or all from there on: whether there were as many. */
static bool
live(const plan *l, const char *endpoint, uint64_t n, bool forever)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    pair p = {.gives_up = forever};
    uint64_t asked;
    int left = forever ? 5 : SAME;

    (void)fmq__alloc_fail_at(n, forever);
    if (begin(&p, l->a, l->b, endpoint)) {
        while (left != 0 && !l->talk(&p) && !has_lost_inproc(&p)) {
            left -= forever;
            if (!CHECK(fmq__clock_ns() < deadline)) {
                fprintf(stderr, "%d to %d, %s, request %d\n", l->b, l->a, endpoint,
                        (int)n);
                break;
            }
        }
        if (!forever && l->is_counted) {
            expect_all(&p);
        }
        CHECK_EQ(fmq_disconnect(p.b, p.endpoint), 0);
        CHECK_EQ(fmq_unbind(p.a, p.endpoint), 0);
    }
    end(&p);
    asked = fmq__alloc_fail_at(0, 0);
    return asked >= n;
}

static void
live_all(const char *endpoint, const plan *first, size_t n_plans, bool forever)
{
    int before = next_descriptor();

    for (size_t i = 0; i < n_plans; i++) {
        uint64_t n = 1;

        /* A step of seven for those that fail for ever: most end in the same place. */
        while (live(&first[i], endpoint, n, forever) && n < N_MAX) {
            n += forever ? 7 : 1;
        }
        CHECK(n > 20 && n < N_MAX);
        CHECK_EQ(next_descriptor(), before);
    }
}

enum { N_PLANS = sizeof(plans) / sizeof(plans[0]) };

TEST(one_request_fails_over_tcp)
{
    live_all("tcp://127.0.0.1:*", plans, N_PLANS, false);
}

TEST(one_request_fails_over_ipc)
{
    live_all("ipc://*", plans, 1, false);
}

TEST(one_request_fails_over_inproc)
{
    live_all("inproc://nomem", plans, N_PLANS - 1, false);
}

TEST(memory_runs_out_for_good)
{
    live_all("tcp://127.0.0.1:*", plans, N_PLANS, true);
    live_all("inproc://nomem", plans, N_PLANS - 1, true);
}

/* --- a proxy --- */

typedef struct relay {
    fmq_proxy *proxy;
    int err;
} relay;

static void
run_relay(void *arg)
{
    relay *r = arg;

    do {
        r->err = fmq_proxy_run(r->proxy);
    } while (r->err == ENOMEM || r->err == EINTR);
}

/* front and back of the proxy are pairs of their own. */
static bool
live_with_proxy(uint64_t n)
{
    pair in = {0};
    pair out = {0};
    fmq_socket control[2];
    fmq__thread thread;
    relay r = {0};
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);

    REQUIRE(begin(&in, PULL, PUSH, "tcp://127.0.0.1:*"));
    REQUIRE(begin(&out, PULL, PUSH, "tcp://127.0.0.1:*"));
    control[0] = new_brisk(in.ctx, PAIR);
    control[1] = new_brisk(in.ctx, PAIR);
    join(control[0], control[1], "inproc://control");
    REQUIRE(fmq_proxy_new(in.a, out.b, 0, control[0], &r.proxy) == 0);
    start_thread(&thread, run_relay, &r);
    (void)fmq__alloc_fail_at(n, 0);
    while (out.n_got < 3 && CHECK(fmq__clock_ns() < deadline)) {
        (void)put(&in, in.b, NULL, 0);
        pause_for(out.a);
        while (take(&out, out.a, 0) == 0) {
        }
    }
    while (send_text(control[1], "TERMINATE", 0) == ENOMEM) {
    }
    fmq__thread_join(thread);
    CHECK_EQ(r.err, 0);
    n = fmq__alloc_fail_at(0, 0) >= n;
    fmq_proxy_free(r.proxy);
    close_all(control, 2);
    end(&in);
    end(&out);
    return n != 0;
}

TEST(one_request_of_a_proxy_fails)
{
    uint64_t n = 1;

    while (live_with_proxy(n) && n < N_MAX) {
        n++;
    }
    CHECK(n > 5 && n < N_MAX);
}

int
main(void)
{
    RUN(one_request_fails_over_tcp);
    RUN(one_request_fails_over_ipc);
    RUN(one_request_fails_over_inproc);
    RUN(memory_runs_out_for_good);
    RUN(one_request_of_a_proxy_fails);
    return CHECK_RESULT();
}
