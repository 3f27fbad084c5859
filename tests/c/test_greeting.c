/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "wire/greeting.h"
#include "wire_test.h"

TEST(ours_is_what_libzmq_sends)
{
    static wire_bytes golden;
    uint8_t ours[FMQ__GREETING_LEN];

    wire_add_vector(&golden, "push");
    fmq__greeting_put(ours, 0, "NULL");
    CHECK_MEM(ours, golden.data, sizeof(ours));
}

TEST(routing_id_shows_in_the_signature)
{
    static wire_bytes golden;
    uint8_t ours[FMQ__GREETING_LEN];

    wire_add_vector(&golden, "dealer_alice");
    fmq__greeting_put(ours, strlen("alice"), "NULL");
    CHECK_MEM(ours, golden.data, sizeof(ours));
}

/* The peer of the first `n` of these 11 bytes. */
static enum fmq__greeting_peer
detect(const char *bytes, size_t n)
{
    return fmq__greeting_detect((const uint8_t *)bytes, n);
}

TEST(peers_are_told_by_as_few_bytes_as_possible)
{
    static const char v3[] = "\xFF\0\0\0\0\0\0\0\1\x7F\3\1";
    static const char v2[] = "\xFF\0\0\0\0\0\0\0\1\x7F\1\1";
    static const char odd_padding[] = "\xFF\x12\x34\x56\x78\x9A\xBC\xDE\xF0\x01\3\0";

    CHECK_EQ(detect(v3, 0), FMQ__PEER_UNKNOWN);
    for (size_t n = 1; n < 10; n++) {
        CHECK_EQ(detect(v3, n), FMQ__PEER_UNKNOWN);
    }
    CHECK_EQ(detect(v3, 10), FMQ__PEER_VERSIONED);
    CHECK_EQ(detect(v3, 11), FMQ__PEER_V3);
    CHECK_EQ(detect(v3, 12), FMQ__PEER_V3);
    CHECK_EQ(detect(v2, 10), FMQ__PEER_VERSIONED);
    CHECK_EQ(detect(v2, 11), FMQ__PEER_V2_0);
    CHECK_EQ(detect(odd_padding, 9), FMQ__PEER_UNKNOWN);
    CHECK_EQ(detect(odd_padding, 11), FMQ__PEER_V3);
}

TEST(unversioned_peers)
{
    /* A short identity frame, an HTTP request, a long identity frame. */
    CHECK_EQ(detect("\x01\x00", 1), FMQ__PEER_UNVERSIONED);
    CHECK_EQ(detect("GET /", 5), FMQ__PEER_UNVERSIONED);
    CHECK_EQ(detect("\xFE", 1), FMQ__PEER_UNVERSIONED);
    CHECK_EQ(detect("\xFF\0\0\0\0\0\0\1\0\0", 9), FMQ__PEER_UNKNOWN);
    CHECK_EQ(detect("\xFF\0\0\0\0\0\0\1\0\0", 10), FMQ__PEER_UNVERSIONED);
    CHECK_EQ(detect("\xFF\0\0\0\0\0\0\1\0\xFE", 10), FMQ__PEER_UNVERSIONED);
}

TEST(every_revision)
{
    for (int revision = 0; revision < 256; revision++) {
        for (int minor = 0; minor < 256; minor++) {
            uint8_t g[FMQ__GREETING_LEN];
            enum fmq__greeting_peer peer = revision == 0   ? FMQ__PEER_V1_FRAMES
                                           : revision == 1 ? FMQ__PEER_V2_0
                                                           : FMQ__PEER_V3;

            fmq__greeting_put(g, 0, "NULL");
            g[10] = (uint8_t)revision;
            g[11] = (uint8_t)minor;
            CHECK_EQ(fmq__greeting_detect(g, sizeof(g)), peer);
            CHECK_EQ(fmq__greeting_version(g),
                     revision == 3 && minor == 0 ? 0x0300 : 0x0301);
        }
    }
}

TEST(mechanism_must_match_to_the_last_padding_byte)
{
    uint8_t g[FMQ__GREETING_LEN];

    fmq__greeting_put(g, 0, "NULL");
    CHECK(fmq__greeting_has_mechanism(g, "NULL"));
    CHECK(!fmq__greeting_has_mechanism(g, "PLAIN"));
    CHECK(!fmq__greeting_has_mechanism(g, "NUL"));
    for (size_t at = 12; at < 32; at++) {
        g[at] ^= 0x20;
        CHECK(!fmq__greeting_has_mechanism(g, "NULL"));
        g[at] ^= 0x20;
    }
    /* as-server and the filler are nobody's business. */
    memset(g + 32, 0xAA, 32);
    CHECK(fmq__greeting_has_mechanism(g, "NULL"));
    fmq__greeting_put(g, 0, "ABCDEFGHIJKLMNOPQRST");
    CHECK(fmq__greeting_has_mechanism(g, "ABCDEFGHIJKLMNOPQRST"));
    CHECK_EQ(g[32], 0);
}

int
main(void)
{
    RUN(ours_is_what_libzmq_sends);
    RUN(routing_id_shows_in_the_signature);
    RUN(peers_are_told_by_as_few_bytes_as_possible);
    RUN(unversioned_peers);
    RUN(every_revision);
    RUN(mechanism_must_match_to_the_last_padding_byte);
    return CHECK_RESULT();
}
