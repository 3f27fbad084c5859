/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/zap.h"

#include <errno.h>
#include <string.h>

#include "wire/metadata.h"

static const char version[] = "1.0";
static const char request_id[] = "1";

static fmq__zap_frame
text_frame(const char *text)
{
    return (fmq__zap_frame){(const uint8_t *)text, strlen(text)};
}

size_t
fmq__zap_put_request(const fmq__zap_request *r,
                     fmq__zap_frame frame[FMQ__ZAP_REQUEST_MAX])
{
    size_t n = 0;

    frame[n++] = text_frame("");
    frame[n++] = text_frame(version);
    frame[n++] = text_frame(request_id);
    frame[n++] = r->domain;
    frame[n++] = text_frame(r->address);
    frame[n++] = r->routing_id;
    frame[n++] = text_frame(r->mechanism);
    for (size_t i = 0; i < r->n_credentials; i++) {
        frame[n++] = (fmq__zap_frame){r->credential[i].data, r->credential[i].len};
    }
    return n;
}

static bool
says(const fmq__zap_frame *f, const char *text)
{
    return f->len == strlen(text) && memcmp(f->data, text, f->len) == 0;
}

/* 0: none of the four. */
static unsigned
parse_status(const fmq__zap_frame *f)
{
    static const struct {
        const char *text;
        unsigned status;
    } known[] = {{"200", 200}, {"300", 300}, {"400", 400}, {"500", 500}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (says(f, known[i].text)) {
            return known[i].status;
        }
    }
    return 0;
}

static bool
is_metadata(const fmq__zap_frame *f)
{
    fmq__metadata_cursor cursor = {.at = f->data, .left = f->len};
    fmq__property p;
    int err = 0;

    for (int n = 0; err == 0 && n <= FMQ__METADATA_MAX_PROPERTIES; n++) {
        err = fmq__metadata_next(&cursor, &p);
    }
    return err == ENOENT;
}

/* The first thing that is wrong; 0: nothing. */
static unsigned
check_reply(const fmq__zap_frame *frame, size_t n)
{
    if (n != FMQ__ZAP_REPLY_LEN) {
        return FMQ__ZAP_MALFORMED_REPLY;
    }
    if (frame[0].len != 0) {
        return FMQ__ZAP_UNSPECIFIED;
    }
    if (!says(&frame[1], version)) {
        return FMQ__ZAP_BAD_VERSION;
    }
    if (!says(&frame[2], request_id)) {
        return FMQ__ZAP_BAD_REQUEST_ID;
    }
    if (parse_status(&frame[3]) == 0) {
        return FMQ__ZAP_INVALID_STATUS_CODE;
    }
    return is_metadata(&frame[6]) ? 0 : FMQ__ZAP_INVALID_METADATA;
}

int
fmq__zap_parse_reply(const fmq__zap_frame *frame, size_t n, fmq__zap_reply *reply,
                     unsigned *error)
{
    *error = check_reply(frame, n);
    if (*error != 0) {
        return EPROTO;
    }
    reply->is_answered = true;
    reply->status = parse_status(&frame[3]);
    reply->user_id = frame[5].data;
    reply->user_id_len = frame[5].len;
    reply->metadata = frame[6].data;
    reply->metadata_len = frame[6].len;
    return 0;
}
