/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <sys/syscall.h>

#include "check.h"
#include "deny.h"

/* That 600 bytes of each of two calls agree in a run of 16 anywhere is as good as
 * impossible; an unfilled part would. */
static void
check_fill(void)
{
    uint8_t a[600] = {0};
    uint8_t b[600] = {0};

    fmq__random_bytes(a, sizeof(a));
    fmq__random_bytes(b, sizeof(b));
    for (size_t i = 0; i + 16 <= sizeof(a); i++) {
        CHECK(memcmp(a + i, b + i, 16) != 0);
    }
    CHECK(fmq__random_u32() != fmq__random_u32() ||
          fmq__random_u32() != fmq__random_u32());
}

TEST(fills_all)
{
    uint8_t untouched[2] = {7, 7};

    check_fill();
    fmq__random_bytes(untouched, 0);
    CHECK_EQ(untouched[0], 7);
}

TEST(goes_on_without_the_kernel)
{
    if (deny_syscall(SYS_getrandom, ENOSYS)) {
        check_fill();
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(fills_all),
        CASE(goes_on_without_the_kernel),
    };

    return CHECK_MAIN(cases);
}
