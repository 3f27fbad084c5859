/* SPDX-License-Identifier: Apache-2.0 */
/* Polling sockets and descriptors: what is ready, what wakes, when it gives up, and
 * several threads that poll the same sockets. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/alloc.h"
#include "deny.h"
#include "gate.h"
#include "raw_couple.h"

enum { IN = FMQ_POLLIN, OUT = FMQ_POLLOUT };

static fmq_ctx ctx;
static const char *const endpoints[] = {"inproc://poll", "tcp://127.0.0.1:*",
                                        "ipc://*"};

typedef struct line {
    fmq_socket pull;
    fmq_socket push;
} line;

static line
new_line(const char *endpoint)
{
    line l = {new_brisk(ctx, PULL), new_brisk(ctx, PUSH)};

    join(l.pull, l.push, endpoint);
    return l;
}

static void
end_line(const line *l)
{
    CHECK_EQ(fmq_socket_close(l->pull), 0);
    CHECK_EQ(fmq_socket_close(l->push), 0);
}

static size_t
poll_for(fmq_pollitem *items, size_t n, uint64_t deadline_ns)
{
    size_t n_ready = 99;

    CHECK_EQ(fmq_poll(items, n, deadline_ns, &n_ready), 0);
    return n_ready;
}

static uint64_t
patience(void)
{
    return fmq__deadline_ns(PATIENCE_MS);
}

TEST(nothing_to_poll)
{
    size_t n = 99;

    CHECK_EQ(fmq_poll(NULL, 0, 0, &n), 0);
    CHECK_EQ(n, 0);
    CHECK_EQ(fmq_poll(NULL, 0, fmq_now_ns() + 1000000, &n), 0);
    CHECK_EQ(fmq_poll(NULL, 1, 0, &n), EFAULT);
}

TEST(what_a_socket_has)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e]);
        fmq_pollitem items[2] = {{.socket = l.pull, .events = IN | OUT},
                                 {.socket = l.push, .events = IN | OUT}};

        CHECK_EQ(await(l.push, OUT), 0);
        CHECK_EQ(poll_for(items, 2, 0), 1);
        CHECK_EQ(items[0].revents, 0);
        CHECK_EQ(items[1].revents, OUT);
        CHECK_EQ(send_text(l.push, "x", 0), 0);
        CHECK_EQ(await(l.pull, IN), 0);
        CHECK_EQ(poll_for(items, 2, 0), 2);
        CHECK_EQ(items[0].revents, IN);
        items[1].events = IN;
        CHECK_EQ(poll_for(items, 2, FMQ__NEVER), 1);
        CHECK_EQ(items[1].revents, 0);
        items[0].events = 0; /* asked for nothing, told nothing */
        CHECK_EQ(poll_for(items, 2, 0), 0);
        CHECK_EQ(items[0].revents, 0);
        expect_text(l.pull, "x");
        items[0].events = IN | FMQ_POLLERR | FMQ_POLLPRI;
        CHECK_EQ(poll_for(items, 2, 0), 0);
        end_line(&l);
    }
}

TEST(what_a_descriptor_has)
{
    int fd[2];
    fmq_pollitem items[3];

    REQUIRE(pipe(fd) == 0);
    items[0] = (fmq_pollitem){.fd = fd[0], .events = IN};
    items[1] = (fmq_pollitem){.fd = fd[1], .events = OUT};
    items[2] = (fmq_pollitem){.fd = -1, .events = IN};
    CHECK_EQ(poll_for(items, 3, 0), 1);
    CHECK_EQ(items[1].revents, OUT);
    CHECK_EQ(write(fd[1], "x", 1), 1);
    CHECK_EQ(poll_for(items, 3, 0), 2);
    CHECK_EQ(items[0].revents, IN);
    CHECK_EQ(items[2].revents, 0);
    (void)close(fd[1]);
    items[1].fd = 1000000; /* no descriptor: an error, asked for or not */
    CHECK_EQ(poll_for(items, 3, FMQ__NEVER), 2);
    CHECK_EQ(items[0].revents, IN | FMQ_POLLERR); /* the other end is closed */
    CHECK_EQ(items[1].revents, FMQ_POLLERR);
    (void)close(fd[0]);
}

