/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check.h"
#include "deny.h"
#include "gate.h"
#include "transport/resolver.h"

enum { N_LOOKUPS = 40, N_HASTY = 1000 };

/* A look-up and who waits for it. */
typedef struct waiter {
    fmq__lookup lookup;
    gate *done;
    int n_calls;
} waiter;

static fmq__stream_opts opts;

static void
on_done(fmq__lookup *l)
{
    waiter *w = (waiter *)(void *)((char *)l - offsetof(waiter, lookup));

    w->n_calls++;
    gate_pass(w->done);
}

static void
waiter_init(waiter *w, const fmq__addr *addr, gate *done)
{
    memset(w, 0, sizeof(*w));
    w->lookup.addr = addr;
    w->lookup.opts = &opts;
    w->lookup.on_done = on_done;
    w->lookup.result = -1;
    w->done = done;
}

TEST(never_used)
{
    fmq__resolver *r;

    REQUIRE(fmq__resolver_new(&r, NULL) == 0);
    fmq__resolver_close(r);
}

TEST(finds_names_and_says_which_are_none)
{
    static const struct {
        const char *text;
        bool is_found;
    } rows[] = {{"localhost:5", true}, {"fastmq.invalid:5", false}};
    fmq__resolver *r;
    gate done;

    gate_init(&done);
    REQUIRE(fmq__resolver_new(&r, NULL) == 0);
    for (uint32_t i = 0; i < 2; i++) {
        fmq__addr addr;
        waiter w;

        REQUIRE(fmq__transport_tcp.parse(rows[i].text, FMQ__ADDR_CONNECT, &addr) == 0);
        CHECK(addr.needs_resolver);
        waiter_init(&w, &addr, &done);
        REQUIRE(fmq__resolver_post(r, &w.lookup) == 0);
        gate_wait(&done, i + 1);
        CHECK_EQ(w.n_calls, 1);
        if (rows[i].is_found) {
            CHECK_EQ(w.lookup.result, 0);
            CHECK(w.lookup.n >= 1 && w.lookup.n <= FMQ__RESOLVE_MAX);
        } else {
            CHECK(w.lookup.result == EADDRNOTAVAIL || w.lookup.result == EHOSTUNREACH);
            CHECK_EQ(w.lookup.n, 0);
        }
        fmq__addr_fini(&addr);
    }
    fmq__resolver_close(r);
}

/* A transport whose look-ups do what the test wants. */

static fmq__resolver *fake_resolver;
static gate fake_entered;
static gate fake_may_go;
static gate extras_done;

static int
resolve_by_number(const fmq__addr *addr, int purpose, const fmq__stream_opts *o,
                  fmq__sockaddr *out, int max, int *n)
{
    CHECK_EQ(purpose, FMQ__ADDR_CONNECT);
    CHECK(o == &opts);
    CHECK_EQ(max, FMQ__RESOLVE_MAX);
    out[0].len = (socklen_t)strlen(addr->text);
    *n = 1;
    return 0;
}

TEST(answers_all_in_order)
{
    static const fmq__transport fake = {.resolve = resolve_by_number};
    static waiter w[N_LOOKUPS];
    fmq__addr addr = {.transport = &fake, .text = "12345"};
    fmq__resolver *r;
    gate done;

    gate_init(&done);
    REQUIRE(fmq__resolver_new(&r, NULL) == 0);
    for (int i = 0; i < N_LOOKUPS; i++) {
        waiter_init(&w[i], &addr, &done);
        REQUIRE(fmq__resolver_post(r, &w[i].lookup) == 0);
    }
    gate_wait(&done, N_LOOKUPS);
    for (int i = 0; i < N_LOOKUPS; i++) {
        CHECK_EQ(w[i].n_calls, 1);
        CHECK_EQ(w[i].lookup.result, 0);
        CHECK_EQ(w[i].lookup.n, 1);
        CHECK_EQ(w[i].lookup.found[0].len, 5);
    }
    fmq__resolver_close(r);
}

static void
on_extra_done(fmq__lookup *l)
{
    CHECK_EQ(l->result, ECANCELED);
    CHECK_EQ(l->n, 0);
    fmq__free(l);
    gate_pass(&extras_done);
}

/* Comes back once the resolver is being closed, which shows in its taking no more
 * requests; those it took until then must be cancelled. */
static int
resolve_during_close(const fmq__addr *addr, int purpose, const fmq__stream_opts *o,
                     fmq__sockaddr *out, int max, int *n)
{
    int err = 0;

    (void)purpose;
    (void)out;
    (void)max;
    gate_pass(&fake_entered);
    gate_wait(&fake_may_go, 1);
    for (int i = 0; err == 0; i++) {
        fmq__lookup *extra = fmq__calloc(1, sizeof(*extra));

        REQUIRE(extra != NULL);
        extra->addr = addr;
        extra->opts = o;
        extra->on_done = on_extra_done;
        err = fmq__resolver_post(fake_resolver, extra);
        if (err != 0) {
            fmq__free(extra);
        }
        (void)poll(NULL, 0, i < N_HASTY ? 0 : 1); /* who closes may be long in coming */
    }
    CHECK_EQ(err, ECANCELED);
    CHECK_EQ(gate_count(&extras_done), 0);
    *n = 1;
    return 0;
}

