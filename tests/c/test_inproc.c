/* SPDX-License-Identifier: Apache-2.0 */
/* Couples between two ends that each have a lock and an inbox, as sockets do, but no
 * pattern: what an end does here with notes and sides is what socket/names.c does. */
#include "pipe/inproc.h"

#include <errno.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "frames.h"

enum { NEVER = UINT32_MAX, LENT = 5000 };

static _Atomic int n_lent;
static _Thread_local bool has_lock;
static uint8_t lent_bytes[LENT];

static void
give_back(void *data, void *hint)
{
    (void)hint;
    CHECK(data == lent_bytes);
    CHECK(!has_lock);
    atomic_fetch_sub_explicit(&n_lent, 1, memory_order_relaxed);
}

static int
count_lent(void)
{
    return atomic_load_explicit(&n_lent, memory_order_relaxed);
}

typedef struct end {
    pthread_mutex_t lock;
    fmq__inbox *inbox;
    fmq__inproc *side; /* NULL: not yet, or not any more */
    fmq__body *dropped;
    bool had_side;
    uint32_t n_to_send;
    uint32_t close_after; /* messages sent and received; or NEVER */
    uint32_t n_sent;
    uint32_t n_got;
    rng random;
} end;

static void
end_init(end *e, uint32_t n_to_send, uint32_t close_after, uint64_t seed)
{
    memset(e, 0, sizeof(*e));
    REQUIRE(pthread_mutex_init(&e->lock, NULL) == 0);
    REQUIRE(fmq__inbox_new(&e->inbox) == 0);
    e->n_to_send = n_to_send;
    e->close_after = close_after;
    e->random.state = seed;
}

static void
lock(end *e)
{
    pthread_mutex_lock(&e->lock);
    has_lock = true;
}

static void
unlock(end *e)
{
    fmq__body *dropped = e->dropped;

    e->dropped = NULL;
    has_lock = false;
    pthread_mutex_unlock(&e->lock);
    fmq__body_flush(&dropped);
}

static void
attach(end *e, fmq__inproc *side)
{
    CHECK(!e->had_side);
    side->owner = e;
    side->is_open = true;
    side->pipe.in->dropped = &e->dropped;
    side->pipe.out->dropped = &e->dropped;
    e->side = side;
    e->had_side = true;
}

static void
take_notes(end *e)
{
    fmq__mpsc_node *n = fmq__mpsc_take(&e->inbox->notes);

    while (n != NULL) {
        fmq__inproc *side = fmq__inproc_from_note(n);

        n = n->next;
        fmq__inproc_take_note(side);
        if (side->owner == NULL) {
            attach(e, side);
        }
        CHECK(side->owner == e);
        if (side->is_open && fmq__duct_is_reader_gone(side->tx)) {
            side->pipe.is_closed_out = true;
            if (side->pipe.n_in == 0 && fmq__inproc_is_finished(side)) {
                e->side = NULL;
                side->is_open = false;
                fmq__inproc_close(side, &e->dropped);
            }
        }
        fmq__inproc_end_note(side);
    }
}

/* Message `n`: its number, and in every fourth a lent body behind it. */
static void
send_number(end *e, uint32_t n)
{
    fmq__outpart parts[2] = {{(const uint8_t *)&n, sizeof(n), NULL}};
    size_t n_parts = 1;
    fmq__pipe *p = &e->side->pipe;

    if (n % 4 == 0) {
        parts[1] = (fmq__outpart){lent_bytes, LENT, NULL};
        REQUIRE(fmq__body_new_lent(lent_bytes, give_back, NULL, &parts[1].body) == 0);
        atomic_fetch_add_explicit(&n_lent, 1, memory_order_relaxed);
        n_parts = 2;
    }
    CHECK_EQ(fmq__pipe_send(p, p->out->end, parts, n_parts), 0);
    if (n_parts == 2) {
        fmq__body_drop_later(parts[1].body, &e->dropped); /* the queue has its own */
    }
}

static bool
send_more(end *e)
{
    if (e->side == NULL || e->n_sent == e->n_to_send ||
        !fmq__pipe_can_write(&e->side->pipe)) {
        return false;
    }
    send_number(e, e->n_sent++);
    return true;
}

