/* SPDX-License-Identifier: Apache-2.0 */
/* What a dialer makes of a host's name: each of its addresses is tried, and before it
 * dials again it asks anew. The names are this file's: it stands before the system's.
 */
#include <dlfcn.h>
#include <netdb.h>

#include "raw_peer.h"

enum { RECONNECT_IVL = 18, N_MAX = 3 };

/* Loopback addresses by their last byte. */
typedef struct answer {
    size_t n;
    uint8_t last[N_MAX];
} answer;

static answer answers[2]; /* to the first question, and to those after it */
static _Atomic int n_asked;
static struct sockaddr_in addresses[N_MAX];
static struct addrinfo entries[N_MAX];

typedef int asks(const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **list);

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
            struct addrinfo **list)
{
    const answer *a;
    asks *real;

    if (host == NULL || strcmp(host, "many.test") != 0) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(host, service, hints, list);
    }
    if (hints->ai_flags & AI_NUMERICHOST) {
        return EAI_NONAME;
    }
    /* Relaxed: one thread asks, and the other only counts. */
    a = &answers[atomic_fetch_add_explicit(&n_asked, 1, memory_order_relaxed) > 0];
    for (size_t i = 0; i < a->n; i++) {
        addresses[i].sin_family = AF_INET;
        addresses[i].sin_addr.s_addr = htonl(0x7f000000U + a->last[i]);
        entries[i] = (struct addrinfo){
            .ai_family = AF_INET,
            .ai_socktype = SOCK_STREAM,
            .ai_addr = (struct sockaddr *)(void *)&addresses[i],
            .ai_addrlen = sizeof(addresses[i]),
            .ai_next = i + 1 < a->n ? &entries[i + 1] : NULL,
        };
    }
    *list = entries;
    return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
    void (*real)(struct addrinfo *);

    if (list != entries) {
        *(void **)&real = dlsym(RTLD_NEXT, "freeaddrinfo");
        real(list);
    }
}

/* Connects to the name, at the port of a listener on 127.0.0.1, which has to be found.
 */
static void
find_it(answer first, answer later)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PUSH);
    char endpoint[TEXT_ROOM];
    char name[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    int fd;

    answers[0] = first;
    answers[1] = later;
    atomic_store_explicit(&n_asked, 0, memory_order_relaxed);
    (void)snprintf(name, sizeof(name), "tcp://many.test%s", strrchr(endpoint, ':'));
    set_int(s, RECONNECT_IVL, 1);
    REQUIRE(fmq_connect(s, name) == 0);
    CHECK_EQ(send_text(s, "found", 0), 0);
    fd = raw_accept(listen_fd);
    raw_greet(fd, "PULL");
    raw_expect_text(fd, 0, "found");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

TEST(each_address_is_tried)
{
    find_it((answer){3, {2, 3, 1}}, (answer){0});
    CHECK_EQ(atomic_load_explicit(&n_asked, memory_order_relaxed), 1);
}

TEST(who_dials_again_asks_again)
{
    find_it((answer){2, {2, 3}}, (answer){1, {1}});
    CHECK_EQ(atomic_load_explicit(&n_asked, memory_order_relaxed), 2);
}

int
main(void)
{
    RUN(each_address_is_tried);
    RUN(who_dials_again_asks_again);
    return CHECK_RESULT();
}
