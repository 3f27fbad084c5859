/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Sockets. macOS has neither the flags of socket nor accept4, so a process that forks
 * and executes in between there gives its child the descriptor. */

#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)

int
fmq__os_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int
fmq__os_accept(int listen_fd)
{
    return accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#else

#if defined(SO_NOSIGPIPE)

static int
prevent_sigpipe(int fd)
{
    int on = 1;

    return setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
}

#else

static int
prevent_sigpipe(int fd)
{
    (void)fd;
    return 0;
}

#endif

/* Takes `fd`, which may be -1: closes it on failure. */
static int
prepare(int fd)
{
    int flags;

    if (fd == -1) {
        return -1;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || prevent_sigpipe(fd) == -1) {
        int error = errno;

        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int
fmq__os_socket(int family)
{
    return prepare(socket(family, SOCK_STREAM, 0));
}

int
fmq__os_accept(int listen_fd)
{
    return prepare(accept(listen_fd, NULL, NULL));
}

#endif

/* Peers */

#if defined(SO_PEERCRED)

int
fmq__os_identify_peer(int fd, fmq__peer_identity *peer)
{
    struct ucred seen;
    socklen_t len = sizeof(seen);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &seen, &len) != 0) {
        return errno;
    }
    *peer = (fmq__peer_identity){.uid = seen.uid, .gid = seen.gid, .pid = seen.pid};
    return 0;
}

#else

#include <sys/un.h>

#if defined(LOCAL_PEERPID)

static pid_t
find_pid(int fd)
{
    pid_t pid;
    socklen_t len = sizeof(pid);

    return getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &len) == 0 ? pid : 0;
}

#elif defined(__FreeBSD__)

#include <sys/ucred.h>

static pid_t
find_pid(int fd)
{
    struct xucred seen;
    socklen_t len = sizeof(seen);

    return getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &seen, &len) == 0 ? seen.cr_pid
                                                                       : 0;
}

#else

static pid_t
find_pid(int fd)
{
    (void)fd;
    return 0;
}

#endif

int
fmq__os_identify_peer(int fd, fmq__peer_identity *peer)
{
    fmq__peer_identity seen = {.pid = find_pid(fd)};

    if (getpeereid(fd, &seen.uid, &seen.gid) != 0) {
        return errno;
    }
    *peer = seen;
    return 0;
}

#endif

int
fmq__os_bind_to_device(int fd, const char *name)
{
#if defined(SO_BINDTODEVICE)
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
                      (socklen_t)strlen(name) + 1) == 0
               ? 0
               : errno;
#else
    (void)fd;
    (void)name;
    return ENOPROTOOPT;
#endif
}
