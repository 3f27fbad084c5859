/* SPDX-License-Identifier: Apache-2.0 */
#include "session/readbuf.h"

#include <pthread.h>

#include "base/alloc.h"

_Thread_local uint8_t *fmq__readbuf_mine;
_Thread_local fmq__offer fmq__offer_mine;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void
make_key(void)
{
    /* Without a key the buffer of an ended thread stays; nothing else is lost. */
    (void)pthread_key_create(&key, fmq__free);
}

uint8_t *
fmq__readbuf_make(void)
{
    uint8_t *made = fmq__alloc(FMQ__READBUF_HEAD + FMQ__READBUF_SIZE);

    if (made != NULL) {
        (void)pthread_once(&once, make_key);
        (void)pthread_setspecific(key, made);
        fmq__readbuf_mine = made;
    }
    return made;
}

int
fmq__offer_body(size_t size, fmq__body **body, uint8_t **data)
{
    fmq__offer *offer = &fmq__offer_mine;
    int err;

    if (offer->data == NULL || offer->size != size) {
        return fmq__body_new(size, body, data);
    }
    err = fmq__body_new_lent(offer->data, offer->free_fn, offer->hint, body);
    if (err == 0) {
        *data = offer->data;
        offer->data = NULL;
    }
    return err;
}
