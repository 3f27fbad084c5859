/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "zmq_sockets.h"
#include "zmq_utils.h"

TEST(versions_and_capabilities)
{
    int major = 0;
    int minor = 0;
    int patch = 0;

    zmq_version(&major, &minor, &patch);
    CHECK_EQ(ZMQ_MAKE_VERSION(major, minor, patch), ZMQ_VERSION);
    CHECK_EQ(ZMQ_VERSION, 40305);
    zmq_version(NULL, NULL, NULL);
    CHECK_EQ(zmq_has("ipc"), 1);
    CHECK_EQ(zmq_has("pgm"), 0);
    CHECK_EQ(zmq_has("draft"), 1);
    CHECK_EQ(zmq_has(NULL), 0);
}

TEST(errors_have_texts)
{
    errno = EFSM;
    CHECK_EQ(zmq_errno(), 156384763);
    CHECK_STR(zmq_strerror(EFSM), "Operation cannot be accomplished in current state");
    CHECK_STR(zmq_strerror(ENOCOMPATPROTO),
              "The protocol is not compatible with the socket type");
    CHECK_STR(zmq_strerror(ETERM), "Context was terminated");
    CHECK_STR(zmq_strerror(EMTHREAD), "No thread available");
    CHECK_STR(zmq_strerror(EINVAL), strerror(EINVAL));
}

