/* SPDX-License-Identifier: Apache-2.0 */
#include "session/crowd.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"

enum { V6_NET_LEN = 8, KEY_LEN = 1 + V6_NET_LEN };

struct fmq__place {
    fmq__hash_node node;
    uint32_t n;
    uint8_t key[KEY_LEN];
};

void
fmq__crowd_init(fmq__crowd *c)
{
    fmq__list_init(&c->shaking);
    c->n_shaking = 0;
    fmq__hash_init(&c->places);
}

void
fmq__crowd_fini(fmq__crowd *c)
{
    fmq__hash_fini(&c->places);
}

/* False: it is no address. */
static bool
put_key(const struct sockaddr_storage *from, uint8_t key[KEY_LEN])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memset(key, 0, KEY_LEN);
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;

        key[0] = 4;
        memcpy(key + 1, &v4->sin_addr, 4);
        return true;
    }
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)from;
        const uint8_t *address = (const void *)&v6->sin6_addr;

        if (memcmp(address, mapped, sizeof(mapped)) == 0) {
            key[0] = 4;
            memcpy(key + 1, address + sizeof(mapped), 4);
        } else {
            key[0] = 6;
            memcpy(key + 1, address, V6_NET_LEN);
        }
        return true;
    }
    return false;
}

static int
new_place(fmq__crowd *c, const uint8_t key[KEY_LEN], fmq__place **place)
{
    fmq__place *p = fmq__alloc(sizeof(*p));
    int err;

    if (p == NULL) {
        return ENOMEM;
    }
    p->n = 0;
    memcpy(p->key, key, KEY_LEN);
    err = fmq__hash_put(&c->places, &p->node, p->key, KEY_LEN);
    if (err != 0) {
        fmq__free(p);
        return err;
    }
    *place = p;
    return 0;
}

int
fmq__crowd_take_seat(fmq__crowd *c, const struct sockaddr_storage *from, uint32_t max,
                     fmq__place **place)
{
    uint8_t key[KEY_LEN];
    fmq__hash_node *n;
    fmq__place *p;
    int err = 0;

    *place = NULL;
    if (max == 0 || !put_key(from, key)) {
        return 0;
    }
    n = fmq__hash_get(&c->places, key, KEY_LEN);
    if (n != NULL) {
        p = FMQ__ITEM(n, fmq__place, node);
    } else {
        err = new_place(c, key, &p);
    }
    if (err != 0 || p->n >= max) {
        return err != 0 ? err : EUSERS;
    }
    p->n++;
    *place = p;
    return 0;
}

void
fmq__crowd_give_seat(fmq__crowd *c, fmq__place *place)
{
    if (place != NULL && --place->n == 0) {
        fmq__hash_remove(&c->places, &place->node);
        fmq__free(place);
    }
}

void
fmq__crowd_enter(fmq__crowd *c, fmq__guest *g, fmq__place *place, uint64_t now_ns)
{
    g->place = place;
    g->since_ns = now_ns;
    fmq__list_push_back(&c->shaking, &g->node);
    c->n_shaking++;
}

void
fmq__crowd_settle(fmq__crowd *c, fmq__guest *g)
{
    if (fmq__list_is_linked(&g->node)) {
        fmq__list_remove(&g->node);
        c->n_shaking--;
    }
}

void
fmq__crowd_leave(fmq__crowd *c, fmq__guest *g)
{
    fmq__crowd_settle(c, g);
    fmq__crowd_give_seat(c, g->place);
    g->place = NULL;
}

fmq__guest *
fmq__crowd_oldest(const fmq__crowd *c, uint64_t now_ns, uint64_t ns)
{
    fmq__guest *g;

    if (fmq__list_is_empty(&c->shaking)) {
        return NULL;
    }
    g = FMQ__ITEM(c->shaking.next, fmq__guest, node);
    return now_ns - g->since_ns >= ns ? g : NULL;
}
