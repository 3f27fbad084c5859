/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/metadata.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

enum { NAME_LEN_SIZE = 1, VALUE_LEN_SIZE = 4, NAME_MAX_LEN = 255 };

size_t
fmq__metadata_property_len(const char *name, size_t value_len)
{
    return NAME_LEN_SIZE + strlen(name) + VALUE_LEN_SIZE + value_len;
}

size_t
fmq__metadata_put(uint8_t *p, const char *name, const void *value, size_t value_len)
{
    size_t name_len = strlen(name);

    assert(name_len > 0 && name_len <= NAME_MAX_LEN && value_len <= UINT32_MAX);
    p[0] = (uint8_t)name_len;
    p += NAME_LEN_SIZE;
    memcpy(p, name, name_len);
    p += name_len;
    fmq__put_u32(p, (uint32_t)value_len);
    p += VALUE_LEN_SIZE;
    if (value_len != 0) {
        memcpy(p, value, value_len);
    }
    return NAME_LEN_SIZE + name_len + VALUE_LEN_SIZE + value_len;
}

int
fmq__metadata_next(fmq__metadata_cursor *cursor, fmq__property *property)
{
    const uint8_t *at = cursor->at;
    size_t left = cursor->left;
    size_t name_len;
    size_t value_len;

    if (left == 0) {
        return ENOENT;
    }
    name_len = at[0];
    left -= NAME_LEN_SIZE;
    if (name_len == 0 || left < name_len || left - name_len < VALUE_LEN_SIZE) {
        return EPROTO;
    }
    left -= name_len + VALUE_LEN_SIZE;
    value_len = fmq__get_u32(at + NAME_LEN_SIZE + name_len);
    if (value_len > left) {
        return EPROTO;
    }
    property->name = at + NAME_LEN_SIZE;
    property->name_len = name_len;
    property->value = property->name + name_len + VALUE_LEN_SIZE;
    property->value_len = value_len;
    cursor->at = property->value + value_len;
    cursor->left = left - value_len;
    return 0;
}

/* Who the peer is, is for ZAP to say, and not for the peer. */
static bool
is_reserved(const fmq__property *p)
{
    static const char user_id[] = "user-id";

    if (p->name_len != sizeof(user_id) - 1) {
        return false;
    }
    for (size_t i = 0; i < p->name_len; i++) {
        /* Setting this bit makes small letters of capitals, and '-' stays as it is. */
        if ((p->name[i] | 0x20) != user_id[i]) {
            return false;
        }
    }
    return true;
}

int
fmq__metadata_to_props(const uint8_t *metadata, size_t len, fmq__props *props)
{
    fmq__metadata_cursor cursor = {.at = metadata, .left = len};
    fmq__property p;

    for (int n = 0;; n++) {
        int err = fmq__metadata_next(&cursor, &p);

        if (err != 0) {
            return err == ENOENT ? 0 : err;
        }
        if (n == FMQ__METADATA_MAX_PROPERTIES) {
            return EPROTO;
        }
        if (is_reserved(&p)) {
            continue;
        }
        /* props keeps the first value of a name. */
        err = fmq__props_add(props, p.name, p.name_len, p.value, p.value_len);
        if (err != 0) {
            return err;
        }
    }
}
