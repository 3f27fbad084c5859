/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "base/sched.h"
#include "session/spin.h"
#include "sockets.h"

enum { SPIN_US = FMQ_SPIN_US, SHORT = 1000, LONG = 10 * FMQ__SPIN_NS };

static fmq__spin
new_spin(int limit_us)
{
    fmq__spin s;

    fmq__spin_init(&s);
    fmq__spin_limit(&s, limit_us);
    return s;
}

/* How many waits sleep at once before the next one that looks. */
static uint32_t
count_sleeps(fmq__spin *s)
{
    uint32_t n = 0;

    while (fmq__spin_begin(s) == 0) {
        n++;
    }
    return n;
}

static void
only_one_cpu(cpu_set_t *before)
{
    cpu_set_t one;
    size_t cpu = 0;

    REQUIRE(sched_getaffinity(0, sizeof(*before), before) == 0);
    while (!CPU_ISSET(cpu, before)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
}

static bool
has_two_cpus(void)
{
    cpu_set_t cpus;

    REQUIRE(sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
    return CPU_COUNT(&cpus) > 1;
}

/* --- the rule --- */

TEST(a_number_is_the_limit_every_time)
{
    fmq__spin s = new_spin(7);

    for (int i = 0; i < 10; i++) {
        CHECK_EQ(fmq__spin_begin(&s), 7000);
        fmq__spin_end(&s, false, LONG, 7000);
    }
    s = new_spin(0);
    CHECK_EQ(fmq__spin_begin(&s), 0);
}

TEST(what_finds_something_goes_on)
{
    fmq__spin s = new_spin(FMQ__SPIN_BY_ITSELF);

    for (int i = 0; i < 10; i++) {
        CHECK_EQ(fmq__spin_begin(&s), FMQ__SPIN_NS);
        fmq__spin_end(&s, true, SHORT, FMQ__SPIN_NS);
    }
}

TEST(in_vain_it_is_done_less_and_less)
{
    fmq__spin s = new_spin(FMQ__SPIN_BY_ITSELF);
    uint32_t before = 0;

    for (int i = 0; i < 20; i++) {
        uint32_t n = count_sleeps(&s);

        CHECK(i == 0 || n == FMQ__SPIN_SKIPS || n == 2 * before);
        fmq__spin_end(&s, false, FMQ__SPIN_NS, FMQ__SPIN_NS);
        before = n != 0 ? n : 1;
    }
    CHECK_EQ(count_sleeps(&s), FMQ__SPIN_SKIPS);
    fmq__spin_end(&s, true, SHORT, FMQ__SPIN_NS);
    CHECK_EQ(count_sleeps(&s), 0);
}

TEST(who_is_taken_off_the_processor_now_and_then_stops_for_a_while)
{
    fmq__spin s = new_spin(FMQ__SPIN_BY_ITSELF);

    for (int i = 0; i < 5; i++) {
        CHECK_EQ(count_sleeps(&s), i == 0 ? 0 : FMQ__SPIN_SKIPS_BUSY);
        for (int n = 0; n < FMQ__SPIN_SELDOM; n++) {
            fmq__spin_end(&s, true, SHORT, FMQ__SPIN_NS);
            CHECK_EQ(fmq__spin_begin(&s), FMQ__SPIN_NS);
        }
        fmq__spin_end(&s, true, LONG, FMQ__SPIN_NS);
    }
}

TEST(who_is_taken_off_again_stops_for_longer)
{
    fmq__spin s = new_spin(FMQ__SPIN_BY_ITSELF);
    uint32_t expected = FMQ__SPIN_SKIPS_BUSY;

    (void)count_sleeps(&s);
    for (int i = 0; i < 12; i++) {
        fmq__spin_end(&s, true, LONG, FMQ__SPIN_NS);
        CHECK_EQ(count_sleeps(&s), expected);
        for (int n = 1; n < FMQ__SPIN_SELDOM; n++) {
            fmq__spin_end(&s, true, SHORT, FMQ__SPIN_NS);
        }
        expected = expected < FMQ__SPIN_SKIPS_MAX / FMQ__SPIN_BUSY_FACTOR
                       ? FMQ__SPIN_BUSY_FACTOR * expected
                       : FMQ__SPIN_SKIPS_MAX;
    }
    CHECK_EQ(expected, FMQ__SPIN_SKIPS_MAX);
}

TEST(with_one_processor_it_is_given_away)
{
    fmq__spin s = new_spin(FMQ__SPIN_BY_ITSELF);
    cpu_set_t before;

    only_one_cpu(&before);
    CHECK_EQ(fmq__sched_n_cpus(), 1);
    CHECK_EQ(fmq__spin_begin(&s), FMQ__SPIN_NS);
    CHECK(s.is_yielding);
    CHECK(!fmq__spin_is_in_turn(&s));
    fmq__spin_end(&s, true, SHORT, FMQ__SPIN_NS);
    CHECK(fmq__spin_is_in_turn(&s));
    REQUIRE(sched_setaffinity(0, sizeof(before), &before) == 0);
    CHECK_EQ(fmq__spin_begin(&s), FMQ__SPIN_NS); /* only who found nothing asks again */
    CHECK(s.is_yielding);
    fmq__spin_end(&s, false, FMQ__SPIN_NS, FMQ__SPIN_NS);
    CHECK(!fmq__spin_is_in_turn(&s));
    (void)count_sleeps(&s);
    CHECK_EQ(s.is_yielding, !has_two_cpus());
    s = new_spin(7);
    CHECK_EQ(fmq__spin_begin(&s), 7000);
    CHECK(!s.is_yielding); /* who names a time looks for so long */
}

/* --- one look --- */

enum { LIMIT = 50, NOW = 1000 };

TEST(a_look_lasts_as_long_as_it_may)
{
    fmq__look l = fmq__look_begin(NOW, LIMIT, FMQ__NEVER);

    CHECK(fmq__look_goes_on(&l, NOW, false));
    CHECK(fmq__look_goes_on(&l, NOW + LIMIT - 1, false));
    CHECK(!fmq__look_goes_on(&l, NOW + LIMIT, false));
    l = fmq__look_begin(NOW, LIMIT, 10);
    CHECK(fmq__look_goes_on(&l, NOW + 9, false));
    CHECK(!fmq__look_goes_on(&l, NOW + 10, false));
    l = fmq__look_begin(NOW, LIMIT, 0);
    CHECK(!fmq__look_goes_on(&l, NOW, false));
}

TEST(a_piece_is_a_beginning)
{
    fmq__look l = fmq__look_begin(NOW, LIMIT, FMQ__NEVER);
    uint64_t now = NOW;

    while (now < NOW + FMQ__SPIN_PIECES_NS) {
        CHECK(fmq__look_goes_on(&l, now, true));
        CHECK(fmq__look_goes_on(&l, now + LIMIT - 1, false));
        now += LIMIT - 1;
    }
    CHECK(now > NOW + LIMIT);
    CHECK(fmq__look_goes_on(&l, now, true)); /* but for long enough */
    CHECK(!fmq__look_goes_on(&l, now + LIMIT, true));
    l = fmq__look_begin(NOW, LIMIT, 70);
    CHECK(fmq__look_goes_on(&l, NOW + LIMIT - 1, true));
    CHECK(!fmq__look_goes_on(&l, NOW + 70, true)); /* nor than the call may wait */
}

/* --- sockets --- */

typedef struct echo {
    fmq_socket s;
    int n;
} echo;

static void
answer(void *arg)
{
    const echo *e = arg;
    char text[TEXT_ROOM];

    for (int i = 0; i < e->n; i++) {
        REQUIRE(recv_text(e->s, text, 0) == 0);
        REQUIRE(send_text(e->s, text, 0) == 0);
    }
}

/* Receives as a binding does, which tries before it waits, or by trying alone. */
static int
take(fmq_socket s, char *text, bool waits)
{
    int err = recv_text(s, text, waits ? FMQ_TRY : FMQ_DONTWAIT);

    while (!waits && err == EAGAIN) {
        (void)sched_yield();
        err = recv_text(s, text, FMQ_DONTWAIT);
    }
    return err == FMQ_EBUSY_TRY ? recv_text(s, text, 0) : err;
}

static void
turn_round(const char *endpoint, int limit_us)
{
    fmq_ctx ctx = new_ctx();
    echo e = {new_brisk(ctx, REP), 300};
    fmq_socket req = new_brisk(ctx, REQ);
    fmq__thread thread;
    char text[TEXT_ROOM];

    set_int(e.s, SPIN_US, limit_us);
    set_int(req, SPIN_US, limit_us);
    CHECK_EQ(get_int(req, SPIN_US), limit_us);
    join(e.s, req, endpoint);
    REQUIRE(fmq__thread_open(&thread, answer, &e, "echo") == 0);
    for (int i = 0; i < e.n; i++) {
        char expected[TEXT_ROOM];

        (void)snprintf(text, sizeof(text), "question %d", i);
        REQUIRE(send_text(req, text, 0) == 0);
        memcpy(expected, text, sizeof(expected));
        REQUIRE(take(req, text, i % 3 != 0) == 0);
        CHECK_STR(text, expected);
    }
    fmq__thread_join(thread);
    close_all((fmq_socket[]){e.s, req}, 2);
    end_ctx(ctx);
}

TEST(round_trips_with_every_limit)
{
    static const int limits[] = {FMQ__SPIN_BY_ITSELF, 0, 1, 200, FMQ__SPIN_MAX_US};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        turn_round("tcp://127.0.0.1:*", limits[i]);
        turn_round("inproc://spin", limits[i]);
    }
}

TEST(round_trips_on_one_processor)
{
    cpu_set_t before;

    only_one_cpu(&before);
    turn_round("tcp://127.0.0.1:*", FMQ__SPIN_BY_ITSELF);
    turn_round("inproc://yield", FMQ__SPIN_BY_ITSELF);
    REQUIRE(sched_setaffinity(0, sizeof(before), &before) == 0);
}

TEST(a_deadline_ends_it)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    fmq_msg m = {0};

    set_int(s, SPIN_US, FMQ__SPIN_MAX_US);
    set_int(s, RCVTIMEO, 5);
    CHECK_EQ(fmq_msg_recv(s, &m, 0), EAGAIN);
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    CHECK_EQ(fmq_msg_recv(s, &m, 0), EAGAIN);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* Waits 5 ms in vain: a thread that comes late from its sleep may be told of a nap. */
static void
wait_in_vain(fmq_socket s)
{
    uint64_t deadline = fmq_now_ns() + 5000000;
    fmq_msg m = {0};
    int err = fmq_msg_recv_until(s, &m, deadline);

    CHECK(err == EAGAIN || err == EINTR);
    CHECK(fmq_now_ns() >= deadline);
}

/* Who asks for signals itself is asked to before it sleeps. */
TEST(signals_are_asked_for_after_it)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    fmq_msg m = {0};

    set_int(s, SPIN_US, 1000);
    CHECK_EQ(fmq_msg_recv_until(s, &m, fmq_now_ns() + 5000000), EAGAIN);
    fmq_ask_for_signals(1);
    CHECK_EQ(fmq_msg_recv_until(s, &m, FMQ__NEVER), EINTR);
    wait_in_vain(s); /* sleeps now */
    CHECK_EQ(fmq_msg_recv_until(s, &m, FMQ__NEVER), EINTR);
    CHECK_EQ(fmq_msg_recv_until(s, &m, 0), EAGAIN);
    set_int(s, SPIN_US, 0);
    wait_in_vain(s);
    fmq_ask_for_signals(0);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

TEST(values)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    int bad[] = {-2, FMQ__SPIN_MAX_US + 1};

    CHECK_EQ(get_int(s, SPIN_US), -1);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(fmq_setsockopt(s, SPIN_US, &bad[i], sizeof(bad[i])), EINVAL);
    }
    CHECK_EQ(get_int(s, SPIN_US), -1);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_number_is_the_limit_every_time),
        CASE(what_finds_something_goes_on),
        CASE(in_vain_it_is_done_less_and_less),
        CASE(who_is_taken_off_the_processor_now_and_then_stops_for_a_while),
        CASE(who_is_taken_off_again_stops_for_longer),
        CASE(with_one_processor_it_is_given_away),
        CASE(a_look_lasts_as_long_as_it_may),
        CASE(a_piece_is_a_beginning),
        CASE(round_trips_with_every_limit),
        CASE(round_trips_on_one_processor),
        CASE(a_deadline_ends_it),
        CASE(signals_are_asked_for_after_it),
        CASE(values),
    };

    return CHECK_MAIN(cases);
}
