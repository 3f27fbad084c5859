/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/readers.h"

#include <errno.h>

#include "base/alloc.h"

/* One subscription: in the list of its topic, and in that of its reader. */
typedef struct want {
    fmq__node of_topic;
    fmq__node of_reader;
    fmq__topic *topic;
    fmq__reader *reader;
} want;

void
fmq__readers_init(fmq__readers *r)
{
    fmq__topics_init(&r->topics);
    r->n_matches = 0;
}

void
fmq__readers_fini(fmq__readers *r)
{
    fmq__topics_fini(&r->topics);
}

void
fmq__reader_init(fmq__reader *reader, fmq__pipe *pipe)
{
    reader->pipe = pipe;
    fmq__list_init(&reader->wants);
    reader->n_wants = 0;
    reader->matched = 0;
}

/* Looks in the shorter one of the two lists. */
static want *
find(const fmq__reader *reader, fmq__topic *topic)
{
    if (topic->n <= reader->n_wants) {
        for (fmq__node *n = topic->users.next; n != &topic->users; n = n->next) {
            want *w = FMQ__ITEM(n, want, of_topic);

            if (w->reader == reader) {
                return w;
            }
        }
    } else {
        for (fmq__node *n = reader->wants.next; n != &reader->wants; n = n->next) {
            want *w = FMQ__ITEM(n, want, of_reader);

            if (w->topic == topic) {
                return w;
            }
        }
    }
    return NULL;
}

int
fmq__readers_add(fmq__readers *r, fmq__reader *reader, const uint8_t *name, size_t len,
                 enum fmq__want *what)
{
    fmq__topic *topic;
    want *w;
    int err = fmq__topics_get(&r->topics, name, len, &topic);

    if (err != 0) {
        return err;
    }
    *what = FMQ__WANT_SAME;
    if (find(reader, topic) != NULL) {
        return 0;
    }
    w = fmq__alloc(sizeof(*w));
    if (w == NULL) {
        fmq__topics_put_back(&r->topics, topic);
        return ENOMEM;
    }
    w->topic = topic;
    w->reader = reader;
    fmq__list_init(&w->of_topic);
    fmq__list_init(&w->of_reader);
    fmq__list_push_back(&topic->users, &w->of_topic);
    fmq__list_push_back(&reader->wants, &w->of_reader);
    reader->n_wants++;
    *what = fmq__topics_add(&r->topics, topic) ? FMQ__WANT_TURN : FMQ__WANT_MORE;
    return 0;
}

static enum fmq__want
drop(fmq__readers *r, want *w)
{
    fmq__topic *topic = w->topic;

    fmq__list_remove(&w->of_topic);
    fmq__list_remove(&w->of_reader);
    w->reader->n_wants--;
    fmq__free_one(w, sizeof(*w));
    return fmq__topics_remove(&r->topics, topic) ? FMQ__WANT_TURN : FMQ__WANT_MORE;
}

enum fmq__want
fmq__readers_remove(fmq__readers *r, fmq__reader *reader, const uint8_t *name,
                    size_t len)
{
    fmq__topic *topic = fmq__topics_find(&r->topics, name, len);
    want *w = topic != NULL ? find(reader, topic) : NULL;

    return w != NULL ? drop(r, w) : FMQ__WANT_SAME;
}

size_t
fmq__readers_next_len(const fmq__reader *reader)
{
    return fmq__list_is_empty(&reader->wants)
               ? 0
               : fmq__topic_len(FMQ__ITEM(reader->wants.next, want, of_reader)->topic);
}

bool
fmq__readers_drop_one(fmq__readers *r, fmq__reader *reader, uint8_t *name, size_t cap,
                      size_t *len, enum fmq__want *what)
{
    want *w;

    if (fmq__list_is_empty(&reader->wants)) {
        return false;
    }
    w = FMQ__ITEM(reader->wants.next, want, of_reader);
    *len = fmq__topic_len(w->topic);
    if (name != NULL && *len <= cap) {
        fmq__topic_name(w->topic, name);
    }
    *what = drop(r, w);
    return true;
}

void
fmq__readers_match(fmq__readers *r, const uint8_t *text, size_t len,
                   void (*on_match)(fmq__reader *reader, void *arg), void *arg)
{
    uint64_t match = ++r->n_matches;
    fmq__topic_walk walk;
    const fmq__topic *topic;

    fmq__topics_match(&r->topics, text, len, &walk);
    while ((topic = fmq__topic_walk_next(&walk)) != NULL) {
        for (fmq__node *n = topic->users.next; n != &topic->users; n = n->next) {
            fmq__reader *reader = FMQ__ITEM(n, want, of_topic)->reader;

            if (reader->matched != match) {
                reader->matched = match;
                on_match(reader, arg);
            }
        }
    }
}

void
fmq__readers_match_whole(const fmq__readers *r, const uint8_t *name, size_t len,
                         void (*on_match)(fmq__reader *reader, void *arg), void *arg)
{
    const fmq__topic *topic = fmq__topics_find(&r->topics, name, len);

    if (topic == NULL) {
        return;
    }
    for (fmq__node *n = topic->users.next; n != &topic->users; n = n->next) {
        on_match(FMQ__ITEM(n, want, of_topic)->reader, arg);
    }
}