TEST(sockets_and_descriptors)
{
    line l = new_line(endpoints[1]);
    int fd[2];
    fmq_pollitem items[2] = {{.socket = l.pull, .events = IN}, {.events = IN}};

    REQUIRE(pipe(fd) == 0);
    items[1].fd = fd[0];
    CHECK_EQ(poll_for(items, 2, fmq_now_ns() + 1000), 0);
    CHECK_EQ(write(fd[1], "x", 1), 1);
    CHECK_EQ(poll_for(items, 2, FMQ__NEVER), 1);
    CHECK_EQ(items[1].revents, IN);
    CHECK_EQ(send_text(l.push, "x", 0), 0);
    CHECK_EQ(await(l.pull, IN), 0);
    CHECK_EQ(poll_for(items, 2, FMQ__NEVER), 2);
    (void)close(fd[0]);
    (void)close(fd[1]);
    end_line(&l);
}

/* More items than fit on the stack. */
TEST(many_items)
{
    enum { N = 40 };
    fmq_pollitem items[2 * N];
    line l[N];

    for (size_t i = 0; i < N; i++) {
        char name[TEXT_ROOM];

        (void)snprintf(name, sizeof(name), "inproc://many-%zu", i);
        l[i] = new_line(name);
        items[i] = (fmq_pollitem){.socket = l[i].pull, .events = IN};
        items[N + i] = items[i]; /* twice in one poll is no harm */
    }
    CHECK_EQ(poll_for(items, 2 * N, fmq_now_ns() + 1000), 0);
    CHECK_EQ(send_text(l[33].push, "x", 0), 0);
    CHECK_EQ(poll_for(items, 2 * N, FMQ__NEVER), 2);
    CHECK_EQ(items[33].revents, IN);
    CHECK_EQ(items[N + 33].revents, IN);
    {
        size_t n = 99;

        fmq__alloc_fail_at(1, 1);
        CHECK_EQ(fmq_poll(items, 2 * N, 0, &n), ENOMEM);
        fmq__alloc_fail_at(0, 0);
        CHECK_EQ(n, 0);
    }
    for (size_t i = 0; i < N; i++) {
        end_line(&l[i]);
    }
}

TEST(errors)
{
    fmq_socket good = new_brisk(ctx, PULL);
    fmq_socket gone = new_brisk(ctx, PULL);
    fmq_pollitem items[2] = {{.socket = good, .events = IN},
                             {.socket = gone, .events = IN}};
    size_t n = 99;

    CHECK_EQ(fmq_socket_close(gone), 0);
    CHECK_EQ(fmq_poll(items, 2, FMQ__NEVER, &n), ENOTSOCK);
    CHECK_EQ(n, 0);
    items[1].events = 0;
    CHECK_EQ(fmq_poll(items, 2, 0, &n), ENOTSOCK);
    CHECK_EQ(fmq_poll(items, 1, 0, &n), 0);
    CHECK_EQ(fmq_socket_close(good), 0);
}

/* Without a descriptor to sleep on nobody is left registered. */
TEST(no_descriptors)
{
    fmq_socket s[2];
    fmq_pollitem items[2] = {{.events = IN}, {.events = IN}};
    size_t n = 99;
    int first;
    int err = 0;

    end_ctx(ctx); /* so that nothing of the other cases is still being closed */
    ctx = new_ctx();
    for (size_t i = 0; i < 2; i++) {
        s[i] = new_brisk(ctx, PULL);
        items[i].socket = s[i];
    }
    CHECK_EQ(poll_for(items, 1, fmq_now_ns() + 1000), 0); /* the first has its own */
    first = next_descriptor();
    for (int k = 0; k == 0 || err != 0; k++) {
        rlim_t before = deny_descriptors((rlim_t)(first + k));

        err = fmq_poll(items, 2, fmq_now_ns() + 1000, &n);
        (void)deny_descriptors(before);
        CHECK(err == EMFILE || (err == 0 && k > 0));
    }
    close_all(s, 2); /* which the end of the context waits for */
}

