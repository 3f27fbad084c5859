/* SPDX-License-Identifier: Apache-2.0 */
#include "session/allow.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/thread.h"
#include "security/z85.h"
#include "transport/filter.h"

enum { KEY_LEN = 32, KEY_CHARS = 40, TEXT_MAX = 255, N_KINDS = 3, GROWTH = 8 };

/* A length and what it counts, with zeros behind: two of them are the same if all
 * bytes are. */
typedef struct text {
    uint8_t len;
    uint8_t data[TEXT_MAX];
} text;

typedef struct login {
    text user;
    text password;
} login;

typedef struct list {
    bool is_there;
    uint8_t *entry;
    size_t n;
    size_t cap;
} list;

struct fmq__allow {
    _Atomic uint32_t refs;
    fmq__mutex mutex;
    list lists[N_KINDS]; /* by enum fmq__allow_kind */
};

static const size_t entry_size[N_KINDS] = {
    [FMQ__ALLOW_KEY] = KEY_LEN,
    [FMQ__ALLOW_PASSWORD] = sizeof(login),
    [FMQ__ALLOW_ADDRESS] = sizeof(fmq__filter),
};

int
fmq__allow_new(fmq__allow **allow)
{
    fmq__allow *a = fmq__calloc(1, sizeof(*a));
    int err;

    if (a == NULL) {
        return ENOMEM;
    }
    err = fmq__mutex_init(&a->mutex);
    if (err != 0) {
        fmq__free(a);
        return err;
    }
    atomic_init(&a->refs, 1);
    *allow = a;
    return 0;
}

void
fmq__allow_hold(fmq__allow *a)
{
    if (a != NULL) {
        atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    }
}

static void
free_entries(list *l, size_t size)
{
    if (l->entry != NULL) {
        fmq__wipe(l->entry, l->cap * size);
        fmq__free(l->entry);
    }
    *l = (list){false, NULL, 0, 0};
}

