/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: stale, invented and foreign ones are refused, whatever the number; shells
 * are used again under new numbers; a fork leaves locks behind that nobody may touch.
 */
#include <errno.h>
#include <sys/wait.h>

#include "frames.h"
#include "gate.h"
#include "sockets.h"

/* The thread sanitizer does not know threads that a child of a process with threads
 * starts, and the address sanitizer's allocator may be locked in such a child for ever:
 * there the child only refuses. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { CAN_CHILD_START_THREADS = 0 };
#else
enum { CAN_CHILD_START_THREADS = 1 };
#endif

/* What a call with FMQ_TRY says while the I/O thread has the lock is no answer yet. */
static void
expect_refused(int err)
{
    CHECK(err == ENOTSOCK || err == FMQ_EBUSY_TRY);
}

static void
refuse(fmq_socket s)
{
    char buf[8] = "";
    fmq_msg m = {0};
    fmq_msg *parts;
    fmq_part part;
    fmq_pollitem item = {.socket = s, .fd = -1, .events = FMQ_POLLIN};
    size_t n = 0;
    int value = 0;
    size_t len = sizeof(value);

    CHECK_EQ(fmq_socket_is_open(s), 0);
    CHECK_EQ(fmq_socket_close(s), ENOTSOCK);
    CHECK_EQ(fmq_bind(s, "inproc://x"), ENOTSOCK);
    CHECK_EQ(fmq_connect(s, "tcp://127.0.0.1:9"), ENOTSOCK);
    CHECK_EQ(fmq_unbind(s, "inproc://x"), ENOTSOCK);
    CHECK_EQ(fmq_disconnect(s, "inproc://x"), ENOTSOCK);
    CHECK_EQ(fmq_setsockopt(s, LINGER, &value, len), ENOTSOCK);
    CHECK_EQ(fmq_getsockopt(s, LINGER, &value, &len), ENOTSOCK);
    CHECK_EQ(fmq_send(s, "x", 1, 0), ENOTSOCK);
    CHECK_EQ(fmq_send(s, "x", 1, FMQ_SNDMORE), ENOTSOCK);
    expect_refused(fmq_send(s, "x", 1, FMQ_TRY));
    CHECK_EQ(fmq_msg_send(s, &m, 0), ENOTSOCK);
    CHECK_EQ(fmq_sendv(s, &m, 1, FMQ_DONTWAIT), ENOTSOCK);
    CHECK_EQ(fmq_send_until(s, &m, 1, 0, FMQ__NEVER), ENOTSOCK);
    CHECK_EQ(fmq_recv(s, buf, sizeof(buf), &m, &part, 0), ENOTSOCK);
    CHECK_EQ(fmq_recv_until(s, buf, sizeof(buf), &m, &part, FMQ__NEVER), ENOTSOCK);
    CHECK_EQ(fmq_msg_recv(s, &m, 0), ENOTSOCK);
    expect_refused(fmq_recvv(s, &parts, &n, FMQ_TRY));
    CHECK_EQ(fmq_recvv_until(s, &parts, &n, FMQ__NEVER), ENOTSOCK);
    if (s != 0) {
        CHECK_EQ(fmq_poll(&item, 1, FMQ__NEVER, &n), ENOTSOCK);
    }
}

TEST(invented_handles)
{
    static const fmq_socket samples[] = {0, 1, 2, 3, 4, 5, 7, 64, 4096, 0x7fffffff};
    rng r = {4711};
    fmq_ctx ctx = new_ctx();
    fmq_socket live = new_brisk(ctx, PULL);

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        refuse(samples[i]);
        refuse(~samples[i]);
    }
    refuse((fmq_socket)&live);
    refuse((fmq_socket)&live + 1);
    for (int bit = 0; bit < 64; bit++) {
        refuse(live ^ (fmq_socket)1 << bit);
    }
    for (int i = 0; i < 20000; i++) {
        fmq_socket s = (fmq_socket)rng_next(&r) << 32 | rng_next(&r);

        CHECK(s == live || fmq_socket_is_open(s) == 0);
    }
    /* Near the live one: neighbours in the table, generations before and after. */
    for (fmq_socket d = 1; d < 100000; d++) {
        CHECK_EQ(fmq_socket_is_open(live + d), 0);
        CHECK_EQ(fmq_socket_is_open(live - d), 0);
    }
    CHECK_EQ(fmq_socket_is_open(live), 1);
    CHECK_EQ(fmq_socket_close(live), 0);
    end_ctx(ctx);
}

