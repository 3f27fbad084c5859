/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "msg/msg.h"
#include "zmq_sockets.h"

static void
count_free(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

TEST(a_message_from_birth_to_close)
{
    zmq_msg_t m;

    memset(&m, 0xA5, sizeof(m));
    CHECK_EQ(zmq_msg_init(&m), 0);
    CHECK_EQ(zmq_msg_size(&m), 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
    CHECK_EQ(zmq_msg_init_size(&m, 1000), 0);
    CHECK_EQ(zmq_msg_size(&m), 1000);
    memset(zmq_msg_data(&m), 'x', 1000);
    CHECK_EQ(zmq_msg_close(&m), 0);
    CHECK_EQ(zmq_msg_init_buffer(&m, "hello", 5), 0);
    CHECK_EQ(zmq_msg_size(&m), 5);
    CHECK_MEM(zmq_msg_data(&m), "hello", 5);
    CHECK_EQ(zmq_msg_close(&m), 0);
}

TEST(a_closed_one_is_refused)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://msg");
    zmq_msg_t closed;
    zmq_msg_t open;

    CHECK_EQ(zmq_msg_init_size(&closed, 100), 0);
    CHECK_EQ(zmq_msg_init(&open), 0);
    CHECK_EQ(zmq_msg_close(&closed), 0);
    REFUSES(zmq_msg_close(&closed), EFAULT);
    REFUSES(zmq_msg_move(&open, &closed), EFAULT);
    REFUSES(zmq_msg_move(&closed, &open), EFAULT);
    REFUSES(zmq_msg_copy(&open, &closed), EFAULT);
    REFUSES(zmq_msg_copy(&closed, &open), EFAULT);
    REFUSES(zmq_msg_send(&closed, p.a, 0), EFAULT);
    REFUSES(zmq_msg_recv(&closed, p.a, ZMQ_DONTWAIT), EFAULT);
    REFUSES(zmq_msg_set_group(&closed, "group"), EFAULT);
    REFUSES(zmq_msg_set_routing_id(&closed, 1), EFAULT);
    REFUSES(zmq_msg_get(&closed, ZMQ_MORE), EFAULT);
    REFUSES(zmq_msg_get(&closed, ZMQ_SHARED), EFAULT);
    GIVES_NULL(zmq_msg_gets(&closed, "Socket-Type"), EFAULT);
    REFUSES(zmq_msg_close(NULL), EFAULT);
    /* There is nothing in it. */
    CHECK_EQ(zmq_msg_size(&closed), 0);
    CHECK_EQ(zmq_msg_more(&closed), 0);
    CHECK_STR(zmq_msg_group(&closed), "");
    CHECK_EQ(zmq_msg_routing_id(&closed), 0);
    /* It can be made one again. */
    CHECK_EQ(zmq_msg_init(&closed), 0);
    CHECK_EQ(zmq_msg_close(&closed), 0);
    CHECK_EQ(zmq_msg_close(&open), 0);
    zpair_close(&p);
}

TEST(memory_runs_out)
{
    static char bytes[] = "lent";
    zmq_msg_t m;
    int n_freed = 0;

    CHECK_EQ(zmq_msg_init(&m), 0);
    fmq__alloc_fail_at(1, 1);
    REFUSES(zmq_msg_init_size(&m, 100), ENOMEM);
    REFUSES(zmq_msg_init_buffer(&m, "", 100), ENOMEM);
    REFUSES(zmq_msg_init_data(&m, bytes, 4, count_free, &n_freed), ENOMEM);
    REFUSES(zmq_msg_set_group(&m, "longer than what fits in"), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    REFUSES(zmq_msg_init_size(&m, SIZE_MAX), ENOMEM);
    CHECK_EQ(n_freed, 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
}

TEST(lent_bytes_go_back_with_the_last_copy)
{
    static char bytes[] = "lent";
    zmq_msg_t a;
    zmq_msg_t b;
    int n_freed = 0;

    CHECK_EQ(zmq_msg_init(&b), 0);
    CHECK_EQ(zmq_msg_init_data(&a, bytes, 4, count_free, &n_freed), 0);
    CHECK(zmq_msg_data(&a) == bytes);
    CHECK_EQ(zmq_msg_get(&a, ZMQ_SHARED), 0);
    CHECK_EQ(zmq_msg_copy(&b, &a), 0);
    CHECK_EQ(zmq_msg_get(&a, ZMQ_SHARED), 1);
    CHECK_EQ(zmq_msg_get(&b, ZMQ_SHARED), 1);
    CHECK_EQ(zmq_msg_close(&a), 0);
    CHECK_EQ(n_freed, 0);
    CHECK_EQ(zmq_msg_init(&a), 0);
    CHECK_EQ(zmq_msg_move(&a, &b), 0);
    CHECK_EQ(zmq_msg_size(&b), 0);
    CHECK_EQ(zmq_msg_size(&a), 4);
    CHECK_EQ(zmq_msg_close(&a), 0);
    CHECK_EQ(zmq_msg_close(&b), 0);
    CHECK_EQ(n_freed, 1);
}

TEST(constant_bytes_are_always_shared)
{
    static char bytes[] = "for ever";
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init_data(&m, bytes, 8, NULL, NULL), 0);
    CHECK_EQ(zmq_msg_get(&m, ZMQ_SHARED), 1);
    CHECK_EQ(zmq_msg_close(&m), 0);
}

TEST(its_bytes_may_be_moved)
{
    zmq_msg_t a;
    zmq_msg_t b;

    CHECK_EQ(zmq_msg_init_buffer(&a, "short", 5), 0);
    memcpy(&b, &a, sizeof(a));
    memset(&a, 0xA5, sizeof(a));
    CHECK_MEM(zmq_msg_data(&b), "short", 5);
    CHECK_EQ(zmq_msg_close(&b), 0);
}

TEST(properties)
{
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init_buffer(&m, "x", 1), 0);
    CHECK_EQ(zmq_msg_get(&m, ZMQ_MORE), 0);
    REFUSES(zmq_msg_get(&m, ZMQ_SRCFD), EINVAL);
    REFUSES(zmq_msg_get(&m, 4711), EINVAL);
    REFUSES(zmq_msg_set(&m, ZMQ_MORE, 1), EINVAL);
    GIVES_NULL(zmq_msg_gets(&m, "Socket-Type"), EINVAL);
    GIVES_NULL(zmq_msg_gets(&m, NULL), EINVAL);
    CHECK_EQ(zmq_msg_close(&m), 0);
}

TEST(what_came_over_a_connection_says_so)
{
    zpair p = zpair_open(ZMQ_PULL, ZMQ_PUSH, "tcp://127.0.0.1:*");
    zmq_msg_t m;

    CHECK_EQ(zsend_text(p.b, "one", ZMQ_SNDMORE), 3);
    CHECK_EQ(zsend_text(p.b, "two", 0), 3);
    CHECK_EQ(zmq_msg_init(&m), 0);
    CHECK_EQ(zmq_msg_recv(&m, p.a, 0), 3);
    CHECK_EQ(zmq_msg_more(&m), 1);
    CHECK_EQ(zmq_msg_get(&m, ZMQ_MORE), 1);
    CHECK_STR(zmq_msg_gets(&m, ZMQ_MSG_PROPERTY_SOCKET_TYPE), "PUSH");
    CHECK_STR(zmq_msg_gets(&m, ZMQ_MSG_PROPERTY_PEER_ADDRESS), "127.0.0.1");
    CHECK(zmq_msg_get(&m, ZMQ_SRCFD) > 2);
    CHECK_EQ(zmq_msg_recv(&m, p.a, 0), 3);
    CHECK_EQ(zmq_msg_more(&m), 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
    zpair_close(&p);
}

TEST(routing_ids_and_groups)
{
    char longest[ZMQ_GROUP_MAX_LENGTH + 2];
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init(&m), 0);
    CHECK_EQ(zmq_msg_routing_id(&m), 0);
    REFUSES(zmq_msg_set_routing_id(&m, 0), EINVAL);
    CHECK_EQ(zmq_msg_set_routing_id(&m, 77), 0);
    CHECK_EQ(zmq_msg_routing_id(&m), 77);
    CHECK_STR(zmq_msg_group(&m), "");
    CHECK_EQ(zmq_msg_set_group(&m, "short"), 0);
    CHECK_STR(zmq_msg_group(&m), "short");
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK_EQ(zmq_msg_set_group(&m, longest), 0);
    CHECK_EQ(strlen(zmq_msg_group(&m)), ZMQ_GROUP_MAX_LENGTH);
    REFUSES(zmq_msg_set_group(&m, NULL), EFAULT);
    CHECK_EQ(zmq_msg_close(&m), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_message_from_birth_to_close),
        CASE(a_closed_one_is_refused),
        CASE(memory_runs_out),
        CASE(lent_bytes_go_back_with_the_last_copy),
        CASE(constant_bytes_are_always_shared),
        CASE(its_bytes_may_be_moved),
        CASE(properties),
        CASE(what_came_over_a_connection_says_so),
        CASE(routing_ids_and_groups),
    };

    return CHECK_MAIN(cases);
}
