/* SPDX-License-Identifier: Apache-2.0 */
/* alloc: the only door to the heap, so that a test can make the n-th request fail.
 *
 * Owner:   the caller owns what it gets, and gives it back with fmq__free.
 * Threads: any.
 * Errors:  NULL when there is no memory; nothing else happens.
 */
#ifndef FMQ_BASE_ALLOC_H
#define FMQ_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Uninitialised memory of `size` bytes (1 if 0 is asked), aligned to 16. */
void *fmq__alloc(size_t size);

/* Zeroed memory for `n` objects of `size` bytes; NULL also when n * size overflows. */
void *fmq__calloc(size_t n, size_t size);

/* For memory from elsewhere: counts as a request, which a test may make fail. */
bool fmq__alloc_refuses(void);

/* Grows or shrinks; on failure NULL, and the old block is still the caller's. */
void *fmq__realloc(void *p, size_t size);

/* A NUL-terminated copy. */
char *fmq__strdup(const char *text);

void fmq__free(void *p);

/* Pages of the system's, not zeroed for sure, for blocks of 64 KiB and more that come
 * in great numbers and go again: who frees one of `size` bytes has freed it. */
void *fmq__alloc_pages(size_t size);
void fmq__free_pages(void *p, size_t size);

/* Frees one of what there may be a million of, of about `size` bytes: a topic, a
 * connection. The allocator of the system keeps small blocks to itself, so once
 * FMQ__TIDY_BYTES of them are free, whoever calls fmq__alloc_tidy next gives them back.
 * That takes milliseconds: it is for a thread that nobody waits for. */
enum { FMQ__TIDY_BYTES = 8 * 1024 * 1024 };

void fmq__free_one(void *p, size_t size);
void fmq__alloc_tidy(void);

/* For tests: the n-th request from now on fails (1 = the next one), and every one
 * after it too if `forever`; 0 switches this off. Returns how many requests were made
 * since the last call, if that one did not switch it off (UINT64_MAX only counts).
 * Process-wide. */
uint64_t fmq__alloc_fail_at(uint64_t n, int forever);

#endif
