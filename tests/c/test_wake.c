/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "check.h"
#include "deny.h"

static int
is_readable(const fmq__wake *w)
{
    struct pollfd p = {.fd = w->read_fd, .events = POLLIN};

    return poll(&p, 1, 0);
}

TEST(signals_and_drains)
{
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(is_readable(&w), 0);
    fmq__wake_drain(&w);
    fmq__wake_signal(&w);
    CHECK_EQ(is_readable(&w), 1);
    for (int i = 0; i < 1000; i++) {
        fmq__wake_signal(&w);
    }
    CHECK_EQ(is_readable(&w), 1);
    fmq__wake_drain(&w);
    CHECK_EQ(is_readable(&w), 0);
    fmq__wake_signal(&w);
    CHECK_EQ(is_readable(&w), 1);
    fmq__wake_close(&w);
    CHECK_EQ(w.read_fd, -1);
    CHECK_EQ(w.write_fd, -1);
}

TEST(descriptor_is_of_the_right_kind)
{
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK(fcntl(w.read_fd, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(w.read_fd, F_GETFL) & O_NONBLOCK);
    fmq__wake_close(&w);
}

TEST(leaves_errno_alone)
{
    fmq__wake w = {.read_fd = -1, .write_fd = -1};

    errno = EXDEV;
    fmq__wake_signal(&w);
    CHECK_EQ(errno, EXDEV);
}

TEST(no_descriptor_left)
{
    fmq__wake w = {.read_fd = 77, .write_fd = 78};
    rlim_t before = deny_descriptors(0);

    CHECK_EQ(fmq__wake_open(&w), EMFILE);
    deny_descriptors(before);
    CHECK_EQ(w.read_fd, 77);
    CHECK_EQ(w.write_fd, 78);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(signals_and_drains),
        CASE(descriptor_is_of_the_right_kind),
        CASE(leaves_errno_alone),
        CASE(no_descriptor_left),
    };

    return CHECK_MAIN(cases);
}
