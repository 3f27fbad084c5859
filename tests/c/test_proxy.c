/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "check.h"
#include "sockets.h"

enum { ROUTER = 6, ROUTING_ID = 5 };

/* A proxy on a thread of its own, and whoever talks through it. */
typedef struct scene {
    fmq_ctx ctx;
    fmq_socket front;
    fmq_socket back;
    fmq_socket capture;
    fmq_socket control;
    fmq_socket a; /* of the front */
    fmq_socket b; /* of the back */
    fmq_socket monitor;
    fmq_socket commander;
    fmq_proxy *proxy;
    fmq__thread thread;
    int result;
} scene;

static const fmq_proxy_tags tags = {"from front", 10, "", 0};

static void
run(void *arg)
{
    scene *s = arg;

    do {
        s->result = fmq_proxy_run(s->proxy);
    } while (s->result == EINTR || s->result == ENOMEM);
}

static fmq_socket
couple(const scene *s, fmq_socket bound, int type, const char *id, const char *name)
{
    fmq_socket peer = new_socket(s->ctx, type);

    set_int(peer, RCVTIMEO, PATIENCE_MS);
    CHECK_EQ(fmq_setsockopt(peer, ROUTING_ID, id, 1), 0);
    CHECK_EQ(fmq_bind(bound, name), 0);
    CHECK_EQ(fmq_connect(peer, name), 0);
    return peer;
}

static void
scene_open(scene *s, int type, int peer_type)
{
    *s = (scene){.ctx = new_ctx()};
    s->front = new_socket(s->ctx, type);
    s->back = new_socket(s->ctx, type);
    s->capture = new_socket(s->ctx, PAIR);
    s->control = new_socket(s->ctx, PAIR);
    s->a = couple(s, s->front, peer_type, "a", "inproc://front");
    s->b = couple(s, s->back, peer_type, "b", "inproc://back");
    s->monitor = couple(s, s->capture, PAIR, "m", "inproc://capture");
    s->commander = couple(s, s->control, PAIR, "c", "inproc://control");
    REQUIRE(fmq_proxy_new(s->front, s->back, s->capture, s->control, &s->proxy) == 0);
}

static void
scene_close(scene *s)
{
    const fmq_socket all[] = {s->front, s->back, s->capture, s->control,
                              s->a,     s->b,    s->monitor, s->commander};

    CHECK_EQ(fmq_send(s->commander, "TERMINATE", 9, 0), 0);
    fmq__thread_join(s->thread);
    CHECK_EQ(s->result, 0);
    fmq_proxy_free(s->proxy);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CHECK_EQ(fmq_socket_close(all[i]), 0);
    }
    CHECK_EQ(fmq_ctx_term(s->ctx, -1), 0);
}

static void
expect(fmq_socket s, size_t n, const char *const texts[])
{
    for (size_t i = 0; i < n; i++) {
        char got[TEXT_ROOM];
        fmq_msg m = {0};
        fmq_part part;

        REQUIRE(fmq_recv(s, got, sizeof(got), &m, &part, 0) == 0);
        CHECK(part.len == strlen(texts[i]) && memcmp(got, texts[i], part.len) == 0);
        CHECK_EQ(part.more, i + 1 < n);
    }
}

static void
say(fmq_socket s, size_t n, const char *const texts[])
{
    for (size_t i = 0; i < n; i++) {
        int flags = i + 1 < n ? FMQ_SNDMORE : 0;

        CHECK_EQ(fmq_send(s, texts[i], strlen(texts[i]), flags), 0);
    }
}

#define EXPECT(s, ...)                                      \
    do {                                                    \
        const char *const texts[] = {__VA_ARGS__};          \
        expect(s, sizeof(texts) / sizeof(texts[0]), texts); \
    } while (0)
#define SAY(s, ...)                                      \
    do {                                                 \
        const char *const texts[] = {__VA_ARGS__};       \
        say(s, sizeof(texts) / sizeof(texts[0]), texts); \
    } while (0)

TEST(copies_say_whence)
{
    scene s;

    scene_open(&s, PAIR, PAIR);
    CHECK_EQ(fmq_proxy_tag(s.proxy, &tags), 0);
    start_thread(&s.thread, run, &s);
    SAY(s.a, "there", "and");
    EXPECT(s.b, "there", "and");
    EXPECT(s.monitor, "from front", "there", "and");
    SAY(s.b, "back");
    EXPECT(s.a, "back");
    EXPECT(s.monitor, "", "back");
    scene_close(&s);
}

TEST(routers_hear_from_whom)
{
    scene s;

    scene_open(&s, ROUTER, 5);
    CHECK_EQ(fmq_proxy_tag(s.proxy, &tags), 0);
    start_thread(&s.thread, run, &s);
    SAY(s.a, "b"); /* nothing to say */
    SAY(s.a, "b", "for you");
    EXPECT(s.b, "a", "for you");
    EXPECT(s.monitor, "from front", "b", "a", "for you");
    SAY(s.b, "a", "and", "you");
    EXPECT(s.a, "b", "and", "you");
    EXPECT(s.monitor, "", "a", "b", "and", "you");
    scene_close(&s);
}

TEST(without_tags_routers_hear_all_as_it_is)
{
    scene s;

    scene_open(&s, ROUTER, 5);
    start_thread(&s.thread, run, &s);
    SAY(s.a, "b", "for you");
    EXPECT(s.monitor, "a", "b", "for you");
    scene_close(&s);
}

TEST(a_failed_tag_changes_nothing)
{
    const size_t large = 100000; /* a tag of its own memory */
    fmq_proxy_tags other = {"other", 5, NULL, 0};
    char *body = fmq__calloc(1, large);
    scene s;

    scene_open(&s, PAIR, PAIR);
    CHECK_EQ(fmq_proxy_tag(NULL, &tags), EFAULT);
    CHECK_EQ(fmq_proxy_tag(s.proxy, NULL), EFAULT);
    CHECK_EQ(fmq_proxy_tag(s.proxy, &tags), 0);
    other.back = body;
    other.back_len = large;
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq_proxy_tag(s.proxy, &other), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    start_thread(&s.thread, run, &s);
    SAY(s.a, "there");
    EXPECT(s.monitor, "from front", "there");
    scene_close(&s);
    fmq__free(body);
}

int
main(void)
{
    RUN(copies_say_whence);
    RUN(routers_hear_from_whom);
    RUN(without_tags_routers_hear_all_as_it_is);
    RUN(a_failed_tag_changes_nothing);
    return CHECK_RESULT();
}
