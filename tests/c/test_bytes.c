/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(secrets_are_the_same_if_every_byte_is)
{
    uint8_t a[64];
    uint8_t b[64];

    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = b[i] = (uint8_t)(i * 7);
    }
    CHECK(fmq__is_same(a, b, sizeof(a)));
    CHECK(fmq__is_same(NULL, NULL, 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] ^= (uint8_t)(1U << bit);
            CHECK(!fmq__is_same(a, b, sizeof(a)));
            CHECK(fmq__is_same(a, b, i));
            b[i] ^= (uint8_t)(1U << bit);
        }
    }
}

/* In a process of its own: compares what differs in the first byte, and whose last one
 * cannot be read. */
static int
compare_to_the_end(const uint8_t *a, const uint8_t *b, size_t n)
{
    const struct rlimit no_core = {0, 0};
    int status = 0;
    pid_t pid = fork();

    REQUIRE(pid >= 0);
    if (pid == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)close(STDERR_FILENO);
        _exit(fmq__is_same(a, b, n) ? 1 : 0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return status;
}

/* Time that depends on the first difference tells where it is. */
TEST(secrets_are_compared_to_the_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t other[32] = {1};

    REQUIRE(p != MAP_FAILED);
    CHECK_EQ(compare_to_the_end(p + page - 32, other, 32), 0);
    REQUIRE(mprotect(p + page, page, PROT_NONE) == 0);
    CHECK_EQ(compare_to_the_end(p + page - 32, other, 32), 0);
    CHECK(compare_to_the_end(p + page - 31, other, 32) != 0);
    CHECK_EQ(munmap(p, 2 * page), 0);
}

TEST(what_is_wiped_is_gone)
{
    uint8_t bytes[3] = {1, 2, 3};

    fmq__wipe(bytes, 2);
    CHECK(bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 3);
    fmq__wipe(NULL, 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(puts_the_high_byte_first),
        CASE(secrets_are_the_same_if_every_byte_is),
        CASE(secrets_are_compared_to_the_end),
        CASE(what_is_wiped_is_gone),
    };

    return CHECK_MAIN(cases);
}
