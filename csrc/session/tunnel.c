/* SPDX-License-Identifier: Apache-2.0 */
#include "session/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/alloc.h"

enum { ENDPOINT_MAX = 1024 };

int
fmq__tunnel_find(const fmq__socks_opts *o, const fmq__addr *to, fmq__addr *proxy)
{
    const char *source_end = strchr(to->text, ';');
    int source_len = source_end != NULL ? (int)(source_end + 1 - to->text) : 0;
    char both[ENDPOINT_MAX];
    int n;

    if (o->proxy.len == 0 || to->transport != &fmq__transport_tcp) {
        return 0;
    }
    if (memchr(o->proxy.data, ';', o->proxy.len) != NULL) {
        source_len = 0; /* the proxy has one of its own */
    }
    if (strlen(to->host) > FMQ__SOCKS_FIELD_MAX) {
        return ENAMETOOLONG;
    }
    n = snprintf(both, sizeof(both), "%.*s%.*s", source_len, to->text,
                 (int)o->proxy.len, (const char *)o->proxy.data);
    if (n < 0 || (size_t)n >= sizeof(both)) {
        return ENAMETOOLONG;
    }
    return to->transport->parse(both, FMQ__ADDR_CONNECT, proxy);
}

int
fmq__tunnel_open(const fmq__socks_opts *o, const fmq__addr *to, fmq__socks **t)
{
    const fmq__socks_text user = {o->user.data, o->user.len};
    const fmq__socks_text password = {o->password.data, o->password.len};
    fmq__socks *made = fmq__alloc(sizeof(*made));
    int err;

    if (made == NULL) {
        return ENOMEM;
    }
    err = fmq__socks_init(made, to->host, (uint16_t)strtoul(to->port, NULL, 10), user,
                          password);
    if (err != 0) {
        fmq__tunnel_close(made);
        return err;
    }
    *t = made;
    return 0;
}

void
fmq__tunnel_close(fmq__socks *t)
{
    fmq__socks_fini(t);
    fmq__free(t);
}

static int
say(fmq__socks *t, int fd, const uint8_t *data, size_t len)
{
    const struct iovec iov = {(void *)(uintptr_t)data, len};
    size_t n;
    int err = fmq__stream_writev(fd, &iov, 1, &n);

    if (err == 0) {
        fmq__socks_wrote(t, n);
    }
    return err;
}

static int
listen_to(fmq__socks *t, int fd)
{
    uint8_t *data;
    size_t room = fmq__socks_room(t, &data);
    size_t n;
    int err = fmq__stream_read(fd, data, room, &n);

    return err != 0 ? err : fmq__socks_read(t, n);
}

int
fmq__tunnel_run(fmq__socks *t, int fd, unsigned *events)
{
    int err = 0;

    while (err == 0 && !fmq__socks_is_done(t)) {
        const uint8_t *data;
        size_t len = fmq__socks_output(t, &data);

        *events = len != 0 ? FMQ__EV_OUT : FMQ__EV_IN;
        err = len != 0 ? say(t, fd, data, len) : listen_to(t, fd);
    }
    return err;
}
