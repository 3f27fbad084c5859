/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "endpoint.h"
#include "transport/stream.h"

static void
open_pair(int fd[2])
{
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) ==
            0);
}

TEST(reads_what_was_written)
{
    int fd[2];
    char buf[8] = "";
    size_t n = 0;
    struct iovec out[] = {{"ab", 2}, {"", 0}, {"cde", 3}};

    open_pair(fd);
    CHECK_EQ(fmq__stream_writev(fd[0], out, 3, &n), 0);
    CHECK_EQ(n, 5);
    CHECK_EQ(fmq__stream_read(fd[1], buf, 2, &n), 0);
    CHECK_EQ(n, 2);
    CHECK_EQ(fmq__stream_read(fd[1], buf + 2, sizeof(buf) - 2, &n), 0);
    CHECK_EQ(n, 3);
    CHECK_MEM(buf, "abcde", 5);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

TEST(readv_fills_in_order)
{
    int fd[2];
    char one[2];
    char two[4];
    size_t n = 0;
    struct iovec in[] = {{one, sizeof(one)}, {two, sizeof(two)}};

    open_pair(fd);
    CHECK_EQ(write(fd[0], "12345", 5), 5);
    CHECK_EQ(fmq__stream_readv(fd[1], in, 2, &n), 0);
    CHECK_EQ(n, 5);
    CHECK_MEM(one, "12", 2);
    CHECK_MEM(two, "345", 3);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

TEST(nothing_there_is_eagain)
{
    int fd[2];
    char c;
    size_t n = 77;
    struct iovec in = {&c, 1};

    open_pair(fd);
    CHECK_EQ(fmq__stream_read(fd[0], &c, 1, &n), EAGAIN);
    CHECK_EQ(fmq__stream_readv(fd[0], &in, 1, &n), EAGAIN);
    CHECK_EQ(n, 77);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

TEST(end_of_file_is_reset)
{
    int fd[2];
    char buf[4];
    size_t n = 77;
    struct iovec in = {buf, sizeof(buf)};

    open_pair(fd);
    CHECK_EQ(write(fd[0], "x", 1), 1);
    (void)close(fd[0]);
    CHECK_EQ(fmq__stream_read(fd[1], buf, sizeof(buf), &n), 0);
    CHECK_EQ(n, 1);
    CHECK_EQ(fmq__stream_read(fd[1], buf, sizeof(buf), &n), EPIPE);
    CHECK_EQ(fmq__stream_readv(fd[1], &in, 1, &n), EPIPE);
    CHECK_EQ(n, 1);
    (void)close(fd[1]);
}

TEST(a_lost_reader_raises_no_signal)
{
    int fd[2];
    size_t n = 77;
    struct iovec out = {"x", 1};

    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    open_pair(fd);
    (void)close(fd[1]);
    CHECK_EQ(fmq__stream_writev(fd[0], &out, 1, &n), EPIPE);
    CHECK_EQ(n, 77);
    (void)close(fd[0]);
}

TEST(writes_part_and_then_eagain)
{
    static char block[65536];
    int fd[2];
    size_t n = 0;
    size_t sum = 0;
    size_t back = 0;
    struct iovec out[] = {{block, sizeof(block)}, {block, sizeof(block)}};

    open_pair(fd);
    while (fmq__stream_writev(fd[0], out, 2, &n) == 0) {
        CHECK(n > 0 && n <= 2 * sizeof(block));
        sum += n;
    }
    CHECK_EQ(fmq__stream_writev(fd[0], out, 2, &n), EAGAIN);
    while (fmq__stream_read(fd[1], block, sizeof(block), &n) == 0) {
        back += n;
    }
    CHECK_EQ(back, sum);
    CHECK_EQ(fmq__stream_writev(fd[0], out, 1, &n), 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

TEST(a_bad_descriptor_is_an_error)
{
    char c = 0;
    size_t n;
    int fd = -1;
    struct iovec iov = {&c, 1};

    CHECK_EQ(fmq__stream_read(-1, &c, 1, &n), EBADF);
    CHECK_EQ(fmq__stream_readv(-1, &iov, 1, &n), EBADF);
    CHECK_EQ(fmq__stream_writev(-1, &iov, 1, &n), EBADF);
    CHECK_EQ(fmq__stream_dial_result(-1), EBADF);
    CHECK_EQ(fmq__stream_accept(-1, &fd), EBADF);
    CHECK_EQ(fmq__stream_socket(-1, &fd), EAFNOSUPPORT);
    CHECK_EQ(fd, -1);
}

static const check_case cases[] = {
    CASE(reads_what_was_written),         CASE(readv_fills_in_order),
    CASE(nothing_there_is_eagain),        CASE(end_of_file_is_reset),
    CASE(a_lost_reader_raises_no_signal), CASE(writes_part_and_then_eagain),
    CASE(a_bad_descriptor_is_an_error),
};

int
main(void)
{
    return CHECK_MAIN(cases);
}
