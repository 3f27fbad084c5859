/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/ctx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

/* Contexts by handle: an index and a generation, as for sockets. Contexts are few and
 * their calls rare: a table under a mutex will do. */
enum { INDEX_BITS = 12, N_CONTEXTS = 1 << INDEX_BITS };

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    fmq__ctx *ctx;
    uint32_t generation;
    uint32_t n_held;
} table[N_CONTEXTS];

static pthread_once_t once = PTHREAD_ONCE_INIT;

void
fmq__ctx_before_fork(void)
{
    fmq__mutex_lock(&table_mutex);
}

void
fmq__ctx_after_fork(void)
{
    fmq__mutex_unlock(&table_mutex);
}

/* From here on it can be found, and freed, by anybody. */
static int
enter_table(fmq__ctx *c, fmq_ctx *handle)
{
    int err = EMFILE;

    fmq__mutex_lock(&table_mutex);
    for (uint32_t i = 0; i < N_CONTEXTS; i++) {
        if (table[i].ctx == NULL) {
            table[i].ctx = c;
            table[i].generation++;
            table[i].n_held = 0;
            c->handle =
                (fmq_ctx)table[i].generation << (INDEX_BITS + 2) | (fmq_ctx)i << 2 | 3;
            *handle = c->handle;
            err = 0;
            break;
        }
    }
    fmq__mutex_unlock(&table_mutex);
    return err;
}

static uint32_t
index_of(fmq_ctx handle)
{
    return (uint32_t)(handle >> 2) & (N_CONTEXTS - 1);
}

fmq__ctx *
fmq__ctx_hold(fmq_ctx handle, bool may_be_foreign)
{
    uint32_t i = index_of(handle);
    fmq__ctx *c;

    fmq__mutex_lock(&table_mutex);
    c = table[i].ctx;
    if (c != NULL && c->handle == handle &&
        (may_be_foreign || c->fork_generation == fmq__fork_generation())) {
        table[i].n_held++;
    } else {
        c = NULL;
    }
    fmq__mutex_unlock(&table_mutex);
    return c;
}

static void
free_ctx(fmq__ctx *c)
{
    fmq__node *n;

    while ((n = fmq__list_pop_front(&c->pending)) != NULL) {
        fmq__pending *p = FMQ__ITEM(n, fmq__pending, node);

        p->free(p);
    }
    fmq__hash_fini(&c->names);
    fmq__mutex_fini(&c->mutex);
    fmq__free(c);
}

void
fmq__ctx_drop(fmq__ctx *c)
{
    uint32_t i = index_of(c->handle);
    bool is_last;

    fmq__mutex_lock(&table_mutex);
    is_last = --table[i].n_held == 0 && c->is_dead;
    if (is_last) {
        table[i].ctx = NULL;
    }
    fmq__mutex_unlock(&table_mutex);
    if (is_last) {
        free_ctx(c);
    }
}

int
fmq__ctx_new(fmq_ctx *ctx)
{
    fmq__ctx *c = fmq__calloc(1, sizeof(*c));
    int err;

    if (c == NULL) {
        return ENOMEM;
    }
    (void)pthread_once(&once, fmq__process_prepare);
    err = fmq__mutex_init(&c->mutex);
    if (err != 0) {
        fmq__free(c);
        return err;
    }
    c->fork_generation = fmq__fork_generation();
    atomic_init(&c->n_sockets, 0);
    fmq__list_init(&c->sockets);
    fmq__hash_init(&c->names);
    fmq__list_init(&c->pending);
    c->io_threads = 1;
    c->max_sockets = 1023;
    c->max_msgsz = INT_MAX;
    c->blocky = 1;
    c->zero_copy_recv = 1;
    fmq__sched_init(&c->sched);
    err = enter_table(c, ctx);
    if (err != 0) {
        free_ctx(c);
    }
    return err;
}

/* --- options --- */

