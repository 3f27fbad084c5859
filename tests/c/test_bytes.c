/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include "check.h"

TEST(puts_the_high_byte_first)
{
    static const uint8_t expected[14] = {0xfe, 0x01, 0xfd, 0x02, 0x03, 0x04, 0xfc,
                                         0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b};
    uint8_t buf[14];

    fmq__put_u16(buf, 0xfe01);
    fmq__put_u32(buf + 2, UINT32_C(0xfd020304));
    fmq__put_u64(buf + 6, UINT64_C(0xfc05060708090a0b));
    CHECK_MEM(buf, expected, sizeof(buf));
    CHECK(fmq__get_u16(buf) == 0xfe01);
    CHECK(fmq__get_u32(buf + 2) == UINT32_C(0xfd020304));
    CHECK(fmq__get_u64(buf + 6) == UINT64_C(0xfc05060708090a0b));
}

int
main(void)
{
    static const check_case cases[] = {CASE(puts_the_high_byte_first)};

    return CHECK_MAIN(cases);
}