void
fmq__allow_drop(fmq__allow *a)
{
    /* D1 -> D1: whoever wipes it comes after all who looked. */
    if (a == NULL ||
        atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (int kind = 0; kind < N_KINDS; kind++) {
        free_entries(&a->lists[kind], entry_size[kind]);
    }
    fmq__mutex_fini(&a->mutex);
    fmq__free(a);
}

/* --- entries --- */

static int
parse_key(const uint8_t *value, size_t len, uint8_t key[KEY_LEN])
{
    if (len == KEY_LEN) {
        memcpy(key, value, KEY_LEN);
        return 0;
    }
    if (len == KEY_CHARS + 1 && value[KEY_CHARS] == '\0') {
        len = KEY_CHARS;
    }
    return len == KEY_CHARS && fmq__z85_decode(key, (const char *)value, len) ? 0
                                                                              : EINVAL;
}

/* False: it is too long. */
static bool
set_text(text *t, const void *data, size_t len)
{
    memset(t, 0, sizeof(*t));
    if (len > TEXT_MAX) {
        return false;
    }
    t->len = (uint8_t)len;
    if (len != 0) {
        memcpy(t->data, data, len);
    }
    return true;
}

static int
parse_login(const uint8_t *value, size_t len, login *to)
{
    const uint8_t *end = memchr(value, '\0', len);

    if (end == NULL || !set_text(&to->user, value, (size_t)(end - value))) {
        return EINVAL;
    }
    return set_text(&to->password, end + 1, len - (size_t)(end - value) - 1) ? 0
                                                                             : EINVAL;
}

typedef union entry {
    uint8_t key[KEY_LEN];
    login login;
    fmq__filter filter;
} entry;

static int
parse(enum fmq__allow_kind kind, const void *value, size_t len, entry *to)
{
    memset(to, 0, sizeof(*to));
    switch (kind) {
    case FMQ__ALLOW_KEY:
        return parse_key(value, len, to->key);
    case FMQ__ALLOW_PASSWORD:
        return parse_login(value, len, &to->login);
    default:
        return fmq__filter_parse(value, len, &to->filter);
    }
}

/* Room for one more; what is left behind is wiped. */
static int
grow(list *l, size_t size)
{
    size_t cap = l->cap != 0 ? 2 * l->cap : GROWTH;
    uint8_t *bigger;

    if (l->n < l->cap) {
        return 0;
    }
    bigger = fmq__calloc(cap, size);
    if (bigger == NULL) {
        return ENOMEM;
    }
    if (l->n != 0) {
        memcpy(bigger, l->entry, l->n * size);
        fmq__wipe(l->entry, l->cap * size);
    }
    fmq__free(l->entry);
    l->entry = bigger;
    l->cap = cap;
    return 0;
}

int
fmq__allow_add(fmq__allow *a, enum fmq__allow_kind kind, const void *value, size_t len)
{
    list *l = &a->lists[kind];
    size_t size = entry_size[kind];
    entry e;
    int err = len != 0 ? parse(kind, value, len, &e) : 0;

    if (err == 0) {
        fmq__mutex_lock(&a->mutex);
        err = len != 0 ? grow(l, size) : 0;
        if (err == 0) {
            l->is_there = true;
        }
        if (err == 0 && len != 0) {
            memcpy(l->entry + l->n++ * size, &e, size);
        }
        fmq__mutex_unlock(&a->mutex);
    }
    fmq__wipe(&e, sizeof(e));
    return err;
}

void
fmq__allow_end(fmq__allow *a, enum fmq__allow_kind kind)
{
    fmq__mutex_lock(&a->mutex);
    free_entries(&a->lists[kind], entry_size[kind]);
    fmq__mutex_unlock(&a->mutex);
}

/* --- questions --- */

static bool
wants_credentials(const fmq__allow *a)
{
    return a->lists[FMQ__ALLOW_KEY].is_there || a->lists[FMQ__ALLOW_PASSWORD].is_there;
}

bool
fmq__allow_wants_credentials(fmq__allow *a)
{
    bool wants;

    if (a == NULL) {
        return false;
    }
    fmq__mutex_lock(&a->mutex);
    wants = wants_credentials(a);
    fmq__mutex_unlock(&a->mutex);
    return wants;
}

/* Whether an entry is the same as `e`; looks at all of them. */
static bool
has_entry(const list *l, size_t size, const void *e)
{
    unsigned n_same = 0;

    for (size_t i = 0; i < l->n; i++) {
        n_same += fmq__is_same(l->entry + i * size, e, size);
    }
    return n_same != 0;
}

static bool
has_key(const fmq__allow *a, const fmq__mech_credential *shown, size_t n,
        fmq__allow_user *user)
{
    char z85[KEY_CHARS + 1];

    if (n != 1 || shown[0].len != KEY_LEN ||
        !has_entry(&a->lists[FMQ__ALLOW_KEY], KEY_LEN, shown[0].data)) {
        return false;
    }
    fmq__z85_encode(z85, shown[0].data, KEY_LEN);
    memcpy(user->name, z85, KEY_CHARS);
    user->len = KEY_CHARS;
    return true;
}

static bool
has_login(const fmq__allow *a, const fmq__mech_credential *shown, size_t n,
          fmq__allow_user *user)
{
    login l;
    bool is_there = n == 2 && set_text(&l.user, shown[0].data, shown[0].len) &&
                    set_text(&l.password, shown[1].data, shown[1].len) &&
                    has_entry(&a->lists[FMQ__ALLOW_PASSWORD], sizeof(l), &l);

    fmq__wipe(&l, sizeof(l));
    if (is_there) {
        memcpy(user->name, shown[0].data, shown[0].len);
        user->len = shown[0].len;
    }
    return is_there;
}

enum fmq__allow_verdict
fmq__allow_judge(fmq__allow *a, const char *mechanism,
                 const fmq__mech_credential *shown, size_t n, fmq__allow_user *user)
{
    enum fmq__allow_verdict verdict = FMQ__ALLOW_NO_LIST;

    if (a == NULL) {
        return verdict;
    }
    fmq__mutex_lock(&a->mutex);
    if (wants_credentials(a)) {
        bool is_known =
            strcmp(mechanism, "CURVE") == 0
                ? has_key(a, shown, n, user)
                : strcmp(mechanism, "PLAIN") == 0 && has_login(a, shown, n, user);

        verdict = is_known ? FMQ__ALLOW_ADMITTED : FMQ__ALLOW_REFUSED;
    }
    fmq__mutex_unlock(&a->mutex);
    return verdict;
}

bool
fmq__allow_admits(fmq__allow *a, const struct sockaddr_storage *from)
{
    const list *l;
    bool is_admitted;

    if (a == NULL || from->ss_family == AF_UNIX) {
        return true;
    }
    fmq__mutex_lock(&a->mutex);
    l = &a->lists[FMQ__ALLOW_ADDRESS];
    is_admitted = !l->is_there;
    for (size_t i = 0; i < l->n && !is_admitted; i++) {
        fmq__filter f;

        memcpy(&f, l->entry + i * sizeof(f), sizeof(f));
        is_admitted = fmq__filter_covers(&f, from);
    }
    fmq__mutex_unlock(&a->mutex);
    return is_admitted;
}
