/* SPDX-License-Identifier: Apache-2.0 */
#include "session/old.h"

#include "base/alloc.h"
#include "check.h"
#include "wire/frame.h"
#include "wire_test.h"

/* --- a queue's bytes, cut into runs as a test likes --- */

/* Fills again and again from `from`, cut at `cut` and at each multiple of `step` behind
 * it, until nothing is left, and gathers what goes to the peer. */
static void
convert(const wire_bytes *from, size_t cut, size_t step, wire_bytes *to)
{
    fmq__old *o;
    size_t at = 0;

    REQUIRE(fmq__old_new(&o) == 0);
    to->len = 0;
    while (at < from->len) {
        struct iovec run[FMQ__OLD_RUNS];
        size_t n = 0;
        size_t from_here = at;
        size_t used;

        while (n < FMQ__OLD_RUNS && from_here < from->len &&
               from_here - at < FMQ__OLD_BYTES - step) {
            size_t len = from_here < cut ? cut - from_here : step;

            len = len < from->len - from_here ? len : from->len - from_here;
            run[n++] = (struct iovec){(void *)(uintptr_t)(from->data + from_here), len};
            from_here += len;
        }
        used = fmq__old_fill(o, run, (int)n);
        REQUIRE(used != 0 && used <= from_here - at);
        wire_add(to, o->bytes + o->at, o->len - o->at);
        at += used;
    }
    CHECK_EQ(o->body_left, 0);
    fmq__free(o);
}

static void
add_frame(wire_bytes *b, unsigned flags, size_t len)
{
    static const uint8_t body[70000];
    uint8_t head[FMQ__FRAME_LONG_HEADER];

    wire_add(b, head, fmq__frame_put_header(head, flags, len));
    wire_add(b, body, len);
}

TEST(frames_as_libzmq_writes_them)
{
    static wire_bytes today;
    static wire_bytes golden;
    static wire_bytes old;

    /* The same message, which libzmq sent to a peer of 2.0 (behind 16 bytes) and of 1.0
     * (behind 12), but for the bodies. */
    wire_add_vector(&golden, "dealer_1_0");
    add_frame(&today, FMQ__MORE, 0);
    add_frame(&today, FMQ__MORE, 253);
    memset(today.data + today.len - 253, 'a', 253);
    add_frame(&today, 0, 254);
    memset(today.data + today.len - 254, 'b', 254);
    convert(&today, today.len, 1, &old);
    if (CHECK_EQ(old.len, golden.len - 12)) {
        CHECK_MEM(old.data, golden.data + 12, old.len);
    }
}

TEST(a_body_may_be_cut_anywhere)
{
    static wire_bytes today;
    static wire_bytes whole;
    static wire_bytes old;

    add_frame(&today, 0, 70000);
    for (size_t len = 250; len < 260; len++) {
        add_frame(&today, len % 2 == 0 ? FMQ__MORE : 0, len);
    }
    convert(&today, 10000, 10000, &whole);
    CHECK(whole.len > today.len);
    for (size_t cut = 10; cut < 10000; cut += 37) {
        convert(&today, cut, 4000, &old);
        if (CHECK_EQ(old.len, whole.len)) {
            CHECK_MEM(old.data, whole.data, whole.len);
        }
    }
}

int
main(void)
{
    RUN(frames_as_libzmq_writes_them);
    RUN(a_body_may_be_cut_anywhere);
    return CHECK_RESULT();
}
