/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: options, limits, what their sockets inherit, and what happens without
 * memory, descriptors or threads. Their end is in test_term.c. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "deny.h"
#include "sockets.h"

enum {
    IO_THREADS = 1,
    MAX_SOCKETS = 2,
    SOCKET_LIMIT = 3,
    THREAD_PRIORITY = 3,
    THREAD_SCHED_POLICY = 4,
    MAX_MSGSZ = 5,
    MSG_T_SIZE = 6,
    CPU_ADD = 7,
    CPU_REMOVE = 8,
    NAME_PREFIX = 9,
    ZERO_COPY_RECV = 10,
    CTX_IPV6 = 42,
    BLOCKY = 70
};

static int
ctx_int(fmq_ctx ctx, int option)
{
    int value = -12345;

    CHECK_EQ(fmq_ctx_get(ctx, option, &value), 0);
    return value;
}

TEST(options)
{
    static const struct {
        int option, preset, min, can_set;
    } cases[] = {
        {IO_THREADS, 1, 0, 1},      {MAX_SOCKETS, 1023, 1, 1},
        {MAX_MSGSZ, INT_MAX, 0, 1}, {MSG_T_SIZE, 64, 0, 0},
        {CTX_IPV6, 0, 0, 1},        {BLOCKY, 1, 0, 1},
        {ZERO_COPY_RECV, 1, 0, 1},  {THREAD_SCHED_POLICY, -1, 0, 1},
        {NAME_PREFIX, 0, 0, 1},
    };
    fmq_ctx ctx = new_ctx();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int option = cases[i].option;

        CHECK_EQ(ctx_int(ctx, option), cases[i].preset);
        CHECK_EQ(fmq_ctx_set(ctx, option, cases[i].min - 1), EINVAL);
        CHECK_EQ(fmq_ctx_set(ctx, option, INT_MIN), EINVAL);
        CHECK_EQ(ctx_int(ctx, option), cases[i].preset);
        CHECK_EQ(fmq_ctx_set(ctx, option, cases[i].min), cases[i].can_set ? 0 : EINVAL);
        CHECK_EQ(ctx_int(ctx, option),
                 cases[i].can_set ? cases[i].min : cases[i].preset);
        CHECK_EQ(fmq_ctx_set(ctx, option, INT_MAX), cases[i].can_set ? 0 : EINVAL);
    }
    end_ctx(ctx);
}

TEST(options_that_are_not_there)
{
    static const int unknown[] = {-1, 0, 11, 41, 43, 71, INT_MAX, INT_MIN};
    fmq_ctx ctx = new_ctx();

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        int value = 7;

        CHECK_EQ(fmq_ctx_get(ctx, unknown[i], &value), EINVAL);
        CHECK_EQ(value, 7);
        CHECK_EQ(fmq_ctx_set(ctx, unknown[i], 1), EINVAL);
    }
    end_ctx(ctx);
}

TEST(options_of_threads)
{
    fmq_ctx ctx = new_ctx();
    char text[16];
    size_t len = sizeof(text);
    int value;

    CHECK_EQ(ctx_int(ctx, SOCKET_LIMIT), 65535);
    CHECK_EQ(fmq_ctx_set(ctx, THREAD_PRIORITY, -1), EINVAL);
    CHECK_EQ(fmq_ctx_set(ctx, THREAD_PRIORITY, 0), 0);
    CHECK_EQ(ctx_int(ctx, SOCKET_LIMIT), 65535); /* one number, two options */
#if defined(__linux__)
    CHECK_EQ(fmq_ctx_set(ctx, CPU_ADD, 0), 0);
    CHECK_EQ(fmq_ctx_set(ctx, CPU_REMOVE, 1), EINVAL);
    CHECK_EQ(fmq_ctx_set(ctx, CPU_REMOVE, 0), 0);
    CHECK_EQ(fmq_ctx_set(ctx, CPU_REMOVE, 0), EINVAL);
#endif
    CHECK_EQ(fmq_ctx_set(ctx, CPU_ADD, -1), EINVAL);
    CHECK_EQ(fmq_ctx_get(ctx, CPU_ADD, &value), EINVAL);
    CHECK_EQ(fmq_ctx_set_text(ctx, NAME_PREFIX, "", 0), EINVAL);
    CHECK_EQ(fmq_ctx_set_text(ctx, NAME_PREFIX, "a\0b", 3), EINVAL);
    CHECK_EQ(fmq_ctx_set_text(ctx, NAME_PREFIX, "", 1), EINVAL);
    CHECK_EQ(fmq_ctx_set_text(ctx, NAME_PREFIX, "seventeen letters", 17), EINVAL);
    CHECK_EQ(fmq_ctx_set_text(ctx, IO_THREADS, "2", 1), EINVAL);
    CHECK_EQ(fmq_ctx_get_text(ctx, NAME_PREFIX, text, &len), 0);
    CHECK_EQ(len, 0);
    len = sizeof(text);
    CHECK_EQ(fmq_ctx_set_text(ctx, NAME_PREFIX, "sixteen lettersX", 16), 0);
    CHECK_EQ(fmq_ctx_get_text(ctx, NAME_PREFIX, text, &len), 0);
    CHECK_EQ(len, 16);
    CHECK(memcmp(text, "sixteen lettersX", 16) == 0);
    len = 15;
    CHECK_EQ(fmq_ctx_get_text(ctx, NAME_PREFIX, text, &len), EINVAL);
    CHECK_EQ(fmq_ctx_get_text(ctx, IO_THREADS, text, &len), EINVAL);
    CHECK_EQ(ctx_int(ctx, NAME_PREFIX), 0);
    CHECK_EQ(fmq_ctx_set(ctx, NAME_PREFIX, 42), 0);
    CHECK_EQ(ctx_int(ctx, NAME_PREFIX), 42);
    end_ctx(ctx);
}