/* A context is no socket, and a socket no context, however many there have been. */
TEST(handles_of_the_other_kind)
{
    fmq_socket s[40];
    fmq_ctx home = new_ctx();

    for (size_t i = 0; i < 40; i++) {
        s[i] = new_brisk(home, PULL);
    }
    for (int round = 0; round < 300; round++) {
        fmq_ctx ctx = new_ctx();
        int value;

        CHECK_EQ(fmq_socket_is_open(ctx), 0);
        CHECK_EQ(fmq_ctx_get(s[round % 40], 1, &value), EFAULT);
        CHECK_EQ(fmq_ctx_term(s[round % 40], 0), EFAULT);
        end_ctx(ctx);
    }
    close_all(s, 40);
    end_ctx(home);
}

TEST(stale_handles)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket old[50];

    for (size_t i = 0; i < 50; i++) {
        old[i] = new_brisk(ctx, i % 2 == 0 ? PUSH : PULL);
        CHECK_EQ(fmq_socket_close(old[i]), 0);
        refuse(old[i]); /* closed, and maybe not gone yet */
        for (size_t k = 0; k < i; k++) {
            CHECK(old[k] != old[i]);
        }
    }
    end_ctx(ctx);
    for (size_t i = 0; i < 50; i++) {
        refuse(old[i]);
        for (int bit = 0; bit < 64; bit++) { /* such as the pool's own generations */
            refuse(old[i] + ((fmq_socket)1 << bit));
        }
    }
}

/* What a socket had does not come again with its memory. */
TEST(a_used_shell_is_as_new)
{
    for (int i = 0; i < 200; i++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket s = new_brisk(ctx, PAIR);
        char text[TEXT_ROOM];

        CHECK_STR(last_endpoint(s, text), "");
        CHECK_EQ(get_int(s, SNDHWM), 1000);
        CHECK_EQ(get_int(s, 13), 0);
        CHECK_EQ(recv_text(s, text, FMQ_DONTWAIT), EAGAIN);
        set_int(s, SNDHWM, 5);
        CHECK_EQ(fmq_bind(s, "inproc://mine"), 0);
        CHECK_EQ(fmq_connect(s, "inproc://other"), 0);
        CHECK_EQ(send_text(s, "a", FMQ_SNDMORE), 0);
        if (i % 3 == 0) {
            CHECK(get_int(s, 14) >= 0);
        }
        CHECK_EQ(fmq_socket_close(s), 0);
        end_ctx(ctx);
    }
}

/* --- threads --- */

typedef struct prober {
    fmq__thread thread;
    _Atomic uintptr_t handle;
    _Atomic bool is_over;
    gate probed;
} prober;

/* Calls through whatever handle it was last told of, stale or not. */
static void
probe(void *arg)
{
    prober *p = arg;

    while (!atomic_load_explicit(&p->is_over, memory_order_relaxed)) {
        fmq_socket s = atomic_load_explicit(&p->handle, memory_order_relaxed);
        char text[TEXT_ROOM];
        int err = recv_text(s, text, FMQ_DONTWAIT);

        CHECK(err == ENOTSOCK || err == EAGAIN || err == FMQ_ETERM);
        (void)fmq_socket_is_open(s);
        err = fmq_setsockopt(s, RCVTIMEO, &(int){0}, sizeof(int));
        CHECK(err == ENOTSOCK || err == 0 || err == FMQ_ETERM);
        gate_pass(&p->probed);
    }
}

