/* SPDX-License-Identifier: Apache-2.0 */
/* transport: how stream connections of one scheme are named, listened for and dialled.
 *
 * Knows addresses and descriptors, no messages and no threads. All descriptors are
 * non-blocking and close-on-exec.
 *
 * Owner:   descriptors belong to the caller once handed out; a fmq__addr is a value
 *          whose text belongs to it until fmq__addr_fini.
 * Threads: any; nothing is shared but constant tables.
 * Errors:  errno values, the documented ones of ZeroMQ's bind and connect: EINVAL for
 *          text that is no address, ENODEV for an interface or host that does not exist
 *          on bind, EADDRINUSE, EADDRNOTAVAIL, ENAMETOOLONG (ipc), ...
 */
#ifndef FMQ_TRANSPORT_TRANSPORT_H
#define FMQ_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* The slice of the socket's options that transports need, copied at bind or connect. */
typedef struct fmq__stream_opts {
    int sndbuf; /* -1: leave */
    int rcvbuf; /* -1: leave */
    int backlog;
    int keepalive;     /* -1: leave, 0, 1 */
    int keepalive_cnt; /* -1: leave */
    int keepalive_idle_s;
    int keepalive_intvl_s;
    int maxrt_ms;     /* 0: leave */
    int tos;          /* 0: leave */
    int priority;     /* 0: leave */
    int busy_poll_us; /* 0 or less: leave */
    char device[17];  /* the interface to use; "": any */
    bool ipv6;
    bool is_loopback_fast; /* tcp: not as slow as the network may need it */
} fmq__stream_opts;

void fmq__stream_opts_init(fmq__stream_opts *o);

typedef struct fmq__transport fmq__transport;
typedef struct fmq__trace fmq__trace;

/* A parsed endpoint. */
typedef struct fmq__addr {
    const fmq__transport *transport;
    char *text; /* the part behind "scheme://", as the user wrote it */
    char *host; /* tcp: host or interface name, without brackets; ipc: the path */
    char *port; /* tcp: decimal, or "0" for any; ipc: NULL */
    char *source_host; /* tcp connect with "source;destination": or NULL */
    char *source_port;
    bool needs_resolver; /* host is a name that only a (slow) look-up can tell */
    fmq__trace *trace;   /* ipc bind: the file that listen made; else NULL */
} fmq__addr;

/* One address to dial or listen on. */
typedef struct fmq__sockaddr {
    struct sockaddr_storage sa;
    socklen_t len;
} fmq__sockaddr;

enum { FMQ__ADDR_BIND = 0, FMQ__ADDR_CONNECT = 1 };

struct fmq__transport {
    const char *scheme;
    bool can_gather; /* pollers heed fmq__stream_gather */

    /* Checks and splits `text` (behind "scheme://"). Looks nothing up. EINVAL,
     * ENAMETOOLONG, ENOMEM: `addr` was not touched. */
    int (*parse)(const char *text, int purpose, fmq__addr *addr);

    /* The candidates to dial, best first, at most `max`; `*n` of them. To listen on
     * there is one only: the second best would be another address than the one asked
     * for. May block in a name server if addr->needs_resolver. ENODEV: no such
     * interface or host to bind; EADDRNOTAVAIL: no such host to connect to;
     * EHOSTUNREACH: the name server did not say; ENOMEM. */
    int (*resolve)(const fmq__addr *addr, int purpose, const fmq__stream_opts *opts,
                   fmq__sockaddr *out, int max, int *n);

    /* A listening descriptor at `sa`. ipc takes over the file of a listener that died,
     * and one that is empty; a living one's name, or any other file, is EADDRINUSE. */
    int (*listen)(const fmq__addr *addr, const fmq__sockaddr *sa,
                  const fmq__stream_opts *opts, int *fd);

    /* Accepts one: EAGAIN if none waits; EMFILE, ENFILE, ENOBUFS, ENOMEM: try later;
     * ECONNABORTED and the like: that one is gone. */
    int (*accept)(int listen_fd, const fmq__stream_opts *opts, int *fd);

    /* Ends listening: closes `fd` and removes what listen left in the file system, if
     * it is still there. `addr` is the one that listen was given. */
    void (*unlisten)(const fmq__addr *addr, const char *bound_name, int fd);

    /* Begins to connect to one candidate: 0 connected at once, EINPROGRESS (wait for
     * writable, then dial_result), else failed and `*fd` is -1. EAGAIN (ipc): the
     * listener's queue is full, try later. */
    int (*dial)(const fmq__addr *addr, const fmq__sockaddr *sa,
                const fmq__stream_opts *opts, int *fd);
    int (*dial_result)(int fd);

    /* The endpoint text of this descriptor's own end, with scheme
     * ("tcp://127.0.0.1:5555", "ipc:///tmp/x"): what LAST_ENDPOINT reads after bind.
     * ERANGE: more than `cap`. */
    int (*local_name)(const fmq__addr *addr, int fd, char *buf, size_t cap);

    /* The same of the other end; "" if it has no name. */
    int (*remote_name)(int fd, char *buf, size_t cap);

    /* The same of an address. NULL: there is only the text. */
    int (*name_of)(const fmq__sockaddr *sa, char *buf, size_t cap);

    /* The property Peer-Address: IP text without port, or "localhost:uid:gid:pid".
     * ERANGE: more than `cap`. */
    int (*peer_address)(int fd, char *buf, size_t cap);
};

extern const fmq__transport fmq__transport_tcp;
extern const fmq__transport fmq__transport_ipc;

/* The transport of "scheme://..." and where the rest begins: EINVAL for text without
 * "://" or with nothing behind it, EPROTONOSUPPORT for an unknown scheme. inproc is not
 * in the table: `*transport` is NULL for it. */
int fmq__transport_find(const char *endpoint, const fmq__transport **transport,
                        const char **rest);

void fmq__addr_fini(fmq__addr *addr);

/* recv and send on a stream, at least one byte asked: `*n` bytes; EAGAIN; EPIPE also
 * for end of file on recv (`*n` == 0 with 0 never happens); ECONNRESET and other errors
 * of a lost connection. Never raises SIGPIPE. EINTR is retried. */
int fmq__stream_read(int fd, void *buf, size_t len, size_t *n);
struct iovec;
int fmq__stream_readv(int fd, const struct iovec *iov, int n_iov, size_t *n);
int fmq__stream_writev(int fd, const struct iovec *iov, int n_iov, size_t *n);

/* Where the transport can gather: pollers are to be quiet until `n` bytes can be read,
 * or an end or an error; less can be read all the while. Back at 1 they may still be
 * quiet about what has come before (Linux before 4.18): read first. False: as before.
 */
bool fmq__stream_gather(int fd, int n);

#endif
