/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

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

#if defined(SO_PEERGROUPS)

bool
fmq__os_peer_has_group(int fd, gid_t group)
{
    gid_t few[64];
    gid_t *groups = few;
    gid_t *many = NULL;
    socklen_t len = sizeof(few);
    int err = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    bool is_member = false;

    if (err != 0 && errno == ERANGE) { /* and `len` is what it takes */
        many = fmq__alloc(len);
        groups = many;
        err =
            many == NULL ? -1 : getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
    }
    for (size_t i = 0; err == 0 && i < len / sizeof(gid_t); i++) {
        is_member = is_member || groups[i] == group;
    }
    fmq__free(many);
    return is_member;
}

#elif defined(LOCAL_PEERCRED)

#include <sys/ucred.h>

#if !defined(SOL_LOCAL)
#define SOL_LOCAL 0
#endif

bool
fmq__os_peer_has_group(int fd, gid_t group)
{
    struct xucred seen = {0};
    socklen_t len = sizeof(seen);
    bool is_member = false;

    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &seen, &len) == 0) {
        for (int i = 0; i < seen.cr_ngroups; i++) {
            is_member = is_member || seen.cr_groups[i] == group;
        }
    }
    return is_member;
}

#else

bool
fmq__os_peer_has_group(int fd, gid_t group)
{
    (void)fd;
    (void)group;
    return false;
}

#endif

void
fmq__os_unpace(int fd)
{
#if defined(__linux__) && defined(TCP_CONGESTION)
    static const char paced[] = "bbr";  /* and its versions */
    static const char plain[] = "reno"; /* every kernel has it, and anybody may */
    char name[32] = "";
    socklen_t len = sizeof(name) - 1;

    if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0 &&
        strncmp(name, paced, strlen(paced)) == 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, plain,
                         (socklen_t)strlen(plain));
    }
#else
    (void)fd; /* those do not pace */
#endif
}

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