/* The threads start with the first socket, and it has the errors. */
TEST(threads_that_cannot_run_so)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s;

    CHECK_EQ(fmq_ctx_set(ctx, THREAD_SCHED_POLICY, 9999), 0);
    CHECK_EQ(fmq_socket_new(ctx, 7, &s), EINVAL);
    CHECK_EQ(fmq_ctx_set(ctx, THREAD_SCHED_POLICY, SCHED_OTHER), 0);
    CHECK_EQ(fmq_socket_new(ctx, 7, &s), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

static void
refuse_ctx(fmq_ctx ctx)
{
    fmq_socket s = 0;
    int value = 0;

    CHECK_EQ(fmq_ctx_get(ctx, IO_THREADS, &value), EFAULT);
    CHECK_EQ(fmq_ctx_set(ctx, IO_THREADS, 1), EFAULT);
    CHECK_EQ(fmq_socket_new(ctx, PULL, &s), EFAULT);
    CHECK_EQ(fmq_ctx_shutdown(ctx), EFAULT);
    CHECK_EQ(fmq_ctx_term(ctx, 0), EFAULT);
    CHECK_EQ(fmq_ctx_is_foreign(ctx), 0);
    CHECK_EQ(s, 0);
}

TEST(handles)
{
    fmq_ctx ctx = new_ctx();
    fmq_ctx next;

    for (int bit = 0; bit < 64; bit++) {
        refuse_ctx(ctx ^ (fmq_ctx)1 << bit);
    }
    refuse_ctx(0);
    refuse_ctx(UINTPTR_MAX);
    refuse_ctx((fmq_ctx)&ctx);
    CHECK_EQ(fmq_ctx_is_foreign(ctx), 0);
    end_ctx(ctx);
    refuse_ctx(ctx);
    next = new_ctx(); /* in the same place */
    CHECK(next != ctx);
    refuse_ctx(ctx);
    end_ctx(next);
}

TEST(sockets_inherit)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s[2];

    s[0] = new_socket(ctx, PULL);
    CHECK_EQ(fmq_ctx_set(ctx, CTX_IPV6, 3), 0);
    CHECK_EQ(ctx_int(ctx, CTX_IPV6), 1);
    CHECK_EQ(fmq_ctx_set(ctx, BLOCKY, 0), 0);
    s[1] = new_socket(ctx, PULL);
    CHECK_EQ(get_int(s[0], 42), 0);
    CHECK_EQ(get_int(s[1], 42), 1);
    CHECK_EQ(get_int(s[0], LINGER), -1);
    CHECK_EQ(get_int(s[1], LINGER), 0);
    close_all(s, 2);
    end_ctx(ctx);
}

TEST(types)
{
    fmq_ctx ctx = new_ctx();
    static const int there[] = {PAIR, REQ, REP, PULL, PUSH};
    static const int not_there[] = {-1, 21, 22, 1000, INT_MAX, INT_MIN};

    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        fmq_socket s = new_brisk(ctx, there[i]);

        CHECK_EQ(get_int(s, 16), there[i]);
        CHECK_EQ(fmq_socket_close(s), 0);
    }
    for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++) {
        fmq_socket s = 99;

        CHECK_EQ(fmq_socket_new(ctx, not_there[i], &s), EINVAL);
        CHECK_EQ(s, 99);
    }
    end_ctx(ctx);
}

TEST(max_sockets)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s[3];
    fmq_socket more = 0;
    int err;

    CHECK_EQ(fmq_ctx_set(ctx, MAX_SOCKETS, 3), 0);
    for (size_t i = 0; i < 3; i++) {
        s[i] = new_brisk(ctx, PULL);
    }
    CHECK_EQ(fmq_socket_new(ctx, PULL, &more), EMFILE);
    CHECK_EQ(fmq_socket_close(s[0]), 0);
    while ((err = fmq_socket_new(ctx, PULL, &s[0])) == EMFILE) {
        sched_yield(); /* until the closed one has ended */
    }
    CHECK_EQ(err, 0);
    close_all(s, 3);
    end_ctx(ctx);
}

