/* SPDX-License-Identifier: Apache-2.0 */
/* os: what the systems' sockets do differently; nothing else in transport asks which
 * system it is on.
 *
 * Owner:   descriptors belong to the caller.
 * Threads: any.
 */
#ifndef FMQ_TRANSPORT_OS_H
#define FMQ_TRANSPORT_OS_H

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Options that not every system has; FMQ__NO_OPTION is passed over by who sets them. */
#define FMQ__NO_OPTION (-1)

#if defined(TCP_KEEPIDLE)
#define FMQ__TCP_KEEPIDLE TCP_KEEPIDLE
#elif defined(TCP_KEEPALIVE)
#define FMQ__TCP_KEEPIDLE TCP_KEEPALIVE
#else
#define FMQ__TCP_KEEPIDLE FMQ__NO_OPTION
#endif

#if defined(TCP_USER_TIMEOUT)
#define FMQ__TCP_USER_TIMEOUT TCP_USER_TIMEOUT
#else
#define FMQ__TCP_USER_TIMEOUT FMQ__NO_OPTION
#endif

#if defined(IP_BIND_ADDRESS_NO_PORT)
#define FMQ__IP_LATE_PORT IP_BIND_ADDRESS_NO_PORT
#else
#define FMQ__IP_LATE_PORT FMQ__NO_OPTION
#endif

#if defined(SO_PRIORITY)
#define FMQ__SO_PRIORITY SO_PRIORITY
#else
#define FMQ__SO_PRIORITY FMQ__NO_OPTION
#endif

#if defined(SO_BUSY_POLL)
#define FMQ__SO_BUSY_POLL SO_BUSY_POLL
#else
#define FMQ__SO_BUSY_POLL FMQ__NO_OPTION
#endif

/* Whether pollers heed the SO_RCVLOWAT of a TCP connection. */
#if defined(__linux__)
#define FMQ__TCP_CAN_GATHER true
#else
#define FMQ__TCP_CAN_GATHER false
#endif

#if defined(MSG_NOSIGNAL)
#define FMQ__MSG_NOSIGNAL MSG_NOSIGNAL
#else
#define FMQ__MSG_NOSIGNAL 0 /* sockets are made with SO_NOSIGPIPE there */
#endif

/* The type of msghdr.msg_iovlen. */
#if defined(__GLIBC__)
typedef size_t fmq__iovlen;
#else
typedef int fmq__iovlen;
#endif

typedef struct fmq__peer_identity {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* 0: the system does not tell */
} fmq__peer_identity;

/* A new stream socket, and a connection taken from `listen_fd`: -1 with errno. Both are
 * non-blocking and close-on-exec and never raise SIGPIPE. */
int fmq__os_socket(int family);
int fmq__os_accept(int listen_fd);

/* Makes a socket use one network interface: errno values; ENOPROTOOPT: not here. */
int fmq__os_bind_to_device(int fd, const char *name);

/* Lets a TCP connection send as fast as it is read, where the system's way of
 * congestion control would have it wait for the clock. Where there is no other way it
 * stays. */
void fmq__os_unpace(int fd);

/* Who is at the other end of a connected ipc socket: errno values. */
int fmq__os_identify_peer(int fd, fmq__peer_identity *peer);

/* Whether its process has this supplementary group; false also if nobody knows. */
bool fmq__os_peer_has_group(int fd, gid_t group);

#endif
