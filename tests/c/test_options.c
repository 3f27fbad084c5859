/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of a socket: what it is at first, what it takes, what it refuses, and
 * how it is read. */
#include <errno.h>
#include <limits.h>

#include "sockets.h"

/* A number with bounds; the values just outside them must be refused. */
typedef struct number {
    int option;
    int preset;
    int min;
    int max; /* INT_MAX: none */
} number;

static const number numbers[] = {
    {11, -1, -1, INT_MAX},   /* SNDBUF */
    {12, -1, -1, INT_MAX},   /* RCVBUF */
    {17, -1, -1, INT_MAX},   /* LINGER */
    {18, 100, -1, INT_MAX},  /* RECONNECT_IVL */
    {19, 100, 0, INT_MAX},   /* BACKLOG */
    {21, 0, 0, INT_MAX},     /* RECONNECT_IVL_MAX */
    {23, 1000, 0, INT_MAX},  /* SNDHWM */
    {24, 1000, 0, INT_MAX},  /* RCVHWM */
    {27, -1, -1, INT_MAX},   /* RCVTIMEO */
    {28, -1, -1, INT_MAX},   /* SNDTIMEO */
    {31, 1, 0, 1},           /* IPV4ONLY */
    {34, -1, -1, 1},         /* TCP_KEEPALIVE */
    {35, -1, -1, INT_MAX},   /* TCP_KEEPALIVE_CNT */
    {36, -1, -1, INT_MAX},   /* TCP_KEEPALIVE_IDLE */
    {37, -1, -1, INT_MAX},   /* TCP_KEEPALIVE_INTVL */
    {39, 0, 0, 1},           /* IMMEDIATE */
    {42, 0, 0, 1},           /* IPV6 */
    {57, 0, 0, INT_MAX},     /* TOS */
    {66, 30000, 0, INT_MAX}, /* HANDSHAKE_IVL */
    {79, 0, 0, INT_MAX},     /* CONNECT_TIMEOUT */
    {80, 0, 0, INT_MAX},     /* TCP_MAXRT */
};

enum { AFFINITY = 4, ROUTING_ID = 5, MAXMSGSIZE = 22 };

static fmq_ctx ctx;
static fmq_socket pull;

static void
refuse_int(int option, int value)
{
    int before = get_int(pull, option);

    CHECK_EQ(fmq_setsockopt(pull, option, &value, sizeof(value)), EINVAL);
    CHECK_EQ(get_int(pull, option), before);
}

TEST(numbers_begin_as_documented)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (!CHECK_EQ(get_int(pull, numbers[i].option), numbers[i].preset)) {
            fprintf(stderr, "  option %d\n", numbers[i].option);
        }
    }
}

TEST(numbers_keep_to_their_bounds)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const number *n = &numbers[i];
        int samples[] = {n->min, n->max, n->min + 1};

        for (size_t k = 0; k < 3; k++) {
            set_int(pull, n->option, samples[k]);
            CHECK_EQ(get_int(pull, n->option), samples[k]);
        }
        refuse_int(n->option, n->min - 1);
        refuse_int(n->option, INT_MIN);
        if (n->max != INT_MAX) {
            refuse_int(n->option, n->max + 1);
            refuse_int(n->option, INT_MAX);
        }
        set_int(pull, n->option, n->preset);
    }
}

TEST(numbers_have_one_length)
{
    unsigned char room[16] = {0};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int option = numbers[i].option;

        for (size_t len = 0; len <= sizeof(room); len++) {
            size_t got = len;
            int want = len == sizeof(int) ? 0 : EINVAL;

            CHECK_EQ(fmq_getsockopt(pull, option, room, &got), want);
            CHECK_EQ(got, len);
            if (want != 0) {
                CHECK_EQ(fmq_setsockopt(pull, option, room, len), want);
            }
        }
        CHECK_EQ(fmq_setsockopt(pull, option, NULL, 0), EINVAL);
        CHECK_EQ(fmq_setsockopt(pull, option, NULL, sizeof(int)), EINVAL);
        CHECK_EQ(get_int(pull, option), numbers[i].preset);
    }
}

TEST(ipv4only_is_the_contrary_of_ipv6)
{
    set_int(pull, 42, 1);
    CHECK_EQ(get_int(pull, 31), 0);
    set_int(pull, 31, 1);
    CHECK_EQ(get_int(pull, 42), 0);
}

