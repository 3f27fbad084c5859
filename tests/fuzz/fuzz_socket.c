/* SPDX-License-Identifier: Apache-2.0 */
/* Whole sockets, dialling and dialled, and a peer that says anything in any pieces: it
 * always sees the connection end, and what the application gets are whole messages.
 *
 * The first byte of the input says which socket it is and who dials, the second in
 * which steps the rest comes.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fastmq.h"
#include "fuzz.h"

enum { PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB, STREAM };
enum {
    OPT_SUBSCRIBE = 6,
    OPT_LINGER = 17,
    OPT_MAXMSGSIZE = 22,
    OPT_SNDHWM = 23,
    OPT_RCVHWM = 24,
    OPT_ROUTER_RAW = 41,
    N_KINDS = 13,
    RAW_ROUTER = 12
};

static fmq_ctx context;
static unsigned n_names;

static void
set_int(fmq_socket s, int option, int value)
{
    require(fmq_setsockopt(s, option, &value, sizeof(value)) == 0);
}

static fmq_socket
make(int kind)
{
    int64_t most = 1 << 20; /* what is announced must not take the fuzzer's memory */
    fmq_socket s = 0;

    require(fmq_socket_new(context, kind == RAW_ROUTER ? ROUTER : kind, &s) == 0);
    set_int(s, OPT_LINGER, 0);
    set_int(s, OPT_SNDHWM, 0);
    set_int(s, OPT_RCVHWM, 0);
    require(fmq_setsockopt(s, OPT_MAXMSGSIZE, &most, sizeof(most)) == 0);
    if (kind == RAW_ROUTER) {
        set_int(s, OPT_ROUTER_RAW, 1);
    }
    if (kind == SUB) {
        require(fmq_setsockopt(s, OPT_SUBSCRIBE, "", 0) == 0);
    }
    return s;
}

/* An abstract name, which leaves nothing behind. */
static socklen_t
put_name(struct sockaddr_un *at, char *endpoint, size_t len)
{
    char name[64];

    snprintf(name, sizeof(name), "fastmq-fuzz-%ld-%u", (long)getpid(), n_names++);
    snprintf(endpoint, len, "ipc://@%s", name);
    memset(at, 0, sizeof(*at));
    at->sun_family = AF_UNIX;
    memcpy(at->sun_path + 1, name, strlen(name));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static void
await(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    require(poll(&item, 1, 20000) == 1);
}

/* Makes a socket and a descriptor that is its peer. */
static int
couple(int kind, bool connects, fmq_socket *made)
{
    struct sockaddr_un at;
    char endpoint[128];
    socklen_t len = put_name(&at, endpoint, sizeof(endpoint));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int peer = fd;

    require(fd >= 0);
    *made = make(kind);
    if (connects) {
        require(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, 8) == 0);
        require(fmq_connect(*made, endpoint) == 0);
        await(fd);
        peer = accept(fd, NULL, NULL);
        require(peer >= 0);
        close(fd);
    } else {
        require(fmq_bind(*made, endpoint) == 0);
        require(connect(fd, (struct sockaddr *)&at, len) == 0);
    }
    return peer;
}

static void
say(int fd, const uint8_t *data, size_t size, size_t step)
{
    while (size != 0) {
        size_t part = step < size ? step : size;

        if (send(fd, data, part, MSG_NOSIGNAL) != (ssize_t)part) {
            return; /* it has had enough */
        }
        data += part;
        size -= part;
    }
}

static void
hear_out(int fd)
{
    uint8_t bytes[4096];

    (void)shutdown(fd, SHUT_WR);
    do {
        await(fd);
    } while (recv(fd, bytes, sizeof(bytes), 0) > 0);
}

static void
receive_all(fmq_socket s, int kind)
{
    fmq_msg *parts;
    size_t n;
    int err;

    while ((err = fmq_recvv(s, &parts, &n, FMQ_DONTWAIT)) == 0) {
        require(n != 0);
        for (size_t i = 0; i < n; i++) {
            require((fmq_msg_more(&parts[i]) != 0) == (i + 1 < n));
        }
        if (kind == STREAM || kind == RAW_ROUTER) {
            require(n == 2 && fmq_msg_size(&parts[0]) == 5);
        }
        fmq_parts_free(parts, n);
        if (kind == REP) {
            (void)fmq_send(s, "answer", 6, FMQ_DONTWAIT);
        }
    }
    require(err != EFAULT && err != EINVAL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fmq_socket s;
    int kind;
    int fd;

    if (size < 3 || size > 8192) {
        return 0;
    }
    if (context == 0) {
        require(fmq_ctx_new(&context) == 0);
    }
    kind = (data[0] & 0x7F) % N_KINDS;
    fd = couple(kind, (data[0] & 0x80) != 0, &s);
    if (kind == REQ) {
        (void)fmq_send(s, "question", 8, FMQ_DONTWAIT);
    }
    say(fd, data + 2, size - 2, data[1] == 0 ? size : data[1]);
    hear_out(fd);
    receive_all(s, kind);
    close(fd);
    require(fmq_socket_close(s) == 0);
    return 0;
}
