/* SPDX-License-Identifier: Apache-2.0 */
/* wire_test: what the tests of wire/ and security/ share: golden bytes of
 * tests/vectors, and bytes put together piece by piece.
 */
#ifndef FMQ_TESTS_WIRE_TEST_H
#define FMQ_TESTS_WIRE_TEST_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "wire/frame.h"
#include "wire/greeting.h"

enum { WIRE_BYTES_MAX = 80 * 1024 };

typedef struct wire_bytes {
    size_t len;
    uint8_t data[WIRE_BYTES_MAX];
} wire_bytes;

static inline void
wire_add(wire_bytes *b, const void *data, size_t len)
{
    REQUIRE(len <= sizeof(b->data) - b->len);
    if (len != 0) {
        memcpy(b->data + b->len, data, len);
    }
    b->len += len;
}

static inline void
wire_add_text(wire_bytes *b, const char *text)
{
    wire_add(b, text, strlen(text));
}

/* A frame as `flags` says, LONG included whatever the length. */
static inline void
wire_add_frame(wire_bytes *b, unsigned flags, const void *body, size_t len)
{
    uint8_t head[FMQ__FRAME_LONG_HEADER] = {(uint8_t)flags, (uint8_t)len};

    if ((flags & FMQ__LONG) != 0) {
        fmq__put_u64(head + 1, len);
        wire_add(b, head, sizeof(head));
    } else {
        REQUIRE(len <= FMQ__FRAME_SHORT_MAX);
        wire_add(b, head, 2);
    }
    wire_add(b, body, len);
}

static inline int
wire_hex_digit(int c)
{
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* Adds the bytes of tests/vectors/<name>.hex: pairs of digits, # to the end of a line.
 */
static inline void
wire_add_vector(wire_bytes *b, const char *name)
{
    const char *slash = strrchr(__FILE__, '/');
    int folder_len = slash != NULL ? (int)(slash - __FILE__) : 0;
    char path[1024];
    FILE *f;
    int high = -1;

    snprintf(path, sizeof(path), "%.*s/../vectors/%s.hex", folder_len, __FILE__, name);
    f = fopen(path, "r");
    REQUIRE(f != NULL);
    for (int c = getc(f); c != EOF; c = getc(f)) {
        if (c == '#') {
            while (c != '\n' && c != EOF) {
                c = getc(f);
            }
        } else if (isxdigit(c) && high < 0) {
            high = wire_hex_digit(c);
        } else if (isxdigit(c)) {
            uint8_t byte = (uint8_t)(high * 16 + wire_hex_digit(c));

            wire_add(b, &byte, 1);
            high = -1;
        } else {
            REQUIRE(isspace(c));
        }
    }
    REQUIRE(high < 0 && b->len != 0);
    fclose(f);
}

/* A greeting of NULL, ZMTP 3.1. */
static inline void
wire_add_greeting(wire_bytes *b)
{
    uint8_t greeting[FMQ__GREETING_LEN];

    fmq__greeting_put(greeting, 0, "NULL");
    wire_add(b, greeting, sizeof(greeting));
}

#endif
