/* SPDX-License-Identifier: Apache-2.0 */
#include "security/null.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "wire_test.h"

#define BODY(text) (const uint8_t *)(text), sizeof(text) - 1

static const fmq__mech_ops *const ops = &fmq__mech_null;

static void *
open_state_with(const fmq__null_config *config, const void *metadata, size_t len)
{
    fmq__mech_args args = {.config = config, .metadata = metadata, .metadata_len = len};
    void *state = fmq__calloc(1, ops->state_size);

    REQUIRE(state != NULL && ops->init(state, &args) == 0);
    return state;
}

static void *
open_state(const void *metadata, size_t len)
{
    return open_state_with(NULL, metadata, len);
}

static void
close_state(void *state)
{
    ops->fini(state);
    fmq__free(state);
}

TEST(table)
{
    CHECK_STR(ops->name, "NULL");
    CHECK_EQ(ops->metadata_error, 0);
    CHECK(ops->make_guard == NULL);
    CHECK(!ops->needs_handler);
}

TEST(ready_is_name_and_metadata)
{
    void *s = open_state("abc", 3);
    uint8_t body[16] = {0};

    CHECK_EQ(ops->want(s), FMQ__MECH_SEND | FMQ__MECH_RECV);
    CHECK_EQ(ops->next_len(s), 9);
    CHECK_EQ(ops->next(s, body), 0);
    CHECK_MEM(body, "\5READYabc", 10);
    CHECK_EQ(ops->want(s), FMQ__MECH_RECV);
    close_state(s);

    s = open_state(NULL, 0);
    CHECK_EQ(ops->next_len(s), 6);
    CHECK_EQ(ops->next(s, body), 0);
    CHECK_MEM(body, "\5READY", 6);
    close_state(s);
}

TEST(done_when_sent_and_received_in_either_order)
{
    uint8_t body[16];

    for (int is_receiver_first = 0; is_receiver_first < 2; is_receiver_first++) {
        void *s = open_state(NULL, 0);
        fmq__mech_result r = {0};

        if (is_receiver_first) {
            CHECK_EQ(ops->input(s, BODY("\5READYxyz"), &r), 0);
            CHECK_EQ(ops->want(s), FMQ__MECH_SEND);
            CHECK_EQ(ops->next(s, body), 0);
        } else {
            CHECK_EQ(ops->next(s, body), 0);
            CHECK_EQ(ops->want(s), FMQ__MECH_RECV);
            CHECK_EQ(ops->input(s, BODY("\5READYxyz"), &r), 0);
        }
        CHECK_EQ(ops->want(s), 0);
        CHECK_EQ(r.error, 0);
        REQUIRE(r.metadata != NULL);
        CHECK_EQ(r.metadata_len, 3);
        CHECK_MEM(r.metadata, "xyz", 3);
        close_state(s);
    }
}

TEST(ready_without_properties_still_is_one)
{
    void *s = open_state(NULL, 0);
    fmq__mech_result r = {0};

    CHECK_EQ(ops->input(s, BODY("\5READY"), &r), 0);
    CHECK(r.metadata != NULL);
    CHECK_EQ(r.metadata_len, 0);
    close_state(s);
}

TEST(what_other_commands_bring)
{
    static const struct {
        const char *body;
        size_t len;
        int err;
        unsigned error;
    } row[] = {
#define ROW(body, err, error) {(body), sizeof(body) - 1, (err), (error)}
        ROW("\5ERROR\3"
            "300",
            EACCES, 300),
        ROW("\5ERROR\3"
            "400",
            EACCES, 400),
        ROW("\5ERROR\3"
            "500",
            EACCES, 500),
        ROW("\5ERROR\2no", EACCES, 0),
        ROW("\5ERROR\0", EACCES, 0),
        ROW("\5ERROR", EPROTO, FMQ__ZMTP_MALFORMED_ERROR),
        ROW("\5ERROR\3"
            "40",
            EPROTO, FMQ__ZMTP_MALFORMED_ERROR),
        ROW("\4PING\0\0", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("\5HELLO", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("\5ready", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("\4READY", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("\6READY", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("hello", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
#undef ROW
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        void *s = open_state(NULL, 0);
        uint8_t body[16];
        fmq__mech_result r = {0};

        CHECK_EQ(ops->next(s, body), 0);
        CHECK_EQ(ops->input(s, (const uint8_t *)row[i].body, row[i].len, &r),
                 row[i].err);
        CHECK_EQ(r.error, row[i].error);
        CHECK(r.metadata == NULL);
        /* No last word. */
        CHECK_EQ(ops->want(s) & FMQ__MECH_SEND, 0);
        close_state(s);
    }
}

TEST(error_of_libzmq)
{
    static wire_bytes b;
    void *s = open_state(NULL, 0);
    fmq__mech_result r = {0};

    wire_add_vector(&b, "error_400");
    CHECK_EQ(ops->input(s, b.data + 66, b.len - 66, &r), EACCES);
    CHECK_EQ(r.error, 400);
    close_state(s);
}

static const fmq__null_config asks = {.asks_zap = true};

TEST(zap_holds_ready_back)
{
    for (int is_receiver_first = 0; is_receiver_first < 2; is_receiver_first++) {
        void *s = open_state_with(&asks, "abc", 3);
        fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS];
        fmq__mech_result r = {0};
        uint8_t body[16];

        CHECK_EQ(ops->want(s), FMQ__MECH_ZAP | FMQ__MECH_RECV);
        CHECK_EQ(ops->credentials(s, credential), 0);
        if (is_receiver_first) {
            CHECK_EQ(ops->input(s, BODY("\5READY"), &r), 0);
            CHECK_EQ(ops->want(s), FMQ__MECH_ZAP);
        }
        CHECK_EQ(ops->zap_reply(s, 200, &r), 0);
        CHECK_EQ(ops->want(s) & FMQ__MECH_SEND, FMQ__MECH_SEND);
        CHECK_EQ(ops->next_len(s), 9);
        CHECK_EQ(ops->next(s, body), 0);
        CHECK_MEM(body, "\5READYabc", 9);
        if (!is_receiver_first) {
            CHECK_EQ(ops->input(s, BODY("\5READY"), &r), 0);
        }
        CHECK_EQ(ops->want(s), 0);
        CHECK_EQ(r.error, 0);
        close_state(s);
    }
}

TEST(zap_refuses)
{
    static const struct {
        unsigned status;
        const char *last_word;
    } row[] = {
        {300, NULL},
        {400, "\5ERROR\003400"},
        {500, "\5ERROR\003500"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        void *s = open_state_with(&asks, NULL, 0);
        fmq__mech_result r = {0};
        uint8_t body[16];

        CHECK_EQ(ops->zap_reply(s, row[i].status, &r), EACCES);
        CHECK_EQ(r.error, row[i].status);
        if (row[i].last_word != NULL) {
            REQUIRE(ops->want(s) == FMQ__MECH_SEND);
            CHECK_EQ(ops->next_len(s), strlen(row[i].last_word));
            CHECK_EQ(ops->next(s, body), 0);
            CHECK_MEM(body, row[i].last_word, strlen(row[i].last_word));
        }
        CHECK_EQ(ops->want(s) & FMQ__MECH_SEND, 0);
        close_state(s);
    }
}

int
main(void)
{
    RUN(table);
    RUN(ready_is_name_and_metadata);
    RUN(done_when_sent_and_received_in_either_order);
    RUN(ready_without_properties_still_is_one);
    RUN(what_other_commands_bring);
    RUN(error_of_libzmq);
    RUN(zap_holds_ready_back);
    RUN(zap_refuses);
    return CHECK_RESULT();
}