static void
get_number(fmq__pipe *p, uint32_t want)
{
    uint32_t n = 0;
    fmq__frame f;

    fmq__pipe_pop(p, &f);
    CHECK_EQ(f.len, sizeof(n));
    memcpy(&n, f.data, sizeof(n));
    CHECK_EQ(n, want);
    CHECK_EQ((f.flags & FMQ__MORE) != 0, want % 4 == 0);
    if (f.flags & FMQ__MORE) {
        fmq__pipe_pop(p, &f);
        CHECK(f.is_ref && f.data == lent_bytes && f.len == LENT && f.flags == 0);
        fmq__pipe_drop(p, &f);
    }
}

static bool
get_more(end *e)
{
    if (e->side == NULL || !fmq__pipe_can_read(&e->side->pipe)) {
        return false;
    }
    get_number(&e->side->pipe, e->n_got++);
    return true;
}

/* Closes the inbox, and whatever side there is, with or without the lock. */
static void
end_close(end *e)
{
    fmq__inproc *side;
    fmq__mpsc_node *n;

    lock(e);
    n = fmq__mpsc_close(&e->inbox->notes);
    while (n != NULL) {
        fmq__inproc *told = fmq__inproc_from_note(n);

        n = n->next;
        fmq__inproc_take_note(told);
        if (told->owner == NULL) {
            attach(e, told);
        }
        fmq__inproc_end_note(told);
    }
    side = e->side;
    e->side = NULL;
    if (side != NULL && rng_below(&e->random, 2) == 0) {
        fmq__inproc_close(side, &e->dropped);
        side = NULL;
    }
    unlock(e);
    if (side != NULL) {
        fmq__inproc_close(side, NULL);
    }
    fmq__inbox_drop(e->inbox);
    e->inbox = NULL;
}

static void
sleep_once(end *e)
{
    uint32_t bell = atomic_load_explicit(&e->inbox->bell, memory_order_relaxed);

    atomic_store_explicit(&e->inbox->has_sleeper, true, memory_order_relaxed);
    if (fmq__mpsc_sleep(&e->inbox->notes, 1)) {
        unlock(e);
        (void)fmq__futex_wait(&e->inbox->bell, bell, FMQ__NEVER);
        lock(e);
    }
    atomic_store_explicit(&e->inbox->has_sleeper, false, memory_order_relaxed);
    fmq__mpsc_wake(&e->inbox->notes);
}

/* The peer has gone and all it sent was read, or it is time to close. */
static bool
is_over(const end *e)
{
    return (e->had_side && e->side == NULL) || e->n_sent + e->n_got >= e->close_after;
}

/* Sends and receives until it is time to close, or the peer has gone. */
static void *
run_end(void *arg)
{
    end *e = arg;

    lock(e);
    while (!is_over(e)) {
        bool is_active = false;

        take_notes(e);
        for (uint32_t i = rng_below(&e->random, 8); i > 0; i--) {
            is_active = send_more(e) || is_active;
        }
        for (uint32_t i = rng_below(&e->random, 8); i > 0; i--) {
            is_active = get_more(e) || is_active;
        }
        if (is_over(e)) {
            break;
        }
        /* Both must have said no before it may sleep. */
        if (!is_active && !send_more(e) && !get_more(e)) {
            sleep_once(e);
        } else if (rng_below(&e->random, 16) == 0) {
            unlock(e);
            lock(e);
        }
    }
    unlock(e);
    end_close(e);
    return NULL;
}

/* Makes a couple whose side 0 is `a`'s. */
static fmq__couple *
connect_end(end *a, uint32_t limit)
{
    fmq__couple *c = NULL;

    REQUIRE(fmq__couple_new(a->inbox, limit, 0, &c) == 0);
    attach(a, &c->side[0]);
    return c;
}

/* As a bind does that finds the couple waiting. False: its connecter has left. */
static bool
join(end *a, fmq__couple *c, fmq__inbox *binder, uint32_t limit)
{
    bool is_told = false;
    bool is_there;

    lock(a);
    is_there = a->side != NULL;
    if (is_there) {
        is_told = fmq__couple_join(c, binder, limit, limit);
    }
    unlock(a);
    if (!is_told) {
        fmq__inproc_close(&c->side[1], NULL);
    }
    return is_there;
}

/* --- one thread --- */