/* Where a plain one is kept; NULL: it is none. */
static int *
plain_option(fmq__ctx *c, int option)
{
    switch (option) {
    case FMQ__CTX_IO_THREADS:
        return &c->io_threads;
    case FMQ__CTX_MAX_SOCKETS:
        return &c->max_sockets;
    case FMQ__CTX_MAX_MSGSZ:
        return &c->max_msgsz;
    case FMQ__CTX_THREAD_SCHED_POLICY:
        return &c->sched.policy;
    case FMQ__CTX_ZERO_COPY_RECV:
        return &c->zero_copy_recv;
    case FMQ__CTX_IPV6:
        return &c->ipv6;
    case FMQ__CTX_BLOCKY:
        return &c->blocky;
    default:
        return NULL;
    }
}

static bool
is_yes_or_no(int option)
{
    return option == FMQ__CTX_IPV6 || option == FMQ__CTX_BLOCKY ||
           option == FMQ__CTX_ZERO_COPY_RECV;
}

/* A number for a prefix is its digits; 0 is none. */
static void
set_numeric_prefix(fmq__ctx *c, int value)
{
    c->sched.prefix[0] = '\0';
    if (value != 0) {
        (void)snprintf(c->sched.prefix, sizeof(c->sched.prefix), "%d", value);
    }
}

static int
set_option(fmq__ctx *c, int option, int value)
{
    int *plain = plain_option(c, option);

    if (value < 0 || (option == FMQ__CTX_MAX_SOCKETS && value == 0)) {
        return EINVAL;
    }
    if (plain != NULL) {
        *plain = is_yes_or_no(option) ? value != 0 : value;
        return 0;
    }
    switch (option) {
    case FMQ__CTX_THREAD_PRIORITY:
        c->sched.priority = value;
        return 0;
    case FMQ__CTX_THREAD_AFFINITY_CPU_ADD:
        return fmq__sched_add_cpu(&c->sched, value);
    case FMQ__CTX_THREAD_AFFINITY_CPU_REMOVE:
        return fmq__sched_remove_cpu(&c->sched, value);
    case FMQ__CTX_THREAD_NAME_PREFIX:
        set_numeric_prefix(c, value);
        return 0;
    default:
        return EINVAL;
    }
}

int
fmq__ctx_set(fmq__ctx *c, int option, int value)
{
    int err;

    fmq__mutex_lock(&c->mutex);
    err = set_option(c, option, value);
    fmq__mutex_unlock(&c->mutex);
    return err;
}

static int
get_option(fmq__ctx *c, int option, int *value)
{
    const int *plain = plain_option(c, option);

    if (plain != NULL) {
        *value = *plain;
        return 0;
    }
    switch (option) {
    case FMQ__CTX_SOCKET_LIMIT:
        *value = 65535;
        return 0;
    case FMQ__CTX_MSG_T_SIZE:
        *value = (int)sizeof(fmq_msg);
        return 0;
    case FMQ__CTX_THREAD_NAME_PREFIX:
        *value = (int)strtol(c->sched.prefix, NULL, 10);
        return 0;
    default:
        return EINVAL;
    }
}

int
fmq__ctx_get(fmq__ctx *c, int option, int *value)
{
    int err;

    fmq__mutex_lock(&c->mutex);
    err = get_option(c, option, value);
    fmq__mutex_unlock(&c->mutex);
    return err;
}

int
fmq__ctx_set_text(fmq__ctx *c, int option, const char *text, size_t len)
{
    if (option != FMQ__CTX_THREAD_NAME_PREFIX || len < 1 ||
        len > FMQ__SCHED_PREFIX_MAX) {
        return EINVAL;
    }
    len -= text[len - 1] == '\0' ? 1 : 0;
    if (len == 0 || memchr(text, '\0', len) != NULL) {
        return EINVAL;
    }
    fmq__mutex_lock(&c->mutex);
    memcpy(c->sched.prefix, text, len);
    c->sched.prefix[len] = '\0';
    fmq__mutex_unlock(&c->mutex);
    return 0;
}

int
fmq__ctx_get_text(fmq__ctx *c, int option, char *text, size_t *len)
{
    size_t n;
    int err = 0;

    if (option != FMQ__CTX_THREAD_NAME_PREFIX) {
        return EINVAL;
    }
    fmq__mutex_lock(&c->mutex);
    n = strlen(c->sched.prefix);
    if (n > *len) {
        err = EINVAL;
    } else {
        memcpy(text, c->sched.prefix, n);
        *len = n;
    }
    fmq__mutex_unlock(&c->mutex);
    return err;
}