static void
check_wide(int option, int64_t preset)
{
    static const int64_t samples[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    int64_t value = 77;
    size_t len = sizeof(value);

    CHECK_EQ(fmq_getsockopt(pull, option, &value, &len), 0);
    CHECK_EQ(value, preset);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        CHECK_EQ(fmq_setsockopt(pull, option, &samples[i], sizeof(value)), 0);
        CHECK_EQ(fmq_getsockopt(pull, option, &value, &len), 0);
        CHECK_EQ(value, samples[i]);
    }
    CHECK_EQ(fmq_setsockopt(pull, option, &preset, sizeof(preset)), 0);
}

TEST(wide_numbers)
{
    unsigned char room[24] = {0};
    static const int options[] = {AFFINITY, MAXMSGSIZE};

    check_wide(AFFINITY, 0);
    check_wide(MAXMSGSIZE, -1);
    for (size_t i = 0; i < 2; i++) {
        for (size_t len = 0; len <= sizeof(room); len++) {
            size_t got = len;

            if (len != sizeof(int64_t)) {
                CHECK_EQ(fmq_setsockopt(pull, options[i], room, len), EINVAL);
                CHECK_EQ(fmq_getsockopt(pull, options[i], room, &got), EINVAL);
            }
        }
    }
}

TEST(routing_id)
{
    unsigned char id[256];
    unsigned char got[300];
    size_t len = sizeof(got);

    CHECK_EQ(fmq_getsockopt(pull, ROUTING_ID, got, &len), 0);
    CHECK_EQ(len, 0);
    for (size_t i = 0; i < sizeof(id); i++) {
        id[i] = (unsigned char)(i % 7); /* a leading zero is no matter */
    }
    CHECK_EQ(fmq_setsockopt(pull, ROUTING_ID, id, 0), EINVAL);
    CHECK_EQ(fmq_setsockopt(pull, ROUTING_ID, NULL, 0), EINVAL);
    CHECK_EQ(fmq_setsockopt(pull, ROUTING_ID, NULL, 5), EINVAL);
    CHECK_EQ(fmq_setsockopt(pull, ROUTING_ID, id, 256), EINVAL);
    for (size_t n = 1; n <= 255; n++) {
        CHECK_EQ(fmq_setsockopt(pull, ROUTING_ID, id, n), 0);
        memset(got, 0xff, sizeof(got));
        len = n - 1;
        CHECK_EQ(fmq_getsockopt(pull, ROUTING_ID, got, &len), EINVAL);
        CHECK_EQ(len, n - 1);
        CHECK_EQ(got[0], 0xff);
        len = n + 2;
        CHECK_EQ(fmq_getsockopt(pull, ROUTING_ID, got, &len), 0);
        CHECK_EQ(len, n);
        CHECK_MEM(got, id, n);
        CHECK_EQ(got[n] | got[n + 1], 0); /* spare room is zeroed, and no more */
        CHECK_EQ(got[n + 2], 0xff);
    }
}

/* What can only be read. */
TEST(states_are_read_only)
{
    static const struct {
        int option;
        int value;
        bool is_exact;
    } states[] = {
        {13, 0, false},   /* RCVMORE */
        {15, 0, false},   /* EVENTS of a PULL without peers */
        {16, PULL, true}, /* TYPE */
        {43, 0, true},    /* MECHANISM */
        {81, 0, false},   /* THREAD_SAFE */
    };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        unsigned char room[12];
        int value;

        CHECK_EQ(get_int(pull, states[i].option), states[i].value);
        for (size_t len = 0; len <= sizeof(room); len++) {
            bool is_good = states[i].is_exact ? len == sizeof(int) : len >= sizeof(int);
            size_t got = len;

            memset(room, 0xff, sizeof(room));
            CHECK_EQ(fmq_getsockopt(pull, states[i].option, room, &got),
                     is_good ? 0 : EINVAL);
            CHECK_EQ(got, is_good ? sizeof(int) : len);
            for (size_t k = sizeof(int); k < sizeof(room); k++) {
                CHECK_EQ(room[k], is_good && k < len ? 0 : 0xff);
            }
        }
        value = 1;
        CHECK_EQ(fmq_setsockopt(pull, states[i].option, &value, sizeof(value)), EINVAL);
    }
}

TEST(fd_is_one_for_life)
{
    size_t len = 2;
    int fd = -1;

    CHECK_EQ(fmq_getsockopt(pull, 14, &fd, &len), EINVAL);
    fd = get_int(pull, 14);
    CHECK(fd >= 0);
    CHECK_EQ(get_int(pull, 14), fd);
}

