/* SPDX-License-Identifier: Apache-2.0 */
/* Options whose values are bytes: METADATA becomes properties that read back, each name
 * once, and what is refused changes nothing.
 *
 * The input is a sequence of values, each behind a byte for the option and one for the
 * length.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "socket/options.h"
#include "wire/metadata.h"

enum { METADATA = 95 };

static const int option_of[] = {METADATA, METADATA, METADATA, METADATA,
                                92,       110,      111,      114};

static int
has_name(const fmq__options *o, const uint8_t *name, size_t len)
{
    fmq__metadata_cursor at = {o->bytes.metadata.data, o->bytes.metadata.len};
    fmq__property p;
    int n = 0;

    while (fmq__metadata_next(&at, &p) == 0) {
        n += p.name_len == len && memcmp(p.name, name, len) == 0 ? 1 : 0;
    }
    return n;
}

/* Whether "X-name:value" it is. */
static int
is_good(const uint8_t *value, size_t len)
{
    const uint8_t *colon = len != 0 ? memchr(value, ':', len) : NULL;
    size_t name_len = colon != NULL ? (size_t)(colon - value) : 0;

    return name_len >= 2 && name_len <= 255 && memcmp(value, "X-", 2) == 0 &&
           memchr(value, 0, name_len) == NULL && name_len + 1 < len;
}

static void
set_metadata(fmq__options *o, const uint8_t *value, size_t len)
{
    size_t before = o->bytes.metadata.len;
    int err = fmq__options_set(o, METADATA, value, len);
    const uint8_t *colon;
    size_t name_len;
    int n;

    if (err == ENOMEM) {
        return;
    }
    require(err == (is_good(value, len) ? 0 : EINVAL));
    if (err != 0) {
        require(o->bytes.metadata.len == before);
        return;
    }
    colon = memchr(value, ':', len);
    name_len = (size_t)(colon - value);
    n = has_name(o, value, name_len);
    require(n == 1);
    require(o->bytes.metadata.len == before ||
            o->bytes.metadata.len == before + 4 + len);
}

/* All of it is what a peer would take. */
static void
check_metadata(const fmq__options *o)
{
    fmq__metadata_cursor at = {o->bytes.metadata.data, o->bytes.metadata.len};
    fmq__property p;
    int err;

    while ((err = fmq__metadata_next(&at, &p)) == 0) {
        require(p.name_len >= 2 && p.value_len != 0);
        require(has_name(o, p.name, p.name_len) == 1);
    }
    require(err == ENOENT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fmq__options o;

    if (size > 8192) {
        return 0;
    }
    fmq__options_init(&o);
    while (size >= 2) {
        int option = option_of[data[0] % 8];
        size_t len = data[0] >= 0xF0 ? (size_t)data[1] * 4 : data[1];
        uint8_t *exact;

        data += 2;
        size -= 2;
        len = len < size ? len : size;
        exact = malloc(len != 0 ? len : 1);
        require(exact != NULL);
        memcpy(exact, data, len);
        if (option == METADATA) {
            set_metadata(&o, exact, len);
        } else {
            (void)fmq__options_set(&o, option, exact, len);
        }
        free(exact);
        data += len;
        size -= len;
    }
    check_metadata(&o);
    fmq__options_fini(&o);
    return 0;
}