TEST(probing_while_shells_change_hands)
{
    prober p[2];

    for (size_t i = 0; i < 2; i++) {
        atomic_init(&p[i].handle, 0);
        atomic_init(&p[i].is_over, false);
        gate_init(&p[i].probed);
        start_thread(&p[i].thread, probe, &p[i]);
    }
    for (int i = 0; i < 60; i++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket s[3];

        for (size_t k = 0; k < 3; k++) {
            s[k] = new_brisk(ctx, PULL);
            atomic_store_explicit(&p[k % 2].handle, s[k], memory_order_relaxed);
            gate_wait(&p[k % 2].probed, gate_count(&p[k % 2].probed) + 1);
        }
        close_all(s, 3);
        end_ctx(ctx);
    }
    for (size_t i = 0; i < 2; i++) {
        atomic_store_explicit(&p[i].is_over, true, memory_order_relaxed);
        fmq__thread_join(p[i].thread);
    }
}

/* One handle closed by several threads: one of them did it. */
typedef struct closer {
    fmq__thread thread;
    fmq_socket s;
    gate *start;
    int err;
} closer;

static void
close_it(void *arg)
{
    closer *me = arg;

    gate_wait(me->start, 1);
    me->err = fmq_socket_close(me->s);
}

TEST(closed_once)
{
    fmq_ctx ctx = new_ctx();

    for (int i = 0; i < 50; i++) {
        fmq_socket s = new_brisk(ctx, PULL);
        closer c[3];
        gate start;
        int n_closed = 0;

        gate_init(&start);
        CHECK_EQ(fmq_bind(s, "tcp://127.0.0.1:*"), 0);
        for (size_t k = 0; k < 3; k++) {
            c[k] = (closer){.s = s, .start = &start, .err = -1};
            start_thread(&c[k].thread, close_it, &c[k]);
        }
        gate_pass(&start);
        for (size_t k = 0; k < 3; k++) {
            fmq__thread_join(c[k].thread);
            n_closed += c[k].err == 0;
            CHECK(c[k].err == 0 || c[k].err == ENOTSOCK);
        }
        CHECK_EQ(n_closed, 1);
    }
    end_ctx(ctx);
}

/* --- fork --- */

