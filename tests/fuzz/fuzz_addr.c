/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint text: the first byte says whether to bind or to connect, the rest is the
 * endpoint up to a zero byte. Whatever parse accepts must keep its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "transport/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_port(const char *text)
{
    size_t len = strlen(text);

    return len >= 1 && len <= 5 && strspn(text, "0123456789") == len &&
           (len == 1 || text[0] != '0') && atoi(text) <= 65535;
}

static void
check_tcp(const fmq__addr *addr, int purpose)
{
    bool is_connect = purpose == FMQ__ADDR_CONNECT;

    require(is_port(addr->port));
    require(!is_connect || strcmp(addr->port, "0") != 0);
    require(strpbrk(addr->host, "[];") == NULL);
    require((addr->source_host == NULL) == (addr->source_port == NULL));
    if (addr->source_host != NULL) {
        require(is_connect && addr->source_host[0] != '\0');
        require(is_port(addr->source_port));
    }
    require(addr->trace == NULL);
}

static void
check_ipc(const fmq__addr *addr, const char *text)
{
    fmq__stream_opts opts;
    fmq__sockaddr sa;
    int n = 0;

    require(strcmp(addr->host, text) == 0);
    require(addr->port == NULL && addr->source_host == NULL && !addr->needs_resolver);
    fmq__stream_opts_init(&opts);
    require(addr->transport->resolve(addr, FMQ__ADDR_CONNECT, &opts, &sa, 1, &n) == 0);
    require(n == 1 && sa.len > sizeof(sa_family_t) &&
            sa.len <= sizeof(struct sockaddr_un));
}

static void
check(const char *endpoint, int purpose)
{
    const fmq__transport *transport;
    const char *rest;
    fmq__addr addr;

    if (fmq__transport_find(endpoint, &transport, &rest) != 0 || transport == NULL) {
        return;
    }
    require(rest > endpoint && rest[0] != '\0');
    if (transport->parse(rest, purpose, &addr) != 0) {
        return;
    }
    require(addr.transport == transport);
    require(strcmp(addr.text, rest) == 0);
    require(addr.host[0] != '\0');
    if (transport == &fmq__transport_tcp) {
        check_tcp(&addr, purpose);
    } else {
        check_ipc(&addr, rest);
    }
    fmq__addr_fini(&addr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *endpoint;

    if (len == 0) {
        return 0;
    }
    endpoint = fmq__alloc(len);
    require(endpoint != NULL);
    memcpy(endpoint, data + 1, len - 1);
    endpoint[len - 1] = '\0';
    check(endpoint, data[0] & 1 ? FMQ__ADDR_CONNECT : FMQ__ADDR_BIND);
    fmq__free(endpoint);
    return 0;
}
