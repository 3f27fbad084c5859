/* SPDX-License-Identifier: Apache-2.0 */
/* A ZAP handler that answers anything: each frame of the answer is a byte that says how
 * long it is, and so many bytes. What is taken for an answer decides about a connection
 * of NULL: 200 and only 200 lets it be ready. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "security/null.h"
#include "wire/conn.h"
#include "wire/greeting.h"
#include "wire/metadata.h"
#include "wire/zap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { FRAMES_MAX = 16 };

/* Each frame in a block of its own, so that a read beyond it is seen. */
static size_t
cut(const uint8_t *data, size_t len, fmq__zap_frame *frame)
{
    size_t n = 0;

    while (len > 0 && n < FRAMES_MAX) {
        size_t frame_len = data[0] < len - 1 ? data[0] : len - 1;
        uint8_t *copy = malloc(frame_len + (frame_len == 0));

        require(copy != NULL);
        if (frame_len != 0) {
            memcpy(copy, data + 1, frame_len);
        }
        frame[n++] = (fmq__zap_frame){copy, frame_len};
        data += 1 + frame_len;
        len -= 1 + frame_len;
    }
    return n;
}

static fmq__conn *
open_asking(void)
{
    static const fmq__null_config asking = {.asks_zap = true};
    static const uint8_t ready[] = "\4\6\5READY";
    const fmq__conn_config config = {.socket_type = "PULL",
                                     .peer_types = UINT64_MAX,
                                     .mech = &fmq__mech_null,
                                     .mech_config = &asking};
    uint8_t greeting[FMQ__GREETING_LEN];
    fmq__conn *c;
    size_t used;

    fmq__greeting_put(greeting, 0, "NULL");
    require(fmq__conn_new(&config, &c) == 0);
    require(fmq__conn_input(c, greeting, sizeof(greeting), &used) == 0);
    require(fmq__conn_input(c, ready, sizeof(ready) - 1, &used) == 0);
    require(fmq__conn_wants_zap(c));
    return c;
}

static void
decide(const fmq__zap_reply *reply)
{
    fmq__conn *c = open_asking();
    int err = fmq__conn_zap_reply(c, reply);

    require((err == 0) == (reply->status == 200));
    require(fmq__conn_is_ready(c) == (err == 0));
    require(fmq__conn_error(c) == (err == 0 ? 0 : reply->status));
    if (err == 0) {
        fmq__props *props = fmq__conn_take_props(c);
        size_t len;

        require(fmq__props_get(props, "User-Id", &len) != NULL);
        require(len == reply->user_id_len);
        fmq__props_drop(props);
    }
    fmq__conn_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fmq__zap_frame frame[FRAMES_MAX] = {{NULL, 0}};
    size_t n = cut(data, len, frame);
    fmq__zap_reply reply;
    unsigned error;

    if (fmq__zap_parse_reply(frame, n, &reply, &error) == 0) {
        require(error == 0 && n == FMQ__ZAP_REPLY_LEN);
        decide(&reply);
    } else {
        fmq__conn *c = open_asking();

        require(error >= FMQ__ZAP_UNSPECIFIED && error <= FMQ__ZAP_INVALID_METADATA);
        require(fmq__conn_zap_fail(c, error) == EPROTO);
        require(fmq__conn_error(c) == error);
        fmq__conn_free(c);
    }
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)frame[i].data);
    }
    return 0;
}
