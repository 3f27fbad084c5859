/* SPDX-License-Identifier: Apache-2.0 */
/* The types of one part through zmq.h, over inproc and tcp. */
#include "zmq_sockets.h"

static const char *const places[] = {"inproc://types", "tcp://127.0.0.1:*"};

enum { N_PLACES = 2 };

/* Takes a message: its text is this, it has no more, and what it came with. */
static uint32_t
take(void *s, const char *text, char *group)
{
    zmq_msg_t m;
    uint32_t number;

    CHECK_EQ(zmq_msg_init(&m), 0);
    CHECK_EQ(zmq_msg_recv(&m, s, 0), (int)strlen(text));
    CHECK_EQ(memcmp(zmq_msg_data(&m), text, strlen(text)), 0);
    CHECK_EQ(zmq_msg_more(&m), 0);
    CHECK_EQ(zget(s, ZMQ_RCVMORE), 0);
    number = zmq_msg_routing_id(&m);
    if (group != NULL) {
        (void)snprintf(group, TEXT_ROOM, "%s", zmq_msg_group(&m));
    }
    CHECK_EQ(zmq_msg_close(&m), 0);
    return number;
}

/* Sends to a number (0: none) or a group (NULL: none). */
static int
send_to(void *s, uint32_t number, const char *group, const char *text, int flags)
{
    zmq_msg_t m;
    int n;

    CHECK_EQ(zmq_msg_init_buffer(&m, text, strlen(text)), 0);
    if (number != 0) {
        CHECK_EQ(zmq_msg_set_routing_id(&m, number), 0);
    }
    if (group != NULL) {
        CHECK_EQ(zmq_msg_set_group(&m, group), 0);
    }
    n = zmq_msg_send(&m, s, flags);
    if (n < 0) {
        int error = errno;

        CHECK_EQ(zmq_msg_size(&m), strlen(text)); /* it is ours still */
        CHECK_EQ(zmq_msg_close(&m), 0);
        errno = error;
    }
    return n;
}

static bool
is_ready(void *s, short events, long wait_ms)
{
    zmq_pollitem_t item = {s, 0, events, 0};

    return zmq_poll(&item, 1, wait_ms) == 1;
}

TEST(a_server_answers_its_clients)
{
    for (int i = 0; i < N_PLACES; i++) {
        zpair p = zpair_open(ZMQ_SERVER, ZMQ_CLIENT, places[i]);
        char place[TEXT_ROOM];
        size_t len = sizeof(place);
        void *other = znew(p.ctx, ZMQ_CLIENT);
        uint32_t first;
        uint32_t second;

        CHECK_EQ(zmq_getsockopt(p.a, ZMQ_LAST_ENDPOINT, place, &len), 0);
        CHECK_EQ(zmq_connect(other, place), 0);
        CHECK_EQ(zsend_text(p.b, "one", 0), 3);
        first = take(p.a, "one", NULL);
        CHECK_EQ(zsend_text(other, "two", 0), 3);
        second = take(p.a, "two", NULL);
        CHECK(first != 0 && second != 0 && first != second);
        CHECK_EQ(send_to(p.a, second, NULL, "to two", 0), 6);
        CHECK_EQ(send_to(p.a, first, NULL, "to one", 0), 6);
        CHECK_EQ(take(p.b, "to one", NULL), 0);
        CHECK_EQ(take(other, "to two", NULL), 0);

        REFUSES(send_to(p.a, first + second, NULL, "x", 0), EHOSTUNREACH);
        REFUSES(send_to(p.a, 0, NULL, "x", 0), EHOSTUNREACH);
        REFUSES(zsend_text(p.a, "x", 0), EHOSTUNREACH);
        REFUSES(send_to(p.a, first, NULL, "x", ZMQ_SNDMORE), EINVAL);
        REFUSES(zsend_text(p.b, "x", ZMQ_SNDMORE), EINVAL);
        CHECK_EQ(zmq_close(other), 0);
        zpair_close(&p);
    }
}

