/* SPDX-License-Identifier: Apache-2.0 */
/* The options that choose a mechanism. What is expected here is what libzmq does. */
#include "socket/security.h"

#include <errno.h>

#include "base/alloc.h"
#include "sockets.h"

enum {
    MECHANISM = 43,
    PLAIN_SERVER = 44,
    PLAIN_USERNAME = 45,
    PLAIN_PASSWORD = 46,
    CURVE_SERVER = 47,
    CURVE_PUBLICKEY = 48,
    CURVE_SECRETKEY = 49,
    CURVE_SERVERKEY = 50,
    GSSAPI_SERVER = 62,
    GSSAPI_PRINCIPAL = 63,
    GSSAPI_SERVICE_PRINCIPAL = 64,
    GSSAPI_PLAINTEXT = 65,
    GSSAPI_PRINCIPAL_NAMETYPE = 90,
    GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = 91
};

static const int gssapi_numbers[] = {GSSAPI_SERVER, GSSAPI_PLAINTEXT,
                                     GSSAPI_PRINCIPAL_NAMETYPE,
                                     GSSAPI_SERVICE_PRINCIPAL_NAMETYPE};

static fmq_ctx ctx;

static int
set_text(fmq_socket s, int option, const char *text)
{
    return fmq_setsockopt(s, option, text, text != NULL ? strlen(text) : 0);
}

static void
expect_option(fmq_socket s, int option, const char *text)
{
    char got[TEXT_ROOM + 1];
    size_t len = sizeof(got);

    CHECK_EQ(fmq_getsockopt(s, option, got, &len), 0);
    CHECK_EQ(len, strlen(text) + 1);
    CHECK_STR(got, text);
}

static void
expect_roles(fmq_socket s, int mechanism, int is_plain_server)
{
    CHECK_EQ(get_int(s, MECHANISM), mechanism);
    CHECK_EQ(get_int(s, PLAIN_SERVER), is_plain_server);
}