/* --- threads --- */

static void
close_threads(fmq__ctx *c)
{
    if (c->resolver != NULL) {
        fmq__resolver_close(c->resolver);
        c->resolver = NULL;
    }
    if (c->errands != NULL) {
        fmq__errands_close(c->errands);
        c->errands = NULL;
    }
    while (c->n_io > 0) {
        fmq__io_close(c->io[--c->n_io]);
    }
}

int
fmq__ctx_start(fmq__ctx *c)
{
    /* One thread at least: it ends closed sockets, with IO_THREADS 0 as well. */
    int n = c->io_threads < 1 ? 1 : c->io_threads;
    int err;

    if (c->is_started) {
        return 0;
    }
    n = n < FMQ__CTX_IO_THREADS_MAX ? n : FMQ__CTX_IO_THREADS_MAX;
    err = fmq__resolver_new(&c->resolver, &c->sched);
    if (err != 0) {
        c->resolver = NULL;
    }
    if (err == 0) {
        err = fmq__errands_new(&c->errands, FMQ__CTX_ERRANDS, "errand", &c->sched);
    }
    while (err == 0 && c->n_io < n) {
        char role[16];

        (void)snprintf(role, sizeof(role), "io/%d", c->n_io);
        err = fmq__io_open(&c->io[c->n_io], role, &c->sched);
        if (err == 0) {
            c->n_io++;
        }
    }
    if (err != 0) {
        close_threads(c);
        return err;
    }
    c->has_io = c->io_threads > 0;
    c->is_started = true;
    return 0;
}

int
fmq__ctx_pick_io(const fmq__ctx *c, uint64_t affinity)
{
    uint32_t least = UINT32_MAX;
    int best = -1;

    for (int i = 0; i < c->n_io; i++) {
        uint32_t load = atomic_load_explicit(&c->io_load[i], memory_order_relaxed);

        if ((affinity == 0 || (affinity >> i & 1) != 0) && load < least) {
            least = load;
            best = i;
        }
    }
    return best;
}

void
fmq__ctx_load_io(fmq__ctx *c, int io, int n_sockets)
{
    atomic_fetch_add_explicit(&c->io_load[io], (uint32_t)n_sockets,
                              memory_order_relaxed);
}

void
fmq__ctx_shutdown(fmq__ctx *c)
{
    fmq__mutex_lock(&c->mutex);
    if (!c->is_terminating) {
        c->is_terminating = true;
        for (fmq__node *n = c->sockets.next; n != &c->sockets; n = n->next) {
            fmq__member *m = FMQ__ITEM(n, fmq__member, node);

            m->stop(m);
        }
    }
    fmq__mutex_unlock(&c->mutex);
}

int
fmq__ctx_report(fmq__ctx *c, fmq__unsent_list *list)
{
    int err = 0;

    fmq__mutex_lock(&c->mutex);
    for (fmq__node *n = c->sockets.next; err == 0 && n != &c->sockets; n = n->next) {
        fmq__member *m = FMQ__ITEM(n, fmq__member, node);

        err = m->report(m, list);
    }
    fmq__mutex_unlock(&c->mutex);
    return err;
}

int
fmq__ctx_term(fmq__ctx *c, uint64_t deadline_ns)
{
    uint32_t left;

    fmq__ctx_shutdown(c);
    /* F1 -> F2 in socket.c: who sees the last socket gone sees what it did before. */
    while ((left = atomic_load_explicit(&c->n_sockets, memory_order_acquire)) != 0) {
        int err = fmq__futex_wait(&c->n_sockets, left, deadline_ns);

        if (err != 0) {
            return err;
        }
    }
    fmq__mutex_lock(&c->mutex);
    close_threads(c);
    fmq__mutex_unlock(&c->mutex);
    fmq__mutex_lock(&table_mutex);
    c->is_dead = true; /* the last drop frees it */
    fmq__mutex_unlock(&table_mutex);
    return 0;
}