/* --- time and signals --- */

TEST(time)
{
    line l = new_line(endpoints[1]);
    fmq_pollitem item = {.socket = l.pull, .events = IN};
    uint64_t deadline;

    CHECK_EQ(poll_for(&item, 1, 1), 0); /* long past */
    deadline = fmq_now_ns() + 3000000;
    CHECK_EQ(poll_for(&item, 1, deadline), 0);
    CHECK(fmq_now_ns() >= deadline);
    CHECK_EQ(send_text(l.push, "x", 0), 0);
    CHECK_EQ(poll_for(&item, 1, UINT64_MAX - 1), 1); /* all but for ever */
    CHECK_EQ(poll_for(&item, 1, 1), 1);
    end_line(&l);
}

static void
on_signal(int number)
{
    (void)number;
}

typedef struct poller {
    fmq__thread thread;
    fmq_socket s[2];
    short events;
    gate done;
    int err;
    size_t n_ready;
} poller;

static void
poll_once(void *arg)
{
    poller *p = arg;
    fmq_pollitem items[2] = {{.socket = p->s[0], .events = p->events},
                             {.socket = p->s[1], .events = p->events}};
    sigset_t none;

    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    p->err = fmq_poll(items, p->s[1] != 0 ? 2 : 1, patience(), &p->n_ready);
    gate_pass(&p->done);
}

static void
start_poller(poller *p, fmq_socket a, fmq_socket b, short events)
{
    *p = (poller){.s = {a, b}, .events = events};
    gate_init(&p->done);
    start_thread(&p->thread, poll_once, p);
}

TEST(signals)
{
    struct sigaction action = {.sa_handler = on_signal};
    fmq_socket s = new_brisk(ctx, PULL);
    poller p;

    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    start_poller(&p, s, 0, IN);
    await_callers(s, 1);
    while (gate_count(&p.done) == 0) {
        (void)pthread_kill(p.thread, SIGUSR1);
        sched_yield();
    }
    fmq__thread_join(p.thread);
    CHECK_EQ(p.err, EINTR);
    CHECK_EQ(p.n_ready, 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

/* --- what wakes --- */

/* Everything a sleeping poll must hear of, one at a time. */
TEST(what_wakes_a_poll)
{
    static const char big[50000];

    for (size_t e = 0; e < 3; e++) {
        fmq_socket pull = new_brisk(ctx, PULL);
        fmq_socket push = new_brisk(ctx, PUSH);
        fmq_socket other = new_brisk(ctx, PULL);
        fmq_msg m = {0};
        poller p;
        int n = 0;

        start_poller(&p, push, other, OUT); /* a first peer */
        await_callers(push, 1);
        await_callers(other, 1);
        set_int(push, SNDHWM, 2);
        set_int(pull, RCVHWM, 2);
        join(pull, push, endpoints[e]);
        fmq__thread_join(p.thread);
        CHECK_EQ(p.n_ready, 1);

        start_poller(&p, other, pull, IN); /* a message */
        await_callers(other, 1);
        await_callers(pull, 1);
        CHECK_EQ(send_text(push, "x", 0), 0);
        fmq__thread_join(p.thread);
        CHECK_EQ(p.n_ready, 1);
        expect_text(pull, "x");

        while (fmq_send(push, big, sizeof(big), FMQ_DONTWAIT) == 0) {
            n++;
        }
        start_poller(&p, push, 0, OUT); /* room */
        for (int i = 0; i < n; i++) {
            CHECK_EQ(fmq_msg_recv(pull, &m, 0), 0);
        }
        fmq_msg_close(&m);
        fmq__thread_join(p.thread);
        CHECK_EQ(p.err, 0);
        CHECK_EQ(p.n_ready, 1);

        start_poller(&p, other, pull, IN); /* the end of one of them */
        await_callers(other, 1);
        await_callers(pull, 1);
        CHECK_EQ(fmq_socket_close(pull), 0);
        fmq__thread_join(p.thread);
        CHECK_EQ(p.err, ENOTSOCK);
        CHECK_EQ(fmq_socket_close(push), 0);
        CHECK_EQ(fmq_socket_close(other), 0);
    }
}

/* All who poll one socket hear of a message, whoever takes it. */
TEST(several_poll_one_socket)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e]);
        poller p[5];

        for (int round = 0; round < 20; round++) {
            for (size_t i = 0; i < 5; i++) {
                start_poller(&p[i], l.pull, 0, IN);
            }
            await_callers(l.pull, 5);
            CHECK_EQ(send_text(l.push, "x", 0), 0);
            for (size_t i = 0; i < 5; i++) {
                fmq__thread_join(p[i].thread);
                CHECK_EQ(p[i].err, 0);
                CHECK_EQ(p[i].n_ready, 1);
            }
            expect_text(l.pull, "x");
        }
        end_line(&l);
    }
}

