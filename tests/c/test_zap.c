/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/zap.h"

#include <errno.h>

#include "check.h"
#include "wire/protocol_error.h"

#define FRAME(text) {(const uint8_t *)(text), sizeof(text) - 1}

static void
check_frame(const fmq__zap_frame *f, const char *text)
{
    CHECK_EQ(f->len, strlen(text));
    CHECK_MEM(f->data, text, strlen(text));
}

TEST(request)
{
    const fmq__zap_request r = {
        .domain = FRAME("global"),
        .address = "192.0.2.1",
        .routing_id = FRAME("me"),
        .mechanism = "PLAIN",
        .credential = {FRAME("joe"), FRAME("secret")},
        .n_credentials = 2,
    };
    static const char *const text[] = {"",   "1.0",   "1",   "global", "192.0.2.1",
                                       "me", "PLAIN", "joe", "secret"};
    fmq__zap_frame frame[FMQ__ZAP_REQUEST_MAX];

    REQUIRE(fmq__zap_put_request(&r, frame) == 9);
    for (size_t i = 0; i < 9; i++) {
        check_frame(&frame[i], text[i]);
    }
}

TEST(request_without_anything)
{
    const fmq__zap_request r = {.address = "", .mechanism = "NULL"};
    fmq__zap_frame frame[FMQ__ZAP_REQUEST_MAX];

    REQUIRE(fmq__zap_put_request(&r, frame) == 7);
    CHECK_EQ(frame[3].len, 0);
    CHECK_EQ(frame[5].len, 0);
    check_frame(&frame[6], "NULL");
}

static const fmq__zap_frame good[] = {
    FRAME(""),    FRAME("1.0"),           FRAME("1"), FRAME("200"), FRAME("OK"),
    FRAME("joe"), FRAME("\1X\0\0\0\3yes")};

TEST(reply)
{
    static const unsigned status[] = {200, 300, 400, 500};
    fmq__zap_frame frame[FMQ__ZAP_REPLY_LEN];

    memcpy(frame, good, sizeof(good));
    for (size_t i = 0; i < 4; i++) {
        char text[] = {(char)('2' + i), '0', '0'};
        fmq__zap_reply reply = {0};
        unsigned error = 1;

        frame[3] = (fmq__zap_frame){(const uint8_t *)text, 3};
        CHECK_EQ(fmq__zap_parse_reply(frame, 7, &reply, &error), 0);
        CHECK_EQ(error, 0);
        CHECK(reply.is_answered);
        CHECK_EQ(reply.status, status[i]);
        CHECK_EQ(reply.user_id_len, 3);
        CHECK_MEM(reply.user_id, "joe", 3);
        CHECK_EQ(reply.metadata_len, 9);
    }
}

TEST(bad_replies)
{
    static const struct {
        size_t at;
        fmq__zap_frame frame;
        unsigned error;
    } row[] = {
        {0, FRAME("x"), FMQ__ZAP_UNSPECIFIED},
        {1, FRAME(""), FMQ__ZAP_BAD_VERSION},
        {1, FRAME("1.1"), FMQ__ZAP_BAD_VERSION},
        {1, FRAME("1.00"), FMQ__ZAP_BAD_VERSION},
        {2, FRAME(""), FMQ__ZAP_BAD_REQUEST_ID},
        {2, FRAME("2"), FMQ__ZAP_BAD_REQUEST_ID},
        {2, FRAME("1\0"), FMQ__ZAP_BAD_REQUEST_ID},
        {3, FRAME(""), FMQ__ZAP_INVALID_STATUS_CODE},
        {3, FRAME("100"), FMQ__ZAP_INVALID_STATUS_CODE},
        {3, FRAME("600"), FMQ__ZAP_INVALID_STATUS_CODE},
        {3, FRAME("210"), FMQ__ZAP_INVALID_STATUS_CODE},
        {3, FRAME("20"), FMQ__ZAP_INVALID_STATUS_CODE},
        {3, FRAME("2000"), FMQ__ZAP_INVALID_STATUS_CODE},
        {6, FRAME("\1"), FMQ__ZAP_INVALID_METADATA},
        {6, FRAME("\0\0\0\0\0"), FMQ__ZAP_INVALID_METADATA},
        {6, FRAME("\1X\0\0\0\1"), FMQ__ZAP_INVALID_METADATA},
        {6, FRAME("\1X\xff\xff\xff\xff"), FMQ__ZAP_INVALID_METADATA},
        {6, FRAME("\1X\0\0\0\0X"), FMQ__ZAP_INVALID_METADATA},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        fmq__zap_frame frame[FMQ__ZAP_REPLY_LEN];
        fmq__zap_reply reply = {0};
        unsigned error = 0;

        memcpy(frame, good, sizeof(good));
        frame[row[i].at] = row[i].frame;
        CHECK_EQ(fmq__zap_parse_reply(frame, 7, &reply, &error), EPROTO);
        CHECK_EQ(error, row[i].error);
    }
}

TEST(too_few_and_too_many)
{
    fmq__zap_frame frame[FMQ__ZAP_REPLY_LEN];
    fmq__zap_reply reply = {0};
    unsigned error;

    memcpy(frame, good, sizeof(good));
    for (size_t n = 0; n < 20; n++) {
        if (n != 7) {
            CHECK_EQ(fmq__zap_parse_reply(frame, n, &reply, &error), EPROTO);
            CHECK_EQ(error, FMQ__ZAP_MALFORMED_REPLY);
        }
    }
}

TEST(as_many_properties_as_a_peer_may_have)
{
    static uint8_t many[1025 * 6];
    fmq__zap_frame frame[FMQ__ZAP_REPLY_LEN];
    fmq__zap_reply reply = {0};
    unsigned error;

    memcpy(frame, good, sizeof(good));
    for (size_t i = 0; i < 1025; i++) {
        memcpy(many + i * 6, "\1X\0\0\0\0", 6);
    }
    frame[6] = (fmq__zap_frame){many, 1024L * 6};
    CHECK_EQ(fmq__zap_parse_reply(frame, 7, &reply, &error), 0);
    frame[6].len = sizeof(many);
    CHECK_EQ(fmq__zap_parse_reply(frame, 7, &reply, &error), EPROTO);
}

int
main(void)
{
    RUN(request);
    RUN(request_without_anything);
    RUN(reply);
    RUN(bad_replies);
    RUN(too_few_and_too_many);
    RUN(as_many_properties_as_a_peer_may_have);
    return CHECK_RESULT();
}
