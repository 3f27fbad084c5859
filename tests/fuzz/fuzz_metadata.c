/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's properties: read within their bytes, kept as they were, and written again
 * the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/metadata.h"

/* What `p` becomes when it is written, if a C string can hold its name. */
static void
check_written(const fmq__property *p, const uint8_t *start)
{
    char name[256];
    size_t len = 5 + p->name_len + p->value_len;
    uint8_t *ours;

    memcpy(name, p->name, p->name_len);
    name[p->name_len] = '\0';
    if (strlen(name) != p->name_len) {
        return;
    }
    ours = malloc(len);
    require(ours != NULL);
    require(fmq__metadata_property_len(name, p->value_len) == len);
    require(fmq__metadata_put(ours, name, p->value, p->value_len) == len);
    require(memcmp(ours, start, len) == 0);
    free(ours);
}

/* Walks by hand and returns how it ended. */
static int
walk(const uint8_t *data, size_t size, int *n)
{
    fmq__metadata_cursor cursor = {.at = data, .left = size};
    const uint8_t *start = data;
    fmq__property p;
    int err;

    while ((err = fmq__metadata_next(&cursor, &p)) == 0) {
        require(p.name_len >= 1 && p.name_len <= 255);
        require(p.name == start + 1);
        require(p.value + p.value_len == cursor.at);
        require(cursor.at + cursor.left == data + size);
        check_written(&p, start);
        start = cursor.at;
        ++*n;
    }
    require(cursor.at == start);
    return err;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fmq__props *props;
    int n = 0;
    int walked = walk(data, size, &n);
    int err;

    require(walked == EPROTO || walked == ENOENT);
    if (fmq__props_new(&props) != 0) {
        return 0;
    }
    err = fmq__metadata_to_props(data, size, props);
    require(err == 0 || err == EPROTO);
    require((err == 0) == (walked == ENOENT && n <= FMQ__METADATA_MAX_PROPERTIES));
    (void)fmq__props_get(props, "Socket-Type", NULL);
    fmq__props_drop(props);
    return 0;
}