TEST(what_is_sent_before_the_join_comes_after_it)
{
    fmq__couple *c;
    end a;
    end b;

    end_init(&a, 100, NEVER, 1);
    end_init(&b, 100, NEVER, 2);
    c = connect_end(&a, 2);
    CHECK(send_more(&a));
    CHECK(send_more(&a));
    CHECK(!send_more(&a)); /* the connecter's mark */
    take_notes(&b);
    CHECK(b.side == NULL);
    (void)join(&a, c, b.inbox, 4);
    CHECK(send_more(&a));
    CHECK(send_more(&a));
    CHECK(!send_more(&a)); /* both marks */
    take_notes(&b);
    for (int i = 0; i < 4; i++) {
        CHECK(get_more(&b));
    }
    CHECK(!get_more(&b));
    take_notes(&a);
    CHECK(send_more(&a) && get_more(&b));
    for (int i = 0; i < 4; i++) {
        CHECK(send_more(&b));
    }
    CHECK(!send_more(&b)); /* this way, too */
    CHECK(get_more(&a));
    end_close(&a);
    end_close(&b);
    CHECK_EQ(count_lent(), 0);
}

TEST(a_close_is_told_to_one_that_is_awake)
{
    for (int who = 0; who < 2; who++) {
        fmq__couple *c;
        end a;
        end b;
        end *closer = who == 0 ? &a : &b;
        end *other = who == 0 ? &b : &a;

        end_init(&a, 100, NEVER, 3);
        end_init(&b, 100, NEVER, 4);
        c = connect_end(&a, 9);
        (void)join(&a, c, b.inbox, 9);
        take_notes(&b);
        CHECK(send_more(closer) && send_more(other));
        end_close(closer);
        CHECK(fmq__mpsc_has_nodes(&other->inbox->notes));
        take_notes(other);
        CHECK(other->side != NULL); /* there is something to read */
        CHECK(!send_more(other));
        CHECK(get_more(other));
        take_notes(other); /* its own note */
        CHECK(other->side == NULL);
        end_close(other);
        CHECK_EQ(count_lent(), 0);
    }
}

TEST(one_that_closes_before_it_was_told_is_told_for)
{
    fmq__couple *c;
    end a;
    end b;

    end_init(&a, 100, NEVER, 5);
    end_init(&b, 100, NEVER, 6);
    c = connect_end(&a, 9);
    CHECK(send_more(&a));
    fmq__inbox_hold(b.inbox);
    {
        fmq__inbox *inbox = b.inbox;

        end_close(&b);
        CHECK(join(&a, c, inbox, 9)); /* too late: closes side 1 in its place */
        fmq__inbox_drop(inbox);
    }
    CHECK(fmq__mpsc_has_nodes(&a.inbox->notes));
    take_notes(&a);
    CHECK(a.side == NULL);
    end_close(&a);
    CHECK_EQ(count_lent(), 0);
}

TEST(a_note_that_was_not_looked_at_is_enough)
{
    fmq__couple *c;
    end a;
    end b;

    end_init(&a, 100, NEVER, 7);
    end_init(&b, 100, NEVER, 8);
    c = connect_end(&a, 9);
    (void)join(&a, c, b.inbox, 9);
    CHECK(fmq__inproc_tell(&c->side[1])); /* it has one: nothing more is posted */
    CHECK(send_more(&a));
    end_close(&a); /* and b learns of all of it by the same note */
    take_notes(&b);
    CHECK(b.side != NULL && !send_more(&b));
    CHECK(get_more(&b));
    take_notes(&b);
    CHECK(b.side == NULL);
    end_close(&b);
    CHECK_EQ(count_lent(), 0);
}

/* What the writer appends after the reader has gone is the writer's to give back. */
TEST(no_lender_is_called_under_a_lock)
{
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        fmq__couple *c;
        fmq__inproc *side;
        end a;
        end b;

        end_init(&a, 100, NEVER, 9);
        end_init(&b, 100, NEVER, 10);
        c = connect_end(&a, 0);
        (void)join(&a, c, b.inbox, 0);
        take_notes(&b);
        CHECK(send_more(&a)); /* number 0 carries a lent body */
        end_close(&b);
        CHECK_EQ(count_lent(), 0);
        lock(&a);
        a.n_sent = 0;
        CHECK(send_more(&a));
        side = a.side;
        a.side = NULL;
        if (is_locked) {
            fmq__inproc_close(side, &a.dropped);
            CHECK_EQ(count_lent(), 1);
        }
        unlock(&a);
        if (!is_locked) {
            fmq__inproc_close(side, NULL);
        }
        CHECK_EQ(count_lent(), 0);
        end_close(&a);
    }
}

