/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: what fuzz targets share: a check that ends the run, and random bytes that are
 * the same every time.
 *
 * Threads: one.
 */
#ifndef FMQ_TESTS_FUZZ_H
#define FMQ_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
require(bool is_ok)
{
    if (!is_ok) {
        abort();
    }
}

/* Begins anew with each input. */
static uint8_t next_random;

static inline void
counted_random(void *p, size_t n)
{
    memset(p, ++next_random, n);
}

#endif
