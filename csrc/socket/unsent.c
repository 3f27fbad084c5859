/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a context from its end, for whoever does not want to wait longer. */

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "session/session.h"
#include "socket/socket.h"

static int
add(fmq__unsent_list *list, const fmq__hub *h, fmq_unsent **entry)
{
    if (list->n == list->cap) {
        size_t cap = list->cap == 0 ? 8 : 2 * list->cap;
        fmq_unsent *grown = fmq__realloc(list->data, cap * sizeof(*grown));

        if (grown == NULL) {
            return ENOMEM;
        }
        list->data = grown;
        list->cap = cap;
    }
    *entry = &list->data[list->n++];
    **entry = (fmq_unsent){.type = h->pattern->ops->type};
    return 0;
}

static int
add_peer(fmq__unsent_list *list, const fmq__hub *h, const fmq__peer *p)
{
    const fmq__props *props = p->net.pipe.props;
    fmq_unsent *entry;
    int err;

    if (p->net.n_out == 0) {
        return 0;
    }
    err = add(list, h, &entry);
    if (err != 0) {
        return err;
    }
    entry->n_messages = p->net.n_out;
    if (p->addr != NULL) {
        (void)snprintf(entry->peer, sizeof(entry->peer), "%s://%s",
                       p->addr->transport->scheme, p->addr->text);
    } else if (props != NULL) {
        const char *address = fmq__props_get(props, "Peer-Address", NULL);

        (void)snprintf(entry->peer, sizeof(entry->peer), "%s",
                       address != NULL ? address : "");
    }
    return 0;
}

static int
add_peers(fmq__unsent_list *list, const fmq__hub *h)
{
    int err = 0;

    for (fmq__node *n = h->dialled.next; err == 0 && n != &h->dialled; n = n->next) {
        err = add_peer(list, h, FMQ__ITEM(n, fmq__peer, dialled));
    }
    for (fmq__node *n = h->established.next; err == 0 && n != &h->established;
         n = n->next) {
        const fmq__session *s = FMQ__ITEM(n, fmq__session, hub_node);

        if (s->peer != NULL && s->peer->addr == NULL) {
            err = add_peer(list, h, s->peer);
        }
    }
    return err;
}

int
fmq__unsent_report(fmq__member *m, fmq__unsent_list *list)
{
    fmq__socket *s = FMQ__ITEM(m, fmq__socket, member);
    fmq__hub *h = &s->hub;
    fmq_unsent *entry;
    int err = 0;

    fmq__hub_lock(h);
    if (!h->is_finished) {
        /* A monitor's own socket is nobody's to close. */
        if (!h->is_closed &&
            fmq__pattern_find(h->pattern->ops->type) == h->pattern->ops) {
            err = add(list, h, &entry);
            if (err == 0) {
                entry->is_open = 1;
            }
        }
        if (err == 0) {
            err = add_peers(list, h);
        }
    }
    fmq__hub_unlock(h);
    return err;
}
