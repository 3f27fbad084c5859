/* SPDX-License-Identifier: Apache-2.0 */
/* The branches of transport/os.c for systems with less than this one, here. */
#include <sys/socket.h>

#include <sys/types.h>

#undef SOCK_NONBLOCK
#undef SOCK_CLOEXEC
#undef SO_PEERCRED

/* The C library of those systems has it. */
int getpeereid(int fd, uid_t *uid, gid_t *gid);

#include "transport/os.c"

#include <sys/un.h>

#include "check.h"
#include "deny.h"

int
getpeereid(int fd, uid_t *uid, gid_t *gid)
{
    if (fd == -1) {
        errno = EBADF;
        return -1;
    }
    *uid = 1;
    *gid = 2;
    return 0;
}

static void
check_kind(int fd)
{
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

TEST(sockets_are_of_the_right_kind)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(sa_family_t); /* the kernel chooses */
    int listener = fmq__os_socket(AF_UNIX);
    int dialer = fmq__os_socket(AF_UNIX);
    int accepted;

    REQUIRE(listener != -1 && dialer != -1);
    check_kind(listener);
    REQUIRE(bind(listener, (struct sockaddr *)&name, len) == 0);
    len = sizeof(name);
    REQUIRE(getsockname(listener, (struct sockaddr *)&name, &len) == 0);
    REQUIRE(listen(listener, 1) == 0);

    errno = 0;
    CHECK_EQ(fmq__os_accept(listener), -1);
    CHECK_EQ(errno, EAGAIN);
    REQUIRE(connect(dialer, (struct sockaddr *)&name, len) == 0);
    accepted = fmq__os_accept(listener);
    REQUIRE(accepted != -1);
    check_kind(accepted);
    close(accepted);
    close(dialer);
    close(listener);
}

TEST(no_descriptor_left)
{
    rlim_t before = deny_descriptors(0);

    errno = 0;
    CHECK_EQ(fmq__os_socket(AF_UNIX), -1);
    CHECK_EQ(errno, EMFILE);
    deny_descriptors(before);
}

TEST(peers_without_a_pid)
{
    fmq__peer_identity peer = {.pid = 77};

    CHECK_EQ(fmq__os_identify_peer(-1, &peer), EBADF);
    CHECK_EQ(peer.pid, 77);
    CHECK_EQ(fmq__os_identify_peer(0, &peer), 0);
    CHECK_EQ(peer.uid, 1);
    CHECK_EQ(peer.gid, 2);
    CHECK_EQ(peer.pid, 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(sockets_are_of_the_right_kind),
        CASE(no_descriptor_left),
        CASE(peers_without_a_pid),
    };

    return CHECK_MAIN(cases);
}
