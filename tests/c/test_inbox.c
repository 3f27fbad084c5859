/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/inbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "deny.h"
#include "gate.h"

enum { N_POSTERS = 3, N_EACH = 5000 };

static fmq__inbox *
new_inbox(void)
{
    fmq__inbox *i = NULL;

    REQUIRE(fmq__inbox_new(&i) == 0);
    return i;
}

static uint32_t
bell_of(fmq__inbox *i)
{
    return atomic_load_explicit(&i->bell, memory_order_relaxed);
}

static bool
is_readable(const fmq__inbox *i)
{
    struct pollfd item = {.fd = i->edge.read_fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1;
}

TEST(a_note_rings_only_if_the_owner_sleeps)
{
    fmq__inbox *i = new_inbox();
    fmq__mpsc_node note[3];
    uint32_t bell = bell_of(i);

    CHECK(fmq__inbox_post(i, &note[0]));
    CHECK_EQ(bell_of(i), bell);
    CHECK(fmq__mpsc_take(&i->notes) == &note[0]);
    CHECK(fmq__mpsc_sleep(&i->notes, 1));
    CHECK(fmq__inbox_post(i, &note[1]));
    CHECK_EQ(bell_of(i), bell + 1);
    CHECK(fmq__inbox_post(i, &note[2]));
    CHECK_EQ(bell_of(i), bell + 1);
    CHECK(fmq__mpsc_take(&i->notes) == &note[1]);
    fmq__inbox_ring(i);
    CHECK_EQ(bell_of(i), bell + 2);
    fmq__inbox_drop(i);
}

TEST(a_closed_inbox_gives_notes_back)
{
    fmq__inbox *i = new_inbox();
    fmq__mpsc_node note[2];
    uint32_t bell = bell_of(i);

    CHECK(fmq__inbox_post(i, &note[0]));
    CHECK(fmq__mpsc_close(&i->notes) == &note[0]);
    CHECK(!fmq__inbox_post(i, &note[1]));
    CHECK_EQ(bell_of(i), bell);
    fmq__inbox_drop(i);
}

TEST(the_edge_is_rung_from_the_moment_it_is_there)
{
    fmq__inbox *i = new_inbox();
    fmq__mpsc_node note;
    int fd;

    fmq__inbox_ring(i); /* nobody hears */
    CHECK_EQ(fmq__inbox_need_edge(i), 0);
    fd = i->edge.read_fd;
    CHECK(fd >= 0 && !is_readable(i));
    CHECK_EQ(fmq__inbox_need_edge(i), 0);
    CHECK_EQ(i->edge.read_fd, fd);
    fmq__inbox_ring(i);
    CHECK(is_readable(i));
    fmq__wake_drain(&i->edge);
    CHECK(fmq__mpsc_sleep(&i->notes, 1));
    CHECK(fmq__inbox_post(i, &note));
    CHECK(is_readable(i));
    fmq__inbox_drop(i);
    CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
}

TEST(the_last_to_drop_frees)
{
    fmq__inbox *i = new_inbox();

    fmq__inbox_hold(i);
    fmq__inbox_drop(i);
    fmq__inbox_ring(i);
    CHECK_EQ(bell_of(i), 1);
    fmq__inbox_drop(i);
}

TEST(without_memory_there_is_no_inbox)
{
    fmq__inbox *i = NULL;

    (void)fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__inbox_new(&i), ENOMEM);
    (void)fmq__alloc_fail_at(0, 0);
    CHECK(i == NULL);
}

TEST(without_descriptors_the_edge_comes_later)
{
    fmq__inbox *i = new_inbox();
    rlim_t before = deny_descriptors(0);

    CHECK_EQ(fmq__inbox_need_edge(i), EMFILE);
    fmq__inbox_ring(i);
    (void)deny_descriptors(before);
    CHECK_EQ(fmq__inbox_need_edge(i), 0);
    fmq__inbox_ring(i);
    CHECK(is_readable(i));
    fmq__inbox_drop(i);
}

/* --- threads --- */

typedef struct poster {
    fmq__inbox *inbox;
    fmq__mpsc_node note[N_EACH];
    gate taken;
} poster;

static void *
post_all(void *arg)
{
    poster *p = arg;

    for (int n = 0; n < N_EACH; n++) {
        CHECK(fmq__inbox_post(p->inbox, &p->note[n]));
        gate_wait(&p->taken, (uint32_t)n + 1); /* so that the owner sleeps often */
    }
    fmq__inbox_drop(p->inbox);
    return NULL;
}

/* Sleeps as the leader of a socket does: on the word, or (every other time, once there
 * is one) on the edge. */
static void
sleep_once(fmq__inbox *i, bool on_edge)
{
    uint32_t bell = bell_of(i);

    if (on_edge) {
        fmq__wake_drain(&i->edge);
    }
    atomic_store_explicit(&i->has_sleeper, !on_edge, memory_order_relaxed);
    if (!fmq__mpsc_sleep(&i->notes, 1)) {
        return;
    }
    if (on_edge) {
        struct pollfd item = {.fd = i->edge.read_fd, .events = POLLIN};

        REQUIRE(poll(&item, 1, -1) == 1);
    } else {
        (void)fmq__futex_wait(&i->bell, bell, FMQ__NEVER);
    }
    atomic_store_explicit(&i->has_sleeper, false, memory_order_relaxed);
    fmq__mpsc_wake(&i->notes);
}

static poster *
find_poster(poster *all, const fmq__mpsc_node *n)
{
    for (int i = 0; i < N_POSTERS; i++) {
        if (n >= all[i].note && n < all[i].note + N_EACH) {
            return &all[i];
        }
    }
    REQUIRE(!"a stranger's note");
    return NULL;
}

TEST(no_note_is_slept_through)
{
    static poster posters[N_POSTERS];
    pthread_t thread[N_POSTERS];
    fmq__inbox *inbox = new_inbox();
    unsigned n_taken = 0;
    unsigned n_sleeps = 0;

    for (int i = 0; i < N_POSTERS; i++) {
        fmq__inbox_hold(inbox);
        posters[i].inbox = inbox;
        gate_init(&posters[i].taken);
        REQUIRE(pthread_create(&thread[i], NULL, post_all, &posters[i]) == 0);
    }
    while (n_taken < N_POSTERS * N_EACH) {
        fmq__mpsc_node *n = fmq__mpsc_take(&inbox->notes);

        if (n == NULL) {
            if (n_taken > N_EACH) {
                REQUIRE(fmq__inbox_need_edge(inbox) == 0);
            }
            sleep_once(inbox, n_taken > N_EACH && n_sleeps % 2 == 0);
            n_sleeps++;
        }
        while (n != NULL) {
            poster *p = find_poster(posters, n);

            n = n->next;
            n_taken++;
            gate_pass(&p->taken);
        }
    }
    for (int i = 0; i < N_POSTERS; i++) {
        pthread_join(thread[i], NULL);
    }
    fmq__inbox_drop(inbox);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_note_rings_only_if_the_owner_sleeps),
        CASE(a_closed_inbox_gives_notes_back),
        CASE(the_edge_is_rung_from_the_moment_it_is_there),
        CASE(the_last_to_drop_frees),
        CASE(without_memory_there_is_no_inbox),
        CASE(without_descriptors_the_edge_comes_later),
        CASE(no_note_is_slept_through),
    };

    return CHECK_MAIN(cases);
}