/* Runs `child` in a fork that must end well, and soon. */
static void
in_child(void (*child)(void *), void *arg)
{
    int status = -1;
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        (void)alarm(PATIENCE_MS / 1000);
        atomic_store_explicit(&check_failures, 0, memory_order_relaxed);
        child(arg);
        _exit(check_result());
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

typedef struct family {
    fmq_ctx ctx;
    fmq_socket s[2];
} family;

static void
be_a_child(void *arg)
{
    family *f = arg;
    fmq_socket own[2];
    fmq_ctx ctx;

    for (size_t i = 0; i < 2; i++) {
        refuse(f->s[i]);
    }
    if (!CAN_CHILD_START_THREADS) {
        return;
    }
    ctx = new_ctx();
    own[0] = new_brisk(ctx, PULL);
    own[1] = new_brisk(ctx, PUSH);
    join(own[0], own[1], "tcp://127.0.0.1:*");
    CHECK_EQ(send_text(own[1], "mine", 0), 0);
    expect_text(own[0], "mine");
    close_all(own, 2);
    end_ctx(ctx);
}

static void
be_a_child_and_have_one(void *arg)
{
    be_a_child(arg);
    in_child(be_a_child, arg);
}

/* The parent's sockets are nothing to a child, or to a child's child; the parent goes
 * on. */
TEST(children_refuse_their_parents_sockets)
{
    family f = {.ctx = new_ctx()};

    f.s[0] = new_brisk(f.ctx, PULL);
    f.s[1] = new_brisk(f.ctx, PUSH);
    join(f.s[0], f.s[1], "tcp://127.0.0.1:*");
    CHECK_EQ(send_text(f.s[1], "before", 0), 0);
    in_child(be_a_child_and_have_one, &f);
    CHECK_EQ(send_text(f.s[1], "after", 0), 0);
    expect_text(f.s[0], "before");
    expect_text(f.s[0], "after");
    close_all(f.s, 2);
    end_ctx(f.ctx);
}

/* A child's handles are nothing to the parent, also where the numbers are alike but for
 * the fork. */
static void
send_handle(void *arg)
{
    int *out = arg;
    fmq_socket s = 0;

    if (CAN_CHILD_START_THREADS) {
        s = new_brisk(new_ctx(), PULL);
    }
    CHECK_EQ(write(*out, &s, sizeof(s)), sizeof(s));
}

TEST(parents_refuse_their_childrens_sockets)
{
    fmq_socket theirs = 0;
    int fd[2];

    REQUIRE(pipe(fd) == 0);
    in_child(send_handle, &fd[1]);
    CHECK_EQ(read(fd[0], &theirs, sizeof(theirs)), sizeof(theirs));
    refuse(theirs);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

/* Another thread of the parent holds the lock of a socket, or looks at a shell in the
 * pool through a stale handle, when the fork comes. */
typedef struct holder {
    fmq__thread thread;
    fmq__socket *s;
    gate holds;
    gate may_go;
} holder;

static void
hold_lock(void *arg)
{
    holder *h = arg;

    fmq__hub_lock(&h->s->hub);
    gate_pass(&h->holds);
    gate_wait(&h->may_go, 1);
    fmq__hub_unlock(&h->s->hub);
}

static fmq__socket *
shell_of(fmq_socket handle)
{
    fmq__socket *s = NULL;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    fmq__socket_leave(s);
    return s;
}

TEST(locks_held_at_the_fork)
{
    family f = {.ctx = new_ctx()};
    fmq_ctx other = new_ctx();
    fmq_socket gone = new_brisk(other, PULL);
    holder h[3];

    f.s[0] = new_brisk(f.ctx, PULL);
    f.s[1] = new_brisk(f.ctx, PUSH);
    h[0].s = shell_of(f.s[0]);
    h[1].s = shell_of(f.s[1]);
    h[2].s = shell_of(gone);
    CHECK_EQ(fmq_socket_close(gone), 0);
    end_ctx(other); /* its shell is the first in the pool now */
    for (size_t i = 0; i < 3; i++) {
        gate_init(&h[i].holds);
        gate_init(&h[i].may_go);
        start_thread(&h[i].thread, hold_lock, &h[i]);
        gate_wait(&h[i].holds, 1);
    }
    in_child(be_a_child, &f);
    for (size_t i = 0; i < 3; i++) {
        gate_pass(&h[i].may_go);
        fmq__thread_join(h[i].thread);
    }
    close_all(f.s, 2);
    end_ctx(f.ctx);
}

/* --- how many --- */

TEST(all_there_are)
{
    enum { N = 65536 };
    fmq_socket *s = malloc((N + 1) * sizeof(*s));
    fmq_ctx ctx = new_ctx();
    size_t n = 0;
    int err;

    REQUIRE(s != NULL);
    CHECK_EQ(fmq_ctx_set(ctx, 2, N + 10), 0); /* MAX_SOCKETS */
    while ((err = fmq_socket_new(ctx, PULL, &s[n])) == 0 && n < N) {
        n++;
    }
    CHECK_EQ(err, EMFILE);
    CHECK_EQ(n, N);
    for (size_t i = 0; i < n; i += 97) {
        CHECK_EQ(fmq_socket_is_open(s[i]), 1);
    }
    close_all(s, n);
    CHECK_EQ(fmq_ctx_term(ctx, -1), 0); /* however long so many take */
    refuse(s[0]);
    refuse(s[N - 1]);
    free(s);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(invented_handles),
        CASE(handles_of_the_other_kind),
        CASE(stale_handles),
        CASE(a_used_shell_is_as_new),
        CASE(probing_while_shells_change_hands),
        CASE(closed_once),
        CASE(children_refuse_their_parents_sockets),
        CASE(parents_refuse_their_childrens_sockets),
        CASE(locks_held_at_the_fork),
        CASE(all_there_are),
    };

    return CHECK_MAIN(cases);
}
