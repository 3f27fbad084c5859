/* SPDX-License-Identifier: Apache-2.0 */
#include "session/raw.h"

#include "wire/frame.h"

/* Where a walk over the queue's bytes stands. */
typedef struct walk {
    fmq__rawspan *g;
    uint64_t body_left; /* of the frame it is in */
    size_t header_len;  /* of that frame, until its body is reached */
    size_t skip;        /* header bytes passed since the last entry */
} walk;

/* Takes what it can of a run of bytes; false: it ends in the middle of a header, or
 * there is no room for another entry. */
static bool
take_run(walk *w, const struct iovec *run)
{
    fmq__rawspan *g = w->g;
    const uint8_t *p = run->iov_base;
    const uint8_t *end = p + run->iov_len;

    while (p < end) {
        size_t header_len;
        unsigned flags;
        size_t part = (size_t)(end - p);

        if (w->body_left == 0) {
            if (fmq__frame_parse(p, part, &header_len, &w->body_left, &flags) <= 0) {
                return false;
            }
            w->header_len = header_len;
            w->skip += header_len;
            p += header_len;
            continue;
        }
        if (g->n == FMQ__RAW_IOV) {
            return false;
        }
        part = w->body_left < part ? (size_t)w->body_left : part;
        g->iov[g->n] = (struct iovec){(void *)(uintptr_t)p, part};
        g->skip[g->n++] = w->skip;
        g->bytes += part;
        w->header_len = 0;
        w->skip = 0;
        w->body_left -= part;
        p += part;
    }
    return true;
}

void
fmq__raw_strip(fmq__rawspan *g, uint64_t frame_left, const struct iovec *run,
               int n_runs)
{
    walk w = {.g = g, .body_left = frame_left};

    g->n = 0;
    g->bytes = 0;
    for (int i = 0; i < n_runs && take_run(&w, &run[i]); i++) {
    }
    /* Of a frame whose body was not reached only the header was seen: it stays. */
    g->tail = w.body_left == 0 ? w.skip : w.skip - w.header_len;
}

size_t
fmq__raw_consumed(const fmq__rawspan *g, size_t sent)
{
    size_t n = sent;
    size_t left = sent;
    int i = 0;

    while (i < g->n && left != 0) {
        n += g->skip[i];
        left -= left < g->iov[i].iov_len ? left : g->iov[i].iov_len;
        i++;
    }
    return sent == g->bytes ? n + g->tail : n;
}
