/* SPDX-License-Identifier: Apache-2.0 */
#include "security/z85.h"

#include <string.h>

enum { BASE = 85 };

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
                               "TUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

_Static_assert(sizeof(alphabet) == BASE + 1, "a character a digit");

void
fmq__z85_encode(char *to, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i += FMQ__Z85_BYTES) {
        uint32_t word = (uint32_t)data[i] << 24 | (uint32_t)data[i + 1] << 16 |
                        (uint32_t)data[i + 2] << 8 | data[i + 3];

        for (int k = FMQ__Z85_CHARS - 1; k >= 0; k--) {
            to[k] = alphabet[word % BASE];
            word /= BASE;
        }
        to += FMQ__Z85_CHARS;
    }
    *to = '\0';
}

/* The number of a group of characters; UINT64_MAX: one of them is none of ours. */
static uint64_t
number_of(const char *text)
{
    uint64_t n = 0;

    for (int k = 0; k < FMQ__Z85_CHARS; k++) {
        const char *digit = memchr(alphabet, text[k], BASE);

        if (digit == NULL) {
            return UINT64_MAX;
        }
        n = n * BASE + (uint64_t)(digit - alphabet);
    }
    return n;
}

bool
fmq__z85_decode(uint8_t *to, const char *text, size_t len)
{
    if (len % FMQ__Z85_CHARS != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i += FMQ__Z85_CHARS) {
        uint64_t n = number_of(text + i);

        if (n > UINT32_MAX) {
            return false;
        }
        for (int shift = 24; shift >= 0; shift -= 8) {
            *to++ = (uint8_t)(n >> shift);
        }
    }
    return true;
}