TEST(at_first_there_is_none)
{
    fmq_socket s = new_brisk(ctx, PULL);

    expect_roles(s, 0, 0);
    expect_option(s, PLAIN_USERNAME, "");
    expect_option(s, PLAIN_PASSWORD, "");
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(the_last_one_that_was_set_chooses)
{
    fmq_socket s = new_brisk(ctx, PULL);

    set_int(s, PLAIN_SERVER, 1);
    expect_roles(s, 1, 1);
    CHECK_EQ(set_text(s, PLAIN_USERNAME, "user"), 0);
    expect_roles(s, 1, 0);
    set_int(s, PLAIN_SERVER, 1);
    expect_roles(s, 1, 1);
    expect_option(s, PLAIN_USERNAME, "user"); /* it stays */
    set_int(s, PLAIN_SERVER, 0);
    expect_roles(s, 0, 0);
    CHECK_EQ(set_text(s, PLAIN_PASSWORD, "word"), 0);
    expect_roles(s, 1, 0);
    CHECK_EQ(set_text(s, PLAIN_PASSWORD, NULL), 0);
    expect_roles(s, 0, 0);
    expect_option(s, PLAIN_PASSWORD, "word");
    CHECK_EQ(set_text(s, PLAIN_USERNAME, NULL), 0);
    expect_roles(s, 0, 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(texts_have_bounds)
{
    fmq_socket s = new_brisk(ctx, PULL);
    char text[257];

    memset(text, 'x', sizeof(text));
    for (int option = PLAIN_USERNAME; option <= PLAIN_PASSWORD; option++) {
        size_t len = 256;

        CHECK_EQ(fmq_setsockopt(s, option, text, 0), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, text, 256), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, NULL, 5), EINVAL);
        CHECK_EQ(get_int(s, MECHANISM), option == PLAIN_USERNAME ? 0 : 1);
        CHECK_EQ(fmq_setsockopt(s, option, text, 255), 0);
        CHECK_EQ(fmq_getsockopt(s, option, text, &(size_t){255}), EINVAL);
        CHECK_EQ(fmq_getsockopt(s, option, text, &len), 0);
        CHECK_EQ(len, 256);
        CHECK_EQ(text[254], 'x');
        CHECK_EQ(text[255], 0);
        text[255] = 'x';
        CHECK_EQ(fmq_setsockopt(s, option, "a\0b", 3), 0);
        len = 4;
        CHECK_EQ(fmq_getsockopt(s, option, text, &len), 0);
        CHECK_EQ(len, 4);
        CHECK_MEM(text, "a\0b", 4);
        memset(text, 'x', sizeof(text));
    }
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(roles_are_yes_or_no)
{
    fmq_socket s = new_brisk(ctx, PULL);
    static const int bad[] = {2, -1, INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(fmq_setsockopt(s, PLAIN_SERVER, &bad[i], sizeof(bad[i])), EINVAL);
    }
    for (size_t len = 0; len <= 8; len++) {
        char room[8] = {0};
        size_t got = len;
        int want = len == sizeof(int) ? 0 : EINVAL;

        CHECK_EQ(fmq_setsockopt(s, PLAIN_SERVER, room, len), want);
        CHECK_EQ(fmq_getsockopt(s, PLAIN_SERVER, room, &got), want);
        CHECK_EQ(fmq_getsockopt(s, MECHANISM, room, &got), want);
    }
    CHECK_EQ(fmq_setsockopt(s, PLAIN_SERVER, NULL, 0), EINVAL);
    CHECK_EQ(fmq_setsockopt(s, MECHANISM, &(int){1}, sizeof(int)), EINVAL);
    expect_roles(s, 0, 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(without_memory_nothing_changes)
{
    fmq__secrets *s = NULL;

    CHECK_EQ(fmq__security_set(&s, PLAIN_USERNAME, "a", 1), 0);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__security_set(&s, PLAIN_USERNAME, "b", 1), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(s->user.data[0], 'a');
    fmq__secrets_drop(s);
}

static void
expect_key(fmq_socket s, int option, const uint8_t *key, const char *text)
{
    uint8_t got[64];
    size_t len = 32;

    memset(got, 0xEE, sizeof(got));
    CHECK_EQ(fmq_getsockopt(s, option, got, &len), 0);
    CHECK_EQ(len, 32);
    CHECK_MEM(got, key, 32);
    CHECK_EQ(got[32], 0xEE);
    len = 41;
    CHECK_EQ(fmq_getsockopt(s, option, got, &len), 0);
    CHECK_EQ(len, 41);
    CHECK_STR((const char *)got, text);
    for (size_t room = 0; room < sizeof(got); room++) {
        len = room;
        CHECK_EQ(fmq_getsockopt(s, option, got, &len),
                 room == 32 || room == 41 ? 0 : EINVAL);
    }
}

TEST(keys_of_both_forms)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";
    static const char full[] = "%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0%nSc0";
    static const uint8_t zero_key[32];
    uint8_t full_key[32];
    fmq_socket s = new_brisk(ctx, PULL);

    memset(full_key, 0xFF, sizeof(full_key));
    for (int option = CURVE_PUBLICKEY; option <= CURVE_SERVERKEY; option++) {
        expect_key(s, option, zero_key, zeros);
        CHECK_EQ(fmq_setsockopt(s, option, full_key, 32), 0);
        expect_key(s, option, full_key, full);
        CHECK_EQ(fmq_setsockopt(s, option, zeros, 40), 0);
        expect_key(s, option, zero_key, zeros);
        CHECK_EQ(fmq_setsockopt(s, option, full, 41), 0);
        expect_key(s, option, full_key, full);
        for (size_t len = 0; len < 64; len++) {
            char bad[64];

            memset(bad, '~', sizeof(bad));
            if (len != 32) {
                CHECK_EQ(fmq_setsockopt(s, option, bad, len), EINVAL);
            }
        }
        CHECK_EQ(
            fmq_setsockopt(s, option, "0000000000000000000000000000000000000000x", 41),
            EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, NULL, 0), EINVAL);
        expect_key(s, option, full_key, full);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(roles_of_curve)
{
    uint8_t key[32] = {1};
    fmq_socket s = new_brisk(ctx, PULL);

    set_int(s, CURVE_SERVER, 1);
    CHECK_EQ(get_int(s, MECHANISM), 2);
    CHECK_EQ(get_int(s, CURVE_SERVER), 1);
    CHECK_EQ(fmq_setsockopt(s, CURVE_SECRETKEY, key, 32), 0);
    CHECK_EQ(get_int(s, CURVE_SERVER), 1); /* a key of one's own says no role */
    CHECK_EQ(fmq_setsockopt(s, CURVE_SERVERKEY, key, 32), 0);
    CHECK_EQ(get_int(s, CURVE_SERVER), 0);
    CHECK_EQ(get_int(s, MECHANISM), 2);
    set_int(s, PLAIN_SERVER, 1);
    CHECK_EQ(get_int(s, CURVE_SERVER), 0);
    expect_roles(s, 1, 1);
    set_int(s, CURVE_SERVER, 0);
    expect_roles(s, 0, 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(without_curve_there_are_no_such_options)
{
    fmq_socket s = new_brisk(ctx, PULL);
    uint8_t key[41] = {1};

    for (int option = CURVE_SERVER; option <= CURVE_SERVERKEY; option++) {
        size_t len = option == CURVE_SERVER ? sizeof(int) : 32;

        CHECK_EQ(fmq_setsockopt(s, option, key, len), EINVAL);
        CHECK_EQ(fmq_getsockopt(s, option, key, &len), EINVAL);
    }
    CHECK_EQ(get_int(s, MECHANISM), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(roles_of_gssapi)
{
    fmq_socket s = new_brisk(ctx, PULL);

    set_int(s, GSSAPI_PLAINTEXT, 1); /* how, not who: chooses nothing */
    set_int(s, GSSAPI_PRINCIPAL_NAMETYPE, 2);
    set_int(s, GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, 1);
    CHECK_EQ(get_int(s, MECHANISM), 0);
    CHECK_EQ(set_text(s, GSSAPI_PRINCIPAL, "joe"), 0);
    CHECK_EQ(get_int(s, MECHANISM), 3);
    CHECK_EQ(get_int(s, GSSAPI_SERVER), 0);
    set_int(s, GSSAPI_SERVER, 1);
    CHECK_EQ(get_int(s, GSSAPI_SERVER), 1);
    CHECK_EQ(set_text(s, GSSAPI_PRINCIPAL, "zmq@host"), 0);
    CHECK_EQ(get_int(s, GSSAPI_SERVER), 1); /* a name of one's own says no role */
    CHECK_EQ(set_text(s, GSSAPI_SERVICE_PRINCIPAL, "zmq@host"), 0);
    CHECK_EQ(get_int(s, GSSAPI_SERVER), 0);
    set_int(s, PLAIN_SERVER, 1);
    expect_roles(s, 1, 1);
    CHECK_EQ(get_int(s, GSSAPI_SERVER), 0);
    set_int(s, GSSAPI_SERVER, 0); /* either value chooses it */
    expect_roles(s, 3, 0);
    CHECK_EQ(get_int(s, GSSAPI_PLAINTEXT), 1);
    CHECK_EQ(get_int(s, GSSAPI_PRINCIPAL_NAMETYPE), 2);
    CHECK_EQ(get_int(s, GSSAPI_SERVICE_PRINCIPAL_NAMETYPE), 1);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(principals_have_bounds)
{
    char longest[257];
    fmq_socket s = new_brisk(ctx, PULL);

    memset(longest, 'a', sizeof(longest));
    longest[255] = '\0';
    for (int option = GSSAPI_PRINCIPAL; option <= GSSAPI_SERVICE_PRINCIPAL; option++) {
        char got[257];
        size_t len = sizeof(got);

        expect_option(s, option, "");
        CHECK_EQ(fmq_setsockopt(s, option, longest, 255), 0);
        expect_option(s, option, longest);
        CHECK_EQ(fmq_setsockopt(s, option, longest, 256), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, longest, 0), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, NULL, 0), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, "", 1), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, option, "a\0b", 3), EINVAL);
        expect_option(s, option, longest);
        CHECK_EQ(fmq_setsockopt(s, option, "joe", 4),
                 0); /* libzmq keeps the NUL, too */
        CHECK_EQ(fmq_getsockopt(s, option, got, &len), 0);
        CHECK_EQ(len, 5);
        CHECK_STR(got, "joe");
    }
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(numbers_of_gssapi)
{
    fmq_socket s = new_brisk(ctx, PULL);

    for (size_t i = 0; i < sizeof(gssapi_numbers) / sizeof(gssapi_numbers[0]); i++) {
        int max = i < 2 ? 1 : 2;

        for (int n = -1; n <= 3; n++) {
            CHECK_EQ(fmq_setsockopt(s, gssapi_numbers[i], &n, sizeof(n)),
                     n >= 0 && n <= max ? 0 : EINVAL);
        }
        CHECK_EQ(get_int(s, gssapi_numbers[i]), max);
        CHECK_EQ(fmq_setsockopt(s, gssapi_numbers[i], &max, 8), EINVAL);
        CHECK_EQ(fmq_setsockopt(s, gssapi_numbers[i], &max, 2), EINVAL);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(without_gssapi_there_are_no_such_options)
{
    fmq_socket s = new_brisk(ctx, PULL);
    int zero = 0;

    for (size_t i = 0; i < sizeof(gssapi_numbers) / sizeof(gssapi_numbers[0]); i++) {
        size_t len = sizeof(zero);

        CHECK_EQ(fmq_setsockopt(s, gssapi_numbers[i], &zero, len), EINVAL);
        CHECK_EQ(fmq_getsockopt(s, gssapi_numbers[i], &zero, &len), EINVAL);
    }
    for (int option = GSSAPI_PRINCIPAL; option <= GSSAPI_SERVICE_PRINCIPAL; option++) {
        char got[257];
        size_t len = sizeof(got);

        CHECK_EQ(set_text(s, option, "joe"), EINVAL);
        CHECK_EQ(fmq_getsockopt(s, option, got, &len), EINVAL);
    }
    CHECK_EQ(get_int(s, MECHANISM), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(at_first_there_is_none),
        CASE(the_last_one_that_was_set_chooses),
        CASE(texts_have_bounds),
        CASE(roles_are_yes_or_no),
        CASE(without_memory_nothing_changes),
    };
    static const check_case with_curve[] = {
        CASE(keys_of_both_forms),
        CASE(roles_of_curve),
    };
    static const check_case without_curve[] = {
        CASE(without_curve_there_are_no_such_options),
    };
    static const check_case with_gssapi[] = {
        CASE(roles_of_gssapi),
        CASE(principals_have_bounds),
        CASE(numbers_of_gssapi),
    };
    static const check_case without_gssapi[] = {
        CASE(without_gssapi_there_are_no_such_options),
    };
    int result;

    ctx = new_ctx();
    result = CHECK_MAIN(cases);
    result |= fmq_has("curve") ? CHECK_MAIN(with_curve) : CHECK_MAIN(without_curve);
    result |= fmq_has("gssapi") ? CHECK_MAIN(with_gssapi) : CHECK_MAIN(without_gssapi);
    end_ctx(ctx);
    return result;
}
