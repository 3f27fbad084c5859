/* SPDX-License-Identifier: Apache-2.0 */
/* An eventfd where there is one, else (and where FMQ_PORTABLE_WAKE is defined) a pipe.
 * A signal that finds either readable already still makes an edge, as every write does.
 * Nothing can be written to a pipe that is full, so the signal then empties it first:
 * whoever it was readable for has an edge from this one. */
#include "base/wake.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__linux__) && !defined(FMQ_PORTABLE_WAKE)

#include <sys/eventfd.h>

int
fmq__wake_open(fmq__wake *w)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd == -1) {
        return errno;
    }
    w->read_fd = fd;
    w->write_fd = fd;
    return 0;
}

#else

#include <fcntl.h>

static int
set_flags(int fd)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
        return errno;
    }
    return 0;
}

int
fmq__wake_open(fmq__wake *w)
{
    int fd[2];
    int error;

    if (pipe(fd) == -1) {
        return errno;
    }
    error = set_flags(fd[0]);
    if (error == 0) {
        error = set_flags(fd[1]);
    }
    if (error != 0) {
        close(fd[0]);
        close(fd[1]);
        return error;
    }
    w->read_fd = fd[0];
    w->write_fd = fd[1];
    return 0;
}

#endif

void
fmq__wake_close(fmq__wake *w)
{
    if (w->write_fd != w->read_fd) {
        close(w->write_fd);
    }
    close(w->read_fd);
    w->read_fd = -1;
    w->write_fd = -1;
}

static int
write_one(const fmq__wake *w)
{
    static const uint64_t one = 1;
    ssize_t n;

    do {
        n = write(w->write_fd, &one, sizeof(one));
    } while (n == -1 && errno == EINTR);
    return n == -1 ? errno : 0;
}

void
fmq__wake_signal(const fmq__wake *w)
{
    int saved = errno;

    if (write_one(w) == EAGAIN) {
        fmq__wake_drain(w);
        (void)write_one(w); /* EAGAIN: others have filled it since, with edges */
    }
    errno = saved;
}

void
fmq__wake_drain(const fmq__wake *w)
{
    uint64_t seen[64];
    ssize_t n;

    /* One read empties an eventfd; a pipe may need several. */
    do {
        n = read(w->read_fd, seen, sizeof(seen));
    } while (n == (ssize_t)sizeof(seen) || (n == -1 && errno == EINTR));
}