TEST(counters)
{
    void *c = zmq_atomic_counter_new();

    REQUIRE(c != NULL);
    CHECK_EQ(zmq_atomic_counter_value(c), 0);
    CHECK_EQ(zmq_atomic_counter_inc(c), 0);
    CHECK_EQ(zmq_atomic_counter_inc(c), 1);
    CHECK_EQ(zmq_atomic_counter_value(c), 2);
    CHECK_EQ(zmq_atomic_counter_dec(c), 1);
    CHECK_EQ(zmq_atomic_counter_dec(c), 0);
    zmq_atomic_counter_set(c, 7);
    CHECK_EQ(zmq_atomic_counter_value(c), 7);
    zmq_atomic_counter_destroy(&c);
    CHECK(c == NULL);
    /* None. */
    zmq_atomic_counter_destroy(&c);
    zmq_atomic_counter_destroy(NULL);
    zmq_atomic_counter_set(NULL, 1);
    CHECK_EQ(zmq_atomic_counter_inc(NULL), 0);
    CHECK_EQ(zmq_atomic_counter_dec(NULL), 0);
    CHECK_EQ(zmq_atomic_counter_value(NULL), 0);
    fmq__alloc_fail_at(1, 0);
    GIVES_NULL(zmq_atomic_counter_new(), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

TEST(watches)
{
    void *w = zmq_stopwatch_start();
    unsigned long some;

    REQUIRE(w != NULL);
    while (zmq_stopwatch_intermediate(w) == 0) {
        sched_yield();
    }
    some = zmq_stopwatch_intermediate(w);
    CHECK(some > 0);
    CHECK(zmq_stopwatch_stop(w) >= some);
    CHECK_EQ(zmq_stopwatch_intermediate(NULL), 0);
    CHECK_EQ(zmq_stopwatch_stop(NULL), 0);
    fmq__alloc_fail_at(1, 0);
    GIVES_NULL(zmq_stopwatch_start(), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

TEST(a_signal_ends_sleep)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    nagger n;

    zmq_sleep(0);
    zmq_sleep(-1);
    nag_me(&n);
    zmq_sleep(10 * PATIENCE_MS / 1000);
    stop_nagging(&n);
    CHECK(fmq__clock_ns() < deadline);
}

typedef struct told {
    sigset_t mask;
    char name[16];
} told;

static void
tell(void *arg)
{
    told *t = arg;

    (void)pthread_sigmask(SIG_BLOCK, NULL, &t->mask);
    (void)pthread_getname_np(pthread_self(), t->name, sizeof(t->name));
}

TEST(threads)
{
    told t = {0};
    void *thread = zmq_threadstart(tell, &t);

    REQUIRE(thread != NULL);
    zmq_threadclose(thread);
    CHECK_STR(t.name, "ZMQapp");
    CHECK_EQ(sigismember(&t.mask, SIGINT), 1);
    zmq_threadclose(NULL);
    GIVES_NULL(zmq_threadstart(NULL, NULL), EFAULT);
    for (uint64_t i = 1; i <= 2; i++) {
        fmq__alloc_fail_at(i, 0);
        GIVES_NULL(zmq_threadstart(tell, &t), ENOMEM);
    }
    fmq__alloc_fail_at(0, 0);
}

TEST(keys_as_text)
{
    /* The example of RFC 32. */
    static const uint8_t bytes[] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
    char text[11];
    uint8_t back[8];

    CHECK(zmq_z85_encode(text, bytes, sizeof(bytes)) == text);
    CHECK_STR(text, "HelloWorld");
    CHECK(zmq_z85_decode(back, text) == back);
    CHECK_MEM(back, bytes, sizeof(bytes));
    CHECK(zmq_z85_encode(text, bytes, 0) == text);
    CHECK_STR(text, "");
    GIVES_NULL(zmq_z85_encode(text, bytes, 5), EINVAL);
    GIVES_NULL(zmq_z85_encode(text, NULL, 4), EINVAL);
    GIVES_NULL(zmq_z85_encode(NULL, bytes, 4), EINVAL);
    GIVES_NULL(zmq_z85_decode(back, ""), EINVAL);
    GIVES_NULL(zmq_z85_decode(back, "Hell"), EINVAL);
    GIVES_NULL(zmq_z85_decode(back, "Hell~"), EINVAL);
    GIVES_NULL(zmq_z85_decode(back, "#####"), EINVAL);
    GIVES_NULL(zmq_z85_decode(back, NULL), EINVAL);
    GIVES_NULL(zmq_z85_decode(NULL, "Hello"), EINVAL);
}

TEST(keys_of_curve)
{
    /* By libzmq. */
    static const char zeros[] = "0000000000000000000000000000000000000000";
    static const char of_zeros[] = "fxERSn6LHg6!4!qu+m-(f-Q<1UF!=7)u0-ysJ-^F";
    char public_key[41] = "";
    char secret_key[41] = "";
    char again[41] = "";

    if (!zmq_has("curve")) {
        REFUSES(zmq_curve_keypair(public_key, secret_key), ENOTSUP);
        REFUSES(zmq_curve_public(public_key, zeros), ENOTSUP);
        return;
    }
    CHECK_EQ(zmq_curve_keypair(public_key, secret_key), 0);
    CHECK_EQ(strlen(public_key), 40);
    CHECK_EQ(strlen(secret_key), 40);
    CHECK(strcmp(public_key, secret_key) != 0);
    CHECK_EQ(zmq_curve_public(again, secret_key), 0);
    CHECK_STR(again, public_key);
    CHECK_EQ(zmq_curve_public(again, zeros), 0);
    CHECK_STR(again, of_zeros);
    REFUSES(zmq_curve_public(again, zeros + 1), EINVAL);
    REFUSES(zmq_curve_public(again, "~000000000000000000000000000000000000000"),
            EINVAL);
    REFUSES(zmq_curve_public(again, "######00000000000000000000000000000000000"),
            EINVAL);
    REFUSES(zmq_curve_public(again, NULL), EINVAL);
    REFUSES(zmq_curve_public(NULL, zeros), EINVAL);
    REFUSES(zmq_curve_keypair(NULL, secret_key), EINVAL);
    CHECK_STR(again, of_zeros);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(versions_and_capabilities),
        CASE(errors_have_texts),
        CASE(counters),
        CASE(watches),
        CASE(a_signal_ends_sleep),
        CASE(threads),
        CASE(keys_as_text),
        CASE(keys_of_curve),
    };

    return CHECK_MAIN(cases);
}