TEST(close_waits_for_one_and_cancels_the_rest)
{
    static const fmq__transport fake = {.resolve = resolve_during_close};
    static waiter w[N_LOOKUPS];
    fmq__addr addr = {.transport = &fake};
    gate done;

    gate_init(&done);
    gate_init(&fake_entered);
    gate_init(&fake_may_go);
    gate_init(&extras_done);
    REQUIRE(fmq__resolver_new(&fake_resolver, NULL) == 0);
    for (int i = 0; i < N_LOOKUPS; i++) {
        waiter_init(&w[i], &addr, &done);
        REQUIRE(fmq__resolver_post(fake_resolver, &w[i].lookup) == 0);
    }
    gate_wait(&fake_entered, 1);
    gate_pass(&fake_may_go);
    fmq__resolver_close(fake_resolver);
    CHECK_EQ(gate_count(&done), N_LOOKUPS);
    CHECK_EQ(gate_count(&fake_entered), 1);
    CHECK_EQ(w[0].lookup.result, 0);
    CHECK_EQ(w[0].lookup.n, 1);
    for (int i = 1; i < N_LOOKUPS; i++) {
        CHECK_EQ(w[i].n_calls, 1);
        CHECK_EQ(w[i].lookup.result, ECANCELED);
        CHECK_EQ(w[i].lookup.n, 0);
    }
}

typedef struct poster {
    fmq__resolver *r;
    waiter w[N_LOOKUPS];
} poster;

static void
post_all(void *arg)
{
    poster *p = arg;

    for (int i = 0; i < N_LOOKUPS; i++) {
        CHECK_EQ(fmq__resolver_post(p->r, &p->w[i].lookup), 0);
    }
}

TEST(several_threads_may_post)
{
    enum { N_POSTERS = 3 };
    static const fmq__transport fake = {.resolve = resolve_by_number};
    static poster p[N_POSTERS];
    fmq__addr addr = {.transport = &fake, .text = "1"};
    fmq__thread thread[N_POSTERS];
    fmq__resolver *r;
    gate done;

    gate_init(&done);
    REQUIRE(fmq__resolver_new(&r, NULL) == 0);
    for (int k = 0; k < N_POSTERS; k++) {
        p[k].r = r;
        for (int i = 0; i < N_LOOKUPS; i++) {
            waiter_init(&p[k].w[i], &addr, &done);
        }
        REQUIRE(fmq__thread_open(&thread[k], post_all, &p[k], "poster") == 0);
    }
    gate_wait(&done, N_POSTERS * N_LOOKUPS);
    for (int k = 0; k < N_POSTERS; k++) {
        fmq__thread_join(thread[k]);
        for (int i = 0; i < N_LOOKUPS; i++) {
            CHECK_EQ(p[k].w[i].n_calls, 1);
            CHECK_EQ(p[k].w[i].lookup.result, 0);
        }
    }
    fmq__resolver_close(r);
}

TEST(lack_of_memory)
{
    fmq__resolver *r = NULL;

    (void)fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__resolver_new(&r, NULL), ENOMEM);
    (void)fmq__alloc_fail_at(0, 0);
    CHECK(r == NULL);
}

static void
post_threadless(void)
{
    static const fmq__transport fake = {.resolve = resolve_by_number};
    fmq__addr addr = {.transport = &fake, .text = "1"};
    fmq__resolver *r;
    gate done;
    waiter w;

    gate_init(&done);
    waiter_init(&w, &addr, &done);
    REQUIRE(fmq__resolver_new(&r, NULL) == 0);
    if (deny_syscall(SYS_clone3, ENOSYS) && deny_syscall(SYS_clone, EAGAIN)) {
        CHECK_EQ(fmq__resolver_post(r, &w.lookup), EAGAIN);
    }
    fmq__resolver_close(r);
    CHECK_EQ(w.n_calls, 0);
}

/* In a process of its own: a leak checker needs threads at the end of this one. */
TEST(without_a_thread_nothing_is_taken)
{
    int status = -1;
    pid_t child = fork();

    REQUIRE(child != -1);
    if (child == 0) {
        post_threadless();
        _exit(check_result());
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static const check_case cases[] = {
    CASE(never_used),
    CASE(finds_names_and_says_which_are_none),
    CASE(answers_all_in_order),
    CASE(close_waits_for_one_and_cancels_the_rest),
    CASE(several_threads_may_post),
    CASE(lack_of_memory),
    CASE(without_a_thread_nothing_is_taken),
};

int
main(void)
{
    fmq__stream_opts_init(&opts);
    return CHECK_MAIN(cases);
}
