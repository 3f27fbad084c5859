/* SPDX-License-Identifier: Apache-2.0 */
/* hash: an intrusive table from byte strings to objects, keyed hash (SipHash), growing.
 *
 * Keys come from peers too (identities), so the hash is seeded at random per process.
 *
 * Owner:   the table owns its bucket array only; nodes and keys belong to their
 *          objects; a key must not change while its node is in the table.
 * Threads: whoever owns the table.
 * Errors:  ENOMEM from put, only if the very first bucket array cannot be had.
 */
#ifndef FMQ_BASE_HASH_H
#define FMQ_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct fmq__hash_node fmq__hash_node;
struct fmq__hash_node {
    fmq__hash_node *next;
    const uint8_t *key;
    size_t key_len;
    uint64_t hash;
};

typedef struct fmq__hash {
    fmq__hash_node **bucket;
    size_t n_buckets; /* 0 or a power of two */
    size_t n_items;
} fmq__hash;

void fmq__hash_init(fmq__hash *h);
void fmq__hash_fini(fmq__hash *h);

/* Adds `n` under `key`, which must not be there yet. */
int fmq__hash_put(fmq__hash *h, fmq__hash_node *n, const void *key, size_t key_len);

/* The node under `key`, or NULL. */
fmq__hash_node *fmq__hash_get(const fmq__hash *h, const void *key, size_t key_len);

/* Takes `n`, which must be in the table, out of it. */
void fmq__hash_remove(fmq__hash *h, fmq__hash_node *n);

/* For walks: the node after `n` (the first for NULL), in no order; NULL at the end. The
 * node just handed out may be removed before the next call only via `fmq__hash_next`'s
 * result having been fetched first. */
fmq__hash_node *fmq__hash_next(const fmq__hash *h, const fmq__hash_node *n);

/* SipHash-1-3 of `len` bytes under a key of 128 bits. */
uint64_t fmq__hash_bytes(const uint64_t key[2], const void *data, size_t len);

#endif
