/* SPDX-License-Identifier: Apache-2.0 */
/* A SOCKS5 proxy that says anything: the first byte tells how many bytes come at a time
 * and whether there is a login; what follows is the proxy's. Whatever it says, nothing
 * is read beyond its own last answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t word[] = "me";
    fmq__socks_text user = {word, 2};
    fmq__socks s;
    size_t at = 1;
    int err = 0;

    if (len < 1) {
        return 0;
    }
    user.len = data[0] & 0x80 ? 2 : 0;
    require(fmq__socks_init(&s, "example", 5555, user, user) == 0);
    while (err == 0 && at < len && !fmq__socks_is_done(&s)) {
        const uint8_t *out;
        uint8_t *in;
        size_t n = fmq__socks_output(&s, &out);
        size_t room;

        require(n <= FMQ__SOCKS_ROOM);
        fmq__socks_wrote(&s, n);
        room = fmq__socks_room(&s, &in);
        require(room > 0 && in + room <= s.in + sizeof(s.in));
        n = 1 + (data[0] & 0x7f);
        n = n < room ? n : room;
        n = n < len - at ? n : len - at;
        memcpy(in, data + at, n);
        at += n;
        err = fmq__socks_read(&s, n);
    }
    /* Done means that the proxy agreed to all of it. */
    require(!fmq__socks_is_done(&s) || (s.in[0] == 5 && s.in[1] == 0));
    fmq__socks_fini(&s);
    return 0;
}
