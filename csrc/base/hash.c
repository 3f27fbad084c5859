/* SPDX-License-Identifier: Apache-2.0 */
/* Chained buckets, one for each node or more. The hash is SipHash-1-3 (Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF"): a peer that chooses its identities
 * cannot make them collide without the key.
 *
 * A table that cannot grow stays as it is and gets slower, which is why only the first
 * bucket array can fail.
 */
#include "base/hash.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

enum { FIRST_BUCKETS = 16 };

static uint64_t process_key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_process_key(void)
{
    fmq__random_bytes(process_key, sizeof(process_key));
}

static inline uint64_t
rotate(uint64_t x, int n)
{
    return (x << n) | (x >> (64 - n));
}

static inline void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* Up to 8 bytes as a little-endian number. */
static inline uint64_t
load_word(const uint8_t *p, size_t n)
{
    uint64_t x = 0;

    for (size_t i = 0; i < n; i++) {
        x |= (uint64_t)p[i] << (8 * i);
    }
    return x;
}

uint64_t
fmq__hash_bytes(const uint64_t key[2], const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    uint64_t last = (uint64_t)len << 56;

    for (; len >= 8; len -= 8, p += 8) {
        uint64_t word = load_word(p, 8);

        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    last |= load_word(p, len);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static inline fmq__hash_node **
bucket_of(const fmq__hash *h, uint64_t hash)
{
    return &h->bucket[hash & (h->n_buckets - 1)];
}

static void
link_node(fmq__hash *h, fmq__hash_node *n)
{
    fmq__hash_node **bucket = bucket_of(h, n->hash);

    n->next = *bucket;
    *bucket = n;
}

/* Twice the buckets, or ENOMEM and no change. */
static int
grow(fmq__hash *h)
{
    fmq__hash old = *h;
    size_t n_buckets = old.n_buckets != 0 ? old.n_buckets * 2 : FIRST_BUCKETS;
    fmq__hash_node **bucket = fmq__calloc(n_buckets, sizeof(fmq__hash_node *));

    if (bucket == NULL) {
        return ENOMEM;
    }
    h->bucket = bucket;
    h->n_buckets = n_buckets;
    for (size_t i = 0; i < old.n_buckets; i++) {
        fmq__hash_node *n = old.bucket[i];

        while (n != NULL) {
            fmq__hash_node *next = n->next;

            link_node(h, n);
            n = next;
        }
    }
    fmq__free(old.bucket);
    return 0;
}

void
fmq__hash_init(fmq__hash *h)
{
    pthread_once(&once, init_process_key);
    h->bucket = NULL;
    h->n_buckets = 0;
    h->n_items = 0;
}

void
fmq__hash_fini(fmq__hash *h)
{
    fmq__free(h->bucket);
    h->bucket = NULL;
    h->n_buckets = 0;
    h->n_items = 0;
}

int
fmq__hash_put(fmq__hash *h, fmq__hash_node *n, const void *key, size_t key_len)
{
    if (h->n_items >= h->n_buckets && grow(h) != 0 && h->n_buckets == 0) {
        return ENOMEM;
    }
    n->key = key;
    n->key_len = key_len;
    n->hash = fmq__hash_bytes(process_key, key, key_len);
    link_node(h, n);
    h->n_items++;
    return 0;
}

fmq__hash_node *
fmq__hash_get(const fmq__hash *h, const void *key, size_t key_len)
{
    uint64_t hash;

    if (h->n_items == 0) {
        return NULL;
    }
    hash = fmq__hash_bytes(process_key, key, key_len);
    for (fmq__hash_node *n = *bucket_of(h, hash); n != NULL; n = n->next) {
        if (n->hash == hash && n->key_len == key_len &&
            (key_len == 0 || memcmp(n->key, key, key_len) == 0)) {
            return n;
        }
    }
    return NULL;
}

void
fmq__hash_remove(fmq__hash *h, fmq__hash_node *n)
{
    fmq__hash_node **link = bucket_of(h, n->hash);

    while (*link != n) {
        link = &(*link)->next;
    }
    *link = n->next;
    n->next = NULL;
    h->n_items--;
}

fmq__hash_node *
fmq__hash_next(const fmq__hash *h, const fmq__hash_node *n)
{
    size_t i = 0;

    if (n != NULL) {
        if (n->next != NULL) {
            return n->next;
        }
        i = (n->hash & (h->n_buckets - 1)) + 1;
    }
    for (; i < h->n_buckets; i++) {
        if (h->bucket[i] != NULL) {
            return h->bucket[i];
        }
    }
    return NULL;
}