TEST(many_io_threads)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s[12];

    CHECK_EQ(fmq_ctx_set(ctx, IO_THREADS, INT_MAX), 0); /* as many as there can be */
    for (size_t i = 0; i < 12; i += 2) {
        s[i] = new_brisk(ctx, PULL);
        s[i + 1] = new_brisk(ctx, PUSH);
        join(s[i], s[i + 1], "tcp://127.0.0.1:*");
        CHECK_EQ(send_text(s[i + 1], "x", 0), 0);
    }
    for (size_t i = 0; i < 12; i += 2) {
        expect_text(s[i], "x");
    }
    close_all(s, 12);
    end_ctx(ctx);
}

/* --- failing half-way --- */

TEST(no_memory)
{
    int before = next_descriptor();

    for (uint64_t k = 1, n_failed = 1; n_failed != 0; k++) {
        fmq_ctx ctx = 0;
        fmq_socket s = 0;
        int err;

        n_failed = 0;
        fmq__alloc_fail_at(k, 0);
        err = fmq_ctx_new(&ctx);
        if (err == 0) {
            err = fmq_socket_new(ctx, REP, &s);
        }
        fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            CHECK_EQ(s, 0);
            n_failed++;
        }
        if (ctx != 0) {
            if (s == 0) {
                s = new_brisk(ctx, REP); /* it works the second time */
            }
            CHECK_EQ(fmq_socket_close(s), 0);
            end_ctx(ctx);
        }
        CHECK_EQ(next_descriptor(), before);
        CHECK(k < 1000);
    }
}

TEST(no_descriptors)
{
    fmq_ctx ctx = new_ctx();
    int first = next_descriptor();

    /* One more each time, until there are enough for the I/O thread. */
    for (int n = 0;; n++) {
        fmq_socket s = 0;
        rlim_t before = deny_descriptors((rlim_t)(first + n));
        int err = fmq_socket_new(ctx, PULL, &s);

        (void)deny_descriptors(before);
        if (err == 0) {
            CHECK(n > 0);
            CHECK_EQ(fmq_socket_close(s), 0);
            break;
        }
        CHECK_EQ(err, EMFILE);
        CHECK_EQ(s, 0);
        CHECK_EQ(next_descriptor(), first);
    }
    end_ctx(ctx);
}

TEST(all_there_are)
{
    static fmq_ctx all[5000];
    size_t n = 0;
    int err;

    while (n < 5000 && (err = fmq_ctx_new(&all[n])) == 0) {
        n++;
    }
    CHECK_EQ(err, EMFILE);
    CHECK_EQ(n, 4096);
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(fmq_ctx_get(all[i], IO_THREADS, &err), 0);
        end_ctx(all[i]);
    }
    end_ctx(new_ctx());
}

/* --- fork --- */

TEST(a_child_owns_none_of_it)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    int status = -1;
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        int value;

        (void)alarm(PATIENCE_MS / 1000);
        CHECK_EQ(fmq_ctx_is_foreign(ctx), 1);
        CHECK_EQ(fmq_ctx_get(ctx, IO_THREADS, &value), EFAULT);
        CHECK_EQ(fmq_ctx_set(ctx, IO_THREADS, 2), EFAULT);
        CHECK_EQ(fmq_socket_new(ctx, PULL, &s), EFAULT);
        CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
        CHECK_EQ(fmq_ctx_term(ctx, -1), 0); /* although a socket is open */
        CHECK_EQ(fmq_ctx_is_foreign(ctx), 1);
        _exit(check_result());
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
    CHECK_EQ(fmq_socket_is_open(s), 1);
    CHECK_EQ(get_int(s, 16), PULL);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* --- threads --- */

typedef struct worker {
    fmq__thread thread;
    fmq_ctx ctx;
} worker;

static void
use_ctx(void *arg)
{
    worker *me = arg;

    for (int i = 0; i < 100; i++) {
        fmq_socket s = new_brisk(me->ctx, i % 2 == 0 ? PAIR : REQ);
        int err = fmq_bind(s, "inproc://one-at-a-time");

        CHECK(err == 0 || err == EADDRINUSE);
        CHECK_EQ(fmq_connect(s, "inproc://one-at-a-time"), 0);
        CHECK_EQ(fmq_connect(s, "tcp://127.0.0.1:9"), 0);
        CHECK_EQ(fmq_ctx_set(me->ctx, IO_THREADS, i % 3), 0);
        CHECK_EQ(fmq_socket_close(s), 0);
    }
}

TEST(several_threads)
{
    worker w[4];
    fmq_ctx ctx = new_ctx();
    fmq_socket first = new_brisk(ctx, PULL); /* IO_THREADS is read now */

    for (size_t i = 0; i < 4; i++) {
        w[i].ctx = ctx;
        start_thread(&w[i].thread, use_ctx, &w[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        fmq__thread_join(w[i].thread);
    }
    CHECK_EQ(fmq_socket_close(first), 0);
    end_ctx(ctx);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(options),
        CASE(options_that_are_not_there),
        CASE(options_of_threads),
        CASE(threads_that_cannot_run_so),
        CASE(handles),
        CASE(sockets_inherit),
        CASE(types),
        CASE(max_sockets),
        CASE(many_io_threads),
        CASE(no_memory),
        CASE(no_descriptors),
        CASE(all_there_are),
        CASE(a_child_owns_none_of_it),
        CASE(several_threads),
    };

    return CHECK_MAIN(cases);
}
