/* SPDX-License-Identifier: Apache-2.0 */
#include "security/z85.h"

#include "check.h"

TEST(there_and_back)
{
    uint8_t bytes[64];
    uint8_t back[64];
    char text[64 / 4 * 5 + 1];

    for (size_t n = 0; n <= sizeof(bytes); n += FMQ__Z85_BYTES) {
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)(i * 37 + n);
        }
        fmq__z85_encode(text, bytes, n);
        CHECK_EQ(strlen(text), n / 4 * 5);
        CHECK(fmq__z85_decode(back, text, strlen(text)));
        CHECK_MEM(back, bytes, n);
    }
}

TEST(the_ends_of_the_range)
{
    static const uint8_t zeros[4] = {0, 0, 0, 0};
    static const uint8_t ones[4] = {255, 255, 255, 255};
    uint8_t back[4];
    char text[6];

    fmq__z85_encode(text, zeros, 4);
    CHECK_STR(text, "00000");
    fmq__z85_encode(text, ones, 4);
    CHECK_STR(text, "%nSc0");
    CHECK(fmq__z85_decode(back, "%nSc0", 5));
    CHECK_MEM(back, ones, 4);
    CHECK(!fmq__z85_decode(back, "%nSc1", 5)); /* one more */
    CHECK(!fmq__z85_decode(back, "#####", 5));
}

TEST(what_is_no_such_text)
{
    uint8_t to[8];

    CHECK(!fmq__z85_decode(to, "Hello1", 6));
    CHECK(!fmq__z85_decode(to, "Hell ", 5));
    CHECK(!fmq__z85_decode(to, "Hell\xFF", 5));
    CHECK(!fmq__z85_decode(to, "Hell\0", 5));
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(there_and_back),
        CASE(the_ends_of_the_range),
        CASE(what_is_no_such_text),
    };

    return CHECK_MAIN(cases);
}
