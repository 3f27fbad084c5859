/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/transport.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

static const fmq__transport *const transports[] = {
    &fmq__transport_tcp,
    &fmq__transport_ipc,
};

static bool
is_named(const char *scheme, const char *text, size_t len)
{
    return strlen(scheme) == len && memcmp(scheme, text, len) == 0;
}

int
fmq__transport_find(const char *endpoint, const fmq__transport **transport,
                    const char **rest)
{
    const char *colon = strstr(endpoint, "://");
    size_t len;

    if (colon == NULL || colon == endpoint || colon[3] == '\0') {
        return EINVAL;
    }
    len = (size_t)(colon - endpoint);
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
        if (is_named(transports[i]->scheme, endpoint, len)) {
            *transport = transports[i];
            *rest = colon + 3;
            return 0;
        }
    }
    if (is_named("inproc", endpoint, len)) {
        *transport = NULL;
        *rest = colon + 3;
        return 0;
    }
    return EPROTONOSUPPORT;
}

void
fmq__addr_fini(fmq__addr *addr)
{
    fmq__free(addr->text);
    fmq__free(addr->host);
    fmq__free(addr->port);
    fmq__free(addr->source_host);
    fmq__free(addr->source_port);
    fmq__free(addr->trace);
    *addr = (fmq__addr){0};
}

void
fmq__stream_opts_init(fmq__stream_opts *o)
{
    *o = (fmq__stream_opts){
        .sndbuf = -1,
        .rcvbuf = -1,
        .backlog = 100,
        .keepalive = -1,
        .keepalive_cnt = -1,
        .keepalive_idle_s = -1,
        .keepalive_intvl_s = -1,
        .is_loopback_fast = true,
    };
}