TEST(a_long_message_brings_its_number_too)
{
    zpair p = zpair_open(ZMQ_SERVER, ZMQ_CLIENT, places[1]);
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init_size(&m, 100000), 0);
    memset(zmq_msg_data(&m), 'x', 100000);
    CHECK_EQ(zmq_msg_send(&m, p.b, 0), 100000);
    CHECK_EQ(zmq_msg_recv(&m, p.a, 0), 100000);
    CHECK(zmq_msg_routing_id(&m) != 0);
    CHECK_EQ(zmq_msg_send(&m, p.a, 0), 100000); /* back by the same number */
    CHECK_EQ(zmq_msg_recv(&m, p.b, 0), 100000);
    CHECK_EQ(zmq_msg_routing_id(&m), 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
    zpair_close(&p);
}

TEST(a_full_client_holds_its_server_back)
{
    void *ctx = znew_ctx();
    void *server = znew(ctx, ZMQ_SERVER);
    void *client = znew(ctx, ZMQ_CLIENT);
    uint32_t number;

    zset(server, ZMQ_SNDHWM, 1);
    zset(client, ZMQ_RCVHWM, 1);
    zjoin(server, client, places[0]);
    CHECK_EQ(zsend_text(client, "hi", 0), 2);
    number = take(server, "hi", NULL);
    CHECK_EQ(send_to(server, number, NULL, "1", ZMQ_DONTWAIT), 1);
    CHECK_EQ(send_to(server, number, NULL, "2", ZMQ_DONTWAIT), 1);
    REFUSES(send_to(server, number, NULL, "3", ZMQ_DONTWAIT), EAGAIN);
    CHECK(is_ready(server, ZMQ_POLLOUT, 0));
    take(client, "1", NULL);
    take(client, "2", NULL);
    CHECK_EQ(send_to(server, number, NULL, "3", 0), 1);
    take(client, "3", NULL);
    CHECK_EQ(zmq_close(server), 0);
    CHECK_EQ(zmq_close(client), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(a_server_lets_a_client_go)
{
    for (int i = 0; i < N_PLACES; i++) {
        zpair p = zpair_open(ZMQ_SERVER, ZMQ_CLIENT, places[i]);
        uint32_t number;

        zset(p.b, ZMQ_RECONNECT_IVL, 1);
        CHECK_EQ(zsend_text(p.b, "one", 0), 3);
        number = take(p.a, "one", NULL);
        REFUSES(zmq_disconnect_peer(p.a, number + 1), EHOSTUNREACH);
        CHECK_EQ(zmq_disconnect_peer(p.a, number), 0);
        REFUSES(zmq_disconnect_peer(p.a, number), EHOSTUNREACH);
        REFUSES(send_to(p.a, number, NULL, "x", 0), EHOSTUNREACH);
        REFUSES(zmq_disconnect_peer(p.b, number), ENOTSUP);
        REFUSES(zmq_join(p.a, "g"), ENOTSUP);
        zpair_close(&p);
    }
}

TEST(peers_know_each_other_by_numbers)
{
    for (int i = 0; i < N_PLACES; i++) {
        void *ctx = znew_ctx();
        void *a = znew(ctx, ZMQ_PEER);
        void *b = znew(ctx, ZMQ_PEER);
        char place[TEXT_ROOM];
        size_t len = sizeof(place);
        uint32_t to_a;
        uint32_t to_b;

        CHECK_EQ(zmq_bind(a, places[i]), 0);
        CHECK_EQ(zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, place, &len), 0);
        to_a = zmq_connect_peer(b, place);
        CHECK(to_a != 0);
        CHECK_EQ(send_to(b, to_a, NULL, "hello", 0), 5);
        to_b = take(a, "hello", NULL);
        CHECK_EQ(send_to(a, to_b, NULL, "world", 0), 5);
        CHECK_EQ(take(b, "world", NULL), to_a);
        CHECK(zmq_connect_peer(b, place) != to_a); /* one more */

        errno = 0;
        CHECK_EQ(zmq_connect_peer(b, "nowhere"), 0);
        CHECK_EQ(errno, EINVAL);
        CHECK_EQ(zmq_connect_peer(b, NULL), 0);
        zset(b, ZMQ_IMMEDIATE, 1);
        errno = 0;
        CHECK_EQ(zmq_connect_peer(b, place), 0);
        CHECK_EQ(errno, EFAULT);
        REFUSES(zmq_setsockopt(b, ZMQ_CONNECT_ROUTING_ID, "x", 1), EINVAL);
        REFUSES(zmq_socket_get_peer_state(b, &to_a, 4), ENOTSUP);
        CHECK_EQ(zmq_disconnect_peer(b, to_a), 0);
        REFUSES(send_to(b, to_a, NULL, "x", 0), EHOSTUNREACH);
        CHECK_EQ(zmq_close(a), 0);
        CHECK_EQ(zmq_close(b), 0);
        CHECK_EQ(zmq_ctx_term(ctx), 0);
    }
}

/* The radio hears of a join some time after the dish has said it. */
static void
await_group(void *radio, void *dish, const char *group)
{
    while (!is_ready(dish, ZMQ_POLLIN, 1)) {
        CHECK_EQ(send_to(radio, 0, group, "settle", 0), 6);
    }
    CHECK_EQ(send_to(radio, 0, group, "settled", 0), 7);
    for (;;) {
        char text[TEXT_ROOM] = {0};

        CHECK(zmq_recv(dish, text, sizeof(text), 0) > 0);
        if (strcmp(text, "settled") == 0) {
            return;
        }
    }
}

TEST(a_dish_takes_what_its_groups_get)
{
    static const char long_name[] = "a group whose name is longer than sixteen bytes";

    for (int i = 0; i < N_PLACES; i++) {
        zpair p = zpair_open(ZMQ_RADIO, ZMQ_DISH, places[i]);
        char group[TEXT_ROOM];

        CHECK_EQ(zmq_join(p.b, "movies"), 0);
        CHECK_EQ(zmq_join(p.b, long_name), 0);
        CHECK_EQ(zmq_join(p.b, ""), 0);
        await_group(p.a, p.b, "");
        CHECK_EQ(send_to(p.a, 0, "tv", "no", 0), 2);
        CHECK_EQ(send_to(p.a, 0, "movies", "yes", 0), 3);
        CHECK_EQ(send_to(p.a, 0, long_name, "long", 0), 4);
        CHECK_EQ(zsend_text(p.a, "none", 0), 4);
        CHECK_EQ(take(p.b, "yes", group), 0);
        CHECK_STR(group, "movies");
        CHECK_EQ(take(p.b, "long", group), 0);
        CHECK_STR(group, long_name);
        CHECK_EQ(take(p.b, "none", group), 0);
        CHECK_STR(group, "");
        REFUSES(zmq_join(p.b, "movies"), EINVAL);
        CHECK_EQ(zmq_leave(p.b, "movies"), 0);
        REFUSES(zmq_leave(p.b, "movies"), EINVAL);
        REFUSES(zmq_join(p.b, NULL), EINVAL);
        REFUSES(zmq_leave(p.b, NULL), EINVAL);
        CHECK_EQ(send_to(p.a, 0, "movies", "too late", 0), 8);
        CHECK_EQ(zsend_text(p.a, "end", 0), 3);
        take(p.b, "end", NULL);
        REFUSES(zsend_text(p.b, "x", 0), ENOTSUP);
        REFUSES(zsend_text(p.b, "x", ZMQ_SNDMORE), ENOTSUP);
        REFUSES(send_to(p.a, 0, "g", "x", ZMQ_SNDMORE), EINVAL);
        REFUSES(zmq_recv(p.a, group, 1, ZMQ_DONTWAIT), ENOTSUP);
        REFUSES(zmq_join(p.a, "g"), ENOTSUP);
        zpair_close(&p);
    }
}

TEST(groups_are_joined_anew_with_each_connection)
{
    void *ctx = znew_ctx();
    void *radio = znew(ctx, ZMQ_RADIO);
    void *dish = znew(ctx, ZMQ_DISH);
    char place[TEXT_ROOM];
    size_t len = sizeof(place);

    zset(dish, ZMQ_RECONNECT_IVL, 1);
    CHECK_EQ(zmq_join(dish, "g"), 0);
    zjoin(radio, dish, places[1]);
    CHECK_EQ(zmq_getsockopt(radio, ZMQ_LAST_ENDPOINT, place, &len), 0);
    await_group(radio, dish, "g");
    CHECK_EQ(zmq_close(radio), 0);
    radio = znew(ctx, ZMQ_RADIO);
    CHECK_EQ(zmq_bind(radio, place), 0);
    await_group(radio, dish, "g");
    CHECK_EQ(zmq_close(radio), 0);
    CHECK_EQ(zmq_close(dish), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(scatter_and_gather)
{
    for (int i = 0; i < N_PLACES; i++) {
        zpair p = zpair_open(ZMQ_GATHER, ZMQ_SCATTER, places[i]);
        char byte;

        CHECK_EQ(zsend_text(p.b, "1", 0), 1);
        CHECK_EQ(zsend_text(p.b, "2", 0), 1);
        take(p.a, "1", NULL);
        take(p.a, "2", NULL);
        REFUSES(zsend_text(p.b, "x", ZMQ_SNDMORE), EINVAL);
        REFUSES(zsend_text(p.a, "x", 0), ENOTSUP);
        REFUSES(zsend_text(p.a, "x", ZMQ_SNDMORE), ENOTSUP);
        REFUSES(zmq_recv(p.b, &byte, 1, ZMQ_DONTWAIT), ENOTSUP);
        zpair_close(&p);
    }
}

TEST(a_channel_has_one_peer)
{
    for (int i = 0; i < N_PLACES; i++) {
        zpair p = zpair_open(ZMQ_CHANNEL, ZMQ_CHANNEL, places[i]);

        CHECK_EQ(zsend_text(p.b, "there", 0), 5);
        take(p.a, "there", NULL);
        CHECK_EQ(zsend_text(p.a, "back", 0), 4);
        take(p.b, "back", NULL);
        REFUSES(zsend_text(p.b, "x", ZMQ_SNDMORE), EINVAL);
        zpair_close(&p);
    }
}

/* Parts of a vector are messages each, or one that cannot be sent. */
TEST(vectors)
{
    zpair p = zpair_open(ZMQ_GATHER, ZMQ_SCATTER, places[0]);
    struct iovec parts[2] = {{(void *)(uintptr_t)"one", 3},
                             {(void *)(uintptr_t)"two", 3}};

    REFUSES(zmq_sendiov(p.b, parts, 2, ZMQ_SNDMORE), EINVAL);
    CHECK_EQ(zmq_sendiov(p.b, parts, 2, 0), 3);
    take(p.a, "one", NULL);
    take(p.a, "two", NULL);
    zpair_close(&p);
}

TEST(what_fresh_ones_can_do)
{
    static const struct {
        int type;
        bool can_send;
    } fresh[] = {
        {ZMQ_SERVER, true}, {ZMQ_CLIENT, false},  {ZMQ_RADIO, true},
        {ZMQ_DISH, true},   {ZMQ_GATHER, false},  {ZMQ_SCATTER, false},
        {ZMQ_PEER, true},   {ZMQ_CHANNEL, false},
    };
    void *ctx = znew_ctx();

    for (size_t i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++) {
        void *s = zmq_socket(ctx, fresh[i].type);
        size_t len = sizeof(int);
        int fd = 0;

        CHECK_EQ(zget(s, ZMQ_EVENTS), fresh[i].can_send ? ZMQ_POLLOUT : 0);
        CHECK_EQ(zget(s, ZMQ_LINGER), fresh[i].type == ZMQ_DISH ? 0 : -1);
        REFUSES(zmq_getsockopt(s, ZMQ_FD, &fd, &len), EINVAL);
        CHECK_EQ(zmq_close(s), 0);
    }
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

/* Hello, goodbye and hiccup, where the types have them. */
TEST(messages_at_the_ends_of_connections)
{
    for (int i = 0; i < N_PLACES; i++) {
        void *ctx = znew_ctx();
        void *server = znew(ctx, ZMQ_SERVER);
        void *client = znew(ctx, ZMQ_CLIENT);
        uint32_t number;

        CHECK_EQ(zmq_setsockopt(server, ZMQ_HELLO_MSG, "hello", 5), 0);
        CHECK_EQ(zmq_setsockopt(server, ZMQ_DISCONNECT_MSG, "gone", 4), 0);
        CHECK_EQ(zmq_setsockopt(client, ZMQ_HELLO_MSG, "hi", 2), 0);
        CHECK_EQ(zmq_setsockopt(client, ZMQ_HICCUP_MSG, "lost", 4), 0);
        zjoin(server, client, places[i]);
        number = take(server, "hi", NULL);
        CHECK(number != 0);
        take(client, "hello", NULL);
        if (i == 0) {
            CHECK_EQ(zmq_close(client), 0);
            CHECK_EQ(take(server, "gone", NULL), number);
            CHECK_EQ(zmq_close(server), 0);
        } else {
            CHECK_EQ(zmq_close(server), 0);
            take(client, "lost", NULL);
            CHECK_EQ(zmq_close(client), 0);
        }
        CHECK_EQ(zmq_ctx_term(ctx), 0);
    }
}

/* --- threads --- */

enum { N_THREADS = 4, N_EACH = 500 };

static void
send_some(void *client)
{
    for (int i = 0; i < N_EACH; i++) {
        CHECK_EQ(zmq_send(client, "x", 1, 0), 1);
    }
}

static void
answer_some(void *server)
{
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init(&m), 0);
    for (int i = 0; i < N_EACH; i++) {
        CHECK_EQ(zmq_msg_recv(&m, server, 0), 1);
        CHECK_EQ(zmq_msg_send(&m, server, 0), 1);
    }
    CHECK_EQ(zmq_msg_close(&m), 0);
}

TEST(threads_share_a_socket)
{
    for (int i = 0; i < N_PLACES; i++) {
        zpair p = zpair_open(ZMQ_SERVER, ZMQ_CLIENT, places[i]);
        fmq__thread thread[2 * N_THREADS];

        for (int t = 0; t < N_THREADS; t++) {
            start_thread(&thread[t], answer_some, p.a);
            start_thread(&thread[N_THREADS + t], send_some, p.b);
        }
        for (int n = 0; n < N_THREADS * N_EACH; n++) {
            take(p.b, "x", NULL);
        }
        for (int t = 0; t < 2 * N_THREADS; t++) {
            fmq__thread_join(thread[t]);
        }
        zpair_close(&p);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_server_answers_its_clients),
        CASE(a_long_message_brings_its_number_too),
        CASE(a_full_client_holds_its_server_back),
        CASE(a_server_lets_a_client_go),
        CASE(peers_know_each_other_by_numbers),
        CASE(a_dish_takes_what_its_groups_get),
        CASE(groups_are_joined_anew_with_each_connection),
        CASE(scatter_and_gather),
        CASE(a_channel_has_one_peer),
        CASE(vectors),
        CASE(what_fresh_ones_can_do),
        CASE(messages_at_the_ends_of_connections),
        CASE(threads_share_a_socket),
    };

    return CHECK_MAIN(cases);
}