TEST(last_endpoint_is_a_text)
{
    fmq_socket s = new_brisk(ctx, PULL);
    char text[32];
    size_t len = 1;

    CHECK_EQ(fmq_getsockopt(s, LAST_ENDPOINT, text, &len), 0);
    CHECK_EQ(len, 1);
    CHECK_STR(text, "");
    CHECK_EQ(fmq_bind(s, "inproc://named"), 0);
    for (size_t room = 0; room < sizeof("inproc://named"); room++) {
        len = room;
        CHECK_EQ(fmq_getsockopt(s, LAST_ENDPOINT, text, &len), EINVAL);
    }
    memset(text, 'x', sizeof(text));
    len = sizeof(text) - 1;
    CHECK_EQ(fmq_getsockopt(s, LAST_ENDPOINT, text, &len), 0);
    CHECK_EQ(len, sizeof("inproc://named"));
    CHECK_STR(text, "inproc://named");
    CHECK_EQ(text[sizeof(text) - 2], 0);
    CHECK_EQ(text[sizeof(text) - 1], 'x');
    CHECK_EQ(fmq_setsockopt(s, LAST_ENDPOINT, "x", 1), EINVAL);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(what_is_not_there_is_refused)
{
    static const int unknown[] = {-1, 0,   1,   2,   3,       7,       20,     30,
                                  67, 116, 999, 127, INT_MAX, INT_MIN, 0x10004};

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        for (size_t len = 0; len <= 8; len++) {
            unsigned char room[8] = {0};
            size_t got = len;

            CHECK_EQ(fmq_setsockopt(pull, unknown[i], room, len), EINVAL);
            CHECK_EQ(fmq_getsockopt(pull, unknown[i], room, &got), EINVAL);
        }
    }
    CHECK_EQ(fmq_getsockopt(pull, LINGER, NULL, &(size_t){4}), EINVAL);
    CHECK_EQ(fmq_getsockopt(pull, LINGER, &(int){0}, NULL), EINVAL);
}

/* REQ_CORRELATE and REQ_RELAXED are a REQ's alone. */
TEST(options_of_a_type)
{
    fmq_socket req = new_brisk(ctx, REQ);

    for (int option = 52; option <= 53; option++) {
        int value = 1;

        CHECK_EQ(fmq_setsockopt(pull, option, &value, sizeof(value)), EINVAL);
        set_int(req, option, 1);
        set_int(req, option, 0);
        set_int(req, option, 7);
        value = -1;
        CHECK_EQ(fmq_setsockopt(req, option, &value, sizeof(value)), EINVAL);
        CHECK_EQ(fmq_setsockopt(req, option, &value, 3), EINVAL);
        CHECK_EQ(fmq_getsockopt(req, option, &value, &(size_t){4}), EINVAL);
    }
    set_int(req, LINGER, 5); /* the common ones are there, too */
    CHECK_EQ(get_int(req, LINGER), 5);
    CHECK_EQ(fmq_socket_close(req), 0);
}

/* High-water marks act on pipes that are there. */
TEST(marks_act_at_once)
{
    fmq_socket s[2] = {new_brisk(ctx, PULL), new_brisk(ctx, PUSH)};
    int n = 0;

    set_int(s[1], IMMEDIATE, 0);
    CHECK_EQ(fmq_connect(s[1], "ipc://@nobody-ever-binds-this-name"), 0);
    set_int(s[1], SNDHWM, 3);
    while (send_text(s[1], "x", FMQ_DONTWAIT) == 0) {
        n++;
    }
    CHECK_EQ(n, 3);
    set_int(s[1], SNDHWM, 8);
    while (send_text(s[1], "x", FMQ_DONTWAIT) == 0) {
        n++;
    }
    CHECK_EQ(n, 8);
    set_int(s[1], SNDHWM, 2);
    CHECK_EQ(send_text(s[1], "x", FMQ_DONTWAIT), EAGAIN);
    set_int(s[1], SNDHWM, 0);
    CHECK_EQ(send_text(s[1], "x", FMQ_DONTWAIT), 0);
    close_all(s, 2);
}

TEST(all)
{
    ctx = new_ctx();
    pull = new_socket(ctx, PULL);
    RUN(numbers_begin_as_documented);
    RUN(numbers_keep_to_their_bounds);
    RUN(numbers_have_one_length);
    RUN(ipv4only_is_the_contrary_of_ipv6);
    RUN(wide_numbers);
    RUN(routing_id);
    RUN(states_are_read_only);
    RUN(fd_is_one_for_life);
    RUN(last_endpoint_is_a_text);
    RUN(what_is_not_there_is_refused);
    RUN(options_of_a_type);
    RUN(marks_act_at_once);
    CHECK_EQ(fmq_socket_close(pull), 0);
    end_ctx(ctx);
}

int
main(void)
{
    RUN(all);
    return CHECK_RESULT();
}
