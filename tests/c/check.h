/* SPDX-License-Identifier: Apache-2.0 */
/* check: the few macros a C unit test needs.
 *
 *     TEST(wraps_at_the_end) { CHECK_EQ(1 + 1, 2); }
 *     int main(void) { RUN(wraps_at_the_end); return CHECK_RESULT(); }
 *
 * A failed CHECK prints file, line and what was compared, and goes on; a failed
 * REQUIRE leaves the process, for what nothing after it could survive.
 *
 * Threads: CHECK and REQUIRE may be used from any thread; RUN from the main one.
 */
#ifndef FMQ_TESTS_CHECK_H
#define FMQ_TESTS_CHECK_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By this a long loop may be shorter where each step costs much more: under a
 * sanitizer, which has seen enough by then. */
#ifndef CHECK_SLOWNESS
#define CHECK_SLOWNESS 1
#endif

/* Counters only: relaxed everywhere, no data is published through them. */
static atomic_int check_failures;

static inline int
check_report(int is_ok, const char *file, int line, const char *text)
{
    if (!is_ok) {
        atomic_fetch_add_explicit(&check_failures, 1, memory_order_relaxed);
        fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, text);
    }
    return is_ok;
}

static inline int
check_report_eq(long long a, long long b, const char *file, int line, const char *text)
{
    if (a != b) {
        atomic_fetch_add_explicit(&check_failures, 1, memory_order_relaxed);
        fprintf(stderr, "%s:%d: CHECK failed: %s (%lld and %lld)\n", file, line, text,
                a, b);
    }
    return a == b;
}

static inline int
check_report_mem(const void *a, const void *b, size_t len, const char *file, int line,
                 const char *text)
{
    const unsigned char *x = a;
    const unsigned char *y = b;

    for (size_t i = 0; i < len; i++) {
        if (x[i] != y[i]) {
            atomic_fetch_add_explicit(&check_failures, 1, memory_order_relaxed);
            fprintf(stderr,
                    "%s:%d: CHECK failed: %s (byte %zu of %zu: %02x and %02x)\n", file,
                    line, text, i, len, x[i], y[i]);
            return 0;
        }
    }
    return 1;
}

static inline int
check_report_str(const char *a, const char *b, const char *file, int line,
                 const char *text)
{
    int is_ok = a != NULL && b != NULL && strcmp(a, b) == 0;

    if (!is_ok) {
        atomic_fetch_add_explicit(&check_failures, 1, memory_order_relaxed);
        fprintf(stderr, "%s:%d: CHECK failed: %s (\"%s\" and \"%s\")\n", file, line,
                text, a != NULL ? a : "(null)", b != NULL ? b : "(null)");
    }
    return is_ok;
}

/* Each yields true if the check held, so a test may stop early:
 * `if (!CHECK(p != NULL)) { return; }`. */
#define CHECK(cond) check_report((cond) ? 1 : 0, __FILE__, __LINE__, #cond)
#define CHECK_EQ(a, b) \
    check_report_eq((long long)(a), (long long)(b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_STR(a, b) check_report_str((a), (b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_MEM(a, b, len) \
    check_report_mem((a), (b), (len), __FILE__, __LINE__, #a " == " #b)

#define REQUIRE(cond)       \
    do {                    \
        if (!CHECK(cond)) { \
            exit(1);        \
        }                   \
    } while (0)

#define TEST(name) static void test_##name(void)

/* Runs one TEST and names it in the log if it added failures. */
#define RUN(name) check_run(#name, test_##name)

static inline void
check_run(const char *name, void (*run)(void))
{
    int before = atomic_load_explicit(&check_failures, memory_order_relaxed);

    run();
    if (atomic_load_explicit(&check_failures, memory_order_relaxed) != before) {
        fprintf(stderr, "FAILED %s\n", name);
    }
}

/* The list form: `static const check_case cases[] = {CASE(a), CASE(b)};` and
 * `return CHECK_MAIN(cases);` at the end of main. */
typedef struct check_case check_case;

struct check_case {
    const char *name;
    void (*run)(void);
};

#define CASE(name) {#name, test_##name}
#define CHECK_MAIN(cases) check_main((cases), sizeof(cases) / sizeof((cases)[0]))

static inline int
check_result(void)
{
    int n_failed = atomic_load_explicit(&check_failures, memory_order_relaxed);

    if (n_failed != 0) {
        fprintf(stderr, "%d check(s) failed\n", n_failed);
    }
    return n_failed == 0 ? 0 : 1;
}

#define CHECK_RESULT() check_result()

static inline int
check_main(const check_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        check_run(cases[i].name, cases[i].run);
    }
    return check_result();
}

#endif