TEST(without_memory_there_is_no_couple)
{
    uint64_t n_failed = 0;
    int err = ENOMEM;

    for (uint64_t n = 1; err != 0; n++) {
        fmq__couple *c = NULL;
        end a;

        end_init(&a, 0, NEVER, 11);
        (void)fmq__alloc_fail_at(n, 0);
        err = fmq__couple_new(a.inbox, 9, 0, &c);
        (void)fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            CHECK(c == NULL);
            n_failed++;
        } else {
            fmq__inproc_close(&c->side[0], NULL);
            fmq__inproc_close(&c->side[1], NULL);
            CHECK(!fmq__mpsc_has_nodes(&a.inbox->notes)); /* nobody was left to tell */
        }
        fmq__inbox_drop(a.inbox);
    }
    CHECK_EQ(n_failed, 5);
}

/* --- two threads --- */

/* Joins after a while, from the binder's thread; then runs it. */
typedef struct late_binder {
    end *a;
    end *b;
    fmq__couple *c;
    uint32_t limit;
    uint32_t n_before; /* what the connecter has sent at least, before the join */
    bool is_closed_first;
} late_binder;

static void *
bind_late(void *arg)
{
    late_binder *l = arg;
    fmq__inbox *inbox = l->b->inbox;
    uint32_t n;

    fmq__inbox_hold(inbox);
    do {
        pthread_mutex_lock(&l->a->lock);
        n = l->a->n_sent;
        pthread_mutex_unlock(&l->a->lock);
    } while (n < l->n_before);
    if (l->is_closed_first) {
        end_close(l->b);
    }
    if (!join(l->a, l->c, inbox, l->limit) && !l->is_closed_first) {
        end_close(l->b); /* nobody will ever come */
    } else if (!l->is_closed_first) {
        (void)run_end(l->b);
    }
    fmq__inbox_drop(inbox);
    return NULL;
}

static void
run_couple(end *a, end *b, uint32_t limit, uint32_t n_before, bool is_closed_first)
{
    late_binder l = {.a = a,
                     .b = b,
                     .limit = limit,
                     .n_before = n_before,
                     .is_closed_first = is_closed_first};
    pthread_t thread;

    l.c = connect_end(a, n_before > 3 ? n_before : 3);
    REQUIRE(pthread_create(&thread, NULL, bind_late, &l) == 0);
    (void)run_end(a);
    pthread_join(thread, NULL);
    CHECK_EQ(count_lent(), 0);
}

TEST(both_ways_at_every_limit)
{
    static const uint32_t limits[] = {1, 2, 3, 16, 1000, 0};

    for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        enum { N = 4000 };
        end a;
        end b;

        end_init(&a, N, 2 * N, 100 + i); /* closes when it has sent and got all */
        end_init(&b, N, NEVER, 200 + i); /* closes when the other has */
        run_couple(&a, &b, limits[i], i % 4, false);
        CHECK_EQ(a.n_sent, N);
        CHECK_EQ(a.n_got, N);
        CHECK_EQ(b.n_sent, N);
        CHECK_EQ(b.n_got, N);
    }
}

TEST(either_side_closes_at_any_moment)
{
    rng g = {.state = 987654321};

    for (uint32_t i = 0; i < 400; i++) {
        uint32_t when = rng_below(&g, 4);
        uint32_t n_before = rng_below(&g, 3);
        uint32_t limit = rng_below(&g, 6);
        end a;
        end b;

        end_init(&a, 200, when != 0 ? n_before + rng_below(&g, 200) : NEVER, 1000 + i);
        end_init(&b, 200, when != 1 ? rng_below(&g, 200) : NEVER, 5000 + i);
        run_couple(&a, &b, limit, n_before, when == 3);
        CHECK(a.n_got <= b.n_sent && b.n_got <= a.n_sent);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(what_is_sent_before_the_join_comes_after_it),
        CASE(a_close_is_told_to_one_that_is_awake),
        CASE(one_that_closes_before_it_was_told_is_told_for),
        CASE(a_note_that_was_not_looked_at_is_enough),
        CASE(no_lender_is_called_under_a_lock),
        CASE(without_memory_there_is_no_couple),
        CASE(both_ways_at_every_limit),
        CASE(either_side_closes_at_any_moment),
    };

    return CHECK_MAIN(cases);
}