/* --- threads that poll and take --- */

enum { N_TAKERS = 3, N_MESSAGES = 1000 };

typedef struct crew {
    fmq_socket s[2];
    _Atomic int n_left;
} crew;

typedef struct taker {
    fmq__thread thread;
    crew *crew;
} taker;

static void
poll_and_take(void *arg)
{
    crew *c = ((taker *)arg)->crew;

    while (atomic_load_explicit(&c->n_left, memory_order_relaxed) > 0) {
        fmq_pollitem items[2] = {{.socket = c->s[0], .events = IN},
                                 {.socket = c->s[1], .events = IN}};
        size_t n = 0;
        int err = fmq_poll(items, 2, patience(), &n);

        CHECK(err == 0 || err == ENOTSOCK);
        if (err != 0 || !CHECK(n > 0)) {
            return;
        }
        for (size_t i = 0; i < 2; i++) {
            char text[TEXT_ROOM];

            if (items[i].revents != 0 && recv_text(c->s[i], text, FMQ_DONTWAIT) == 0 &&
                atomic_fetch_sub_explicit(&c->n_left, 1, memory_order_relaxed) == 1) {
                CHECK_EQ(fmq_socket_close(c->s[1]), 0); /* sends the others home */
            }
        }
    }
}

TEST(several_poll_and_take)
{
    for (size_t e = 0; e < 3; e++) {
        line l[2] = {new_line(endpoints[e]),
                     new_line(e == 0 ? "inproc://poll-2" : endpoints[e])};
        crew c = {.s = {l[0].pull, l[1].pull}};
        taker t[N_TAKERS];

        atomic_init(&c.n_left, N_MESSAGES);
        for (size_t i = 0; i < N_TAKERS; i++) {
            t[i].crew = &c;
            start_thread(&t[i].thread, poll_and_take, &t[i]);
        }
        for (int i = 0; i < N_MESSAGES; i++) {
            CHECK_EQ(send_text(l[i % 2].push, "x", 0), 0);
        }
        for (size_t i = 0; i < N_TAKERS; i++) {
            fmq__thread_join(t[i].thread);
        }
        CHECK_EQ(c.n_left, 0);
        CHECK_EQ(fmq_socket_close(l[0].pull), 0);
        CHECK_EQ(fmq_socket_close(l[0].push), 0);
        CHECK_EQ(fmq_socket_close(l[1].push), 0);
    }
}

/* One socket always has something; the one beside it is heard all the same. */
TEST(a_busy_neighbour)
{
    line busy = new_line(endpoints[1]);
    line calm = new_line(endpoints[2]);
    fmq_pollitem items[2] = {{.socket = busy.pull, .events = IN},
                             {.socket = calm.pull, .events = IN}};
    bool is_heard = false;
    uint64_t deadline = patience();

    CHECK_EQ(send_text(busy.push, "busy", 0), 0);
    CHECK_EQ(await(busy.pull, IN), 0);
    CHECK_EQ(send_text(calm.push, "calm", 0), 0);
    while (!is_heard && fmq_now_ns() < deadline) {
        CHECK(poll_for(items, 2, FMQ__NEVER) >= 1);
        CHECK_EQ(items[0].revents, IN); /* it stays ready: nobody takes it */
        is_heard = items[1].revents == IN;
    }
    CHECK(is_heard);
    end_line(&busy);
    end_line(&calm);
}

/* --- the I/O thread out of the way --- */

typedef struct hold {
    fmq__task task;
    gate is_held;
    gate is_over;
} hold;

static void
wait_for_the_end(fmq__task *t)
{
    hold *h = FMQ__ITEM(t, hold, task);

    gate_pass(&h->is_held);
    gate_wait(&h->is_over, 1);
}

static void
hold_io_thread(hold *h, fmq_socket handle)
{
    fmq__socket *s;

    fmq__task_init(&h->task, wait_for_the_end);
    gate_init(&h->is_held);
    gate_init(&h->is_over);
    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    fmq__io_post(s->hub.io, &h->task);
    fmq__socket_leave(s);
    gate_wait(&h->is_held, 1);
}

/* Room does not hide a message that the kernel has, and that a receive would find. */
TEST(room_and_a_message)
{
    enum { DEALER = 5, ROUNDS = 100 };
    hold h;
    couple c;

    open_couple(&c, DEALER, "DEALER", 0, 0);
    hold_io_thread(&h, c.s); /* which would read it sooner or later */
    for (int round = 0; round < ROUNDS; round++) {
        fmq_pollitem item = {.socket = c.s, .events = IN | OUT};
        char text[TEXT_ROOM];

        CHECK_EQ(recv_text(c.s, text, FMQ_DONTWAIT), EAGAIN);
        CHECK_EQ(poll_for(&item, 1, 0), 1);
        CHECK_EQ(item.revents, OUT);
        raw_send(c.fd, "\0\1x", 3); /* all of it at once */
        AWAIT_INSIDE(c.s, !i.is_idle);
        CHECK_EQ(poll_for(&item, 1, 0), 1);
        CHECK_EQ(item.revents, IN | OUT);
        expect_text(c.s, "x");
    }
    gate_pass(&h.is_over);
    close_couple(&c);
}

/* The exported descriptor wakes poll(2), and EVENTS says why. */
TEST(exported_descriptor)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e]);
        struct pollfd fd = {.fd = get_int(l.pull, 14), .events = POLLIN};
        char text[TEXT_ROOM];

        for (int i = 0; i < 50; i++) {
            CHECK_EQ(get_int(l.pull, 15) & IN, 0);
            CHECK_EQ(send_text(l.push, "x", 0), 0);
            while ((get_int(l.pull, 15) & IN) == 0) {
                REQUIRE(poll(&fd, 1, PATIENCE_MS) == 1);
            }
            CHECK_EQ(recv_text(l.pull, text, FMQ_DONTWAIT), 0);
        }
        end_line(&l);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(nothing_to_poll),
        CASE(what_a_socket_has),
        CASE(what_a_descriptor_has),
        CASE(sockets_and_descriptors),
        CASE(many_items),
        CASE(errors),
        CASE(no_descriptors),
        CASE(time),
        CASE(signals),
        CASE(what_wakes_a_poll),
        CASE(several_poll_one_socket),
        CASE(several_poll_and_take),
        CASE(a_busy_neighbour),
        CASE(room_and_a_message),
        CASE(exported_descriptor),
    };
    int failed;

    ctx = new_ctx();
    failed = CHECK_MAIN(cases);
    end_ctx(ctx);
    return failed | CHECK_RESULT();
}
