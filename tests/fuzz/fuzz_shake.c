/* SPDX-License-Identifier: Apache-2.0 */
/* A whole connection of each mechanism in each role, from the first byte of the
 * greeting to sealed traffic, against a peer that has the right keys and whose bytes
 * an attacker holds in his hands: he cuts them anywhere, changes, drops, repeats and
 * adds some, puts sealed frames in another order, and has the peer itself send
 * properties and messages of any content.
 *
 * Nobody gets through who should not; what is opened was sealed, comes in its order and
 * once; and it does not matter how the bytes were cut. Keys and random numbers are
 * fixed, so an input does the same each time.
 *
 * The first byte chooses mechanism, role and keys, the second how many of the bytes
 * that follow are properties of the peer. The rest are steps: a byte that says what to
 * do, and how far, or with what.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "security/mechanism.h"
#include "security/null.h"
#include "wire/command.h"
#include "wire/conn.h"
#include "wire/frame.h"

enum {
    SAID_MAX = 32 * 1024,
    SEALED_MAX = 64,
    FRAME_MAX = 16 * 1024,
    BODY_MAX = 300,
    OUT_MAX = 4096 /* more than a handshake ever has to say here */
};

/* What is done with what the peer has said. */
enum step { PASS, BEND, DROP, ADD, AGAIN, ANSWER, SAY, SWAP, N_STEPS };

enum mechanism { OPEN, OPEN_ZAP, PLAIN, CURVE };

/* --- the input --- */

typedef struct input {
    const uint8_t *data;
    size_t size;
} input;

static uint8_t
take_byte(input *in)
{
    if (in->size == 0) {
        return 0;
    }
    in->size--;
    return *in->data++;
}

static size_t
take_number(input *in)
{
    size_t high = take_byte(in);

    return high << 8 | take_byte(in);
}

static const uint8_t *
take_bytes(input *in, size_t *len)
{
    const uint8_t *p = in->data;

    *len = *len < in->size ? *len : in->size;
    in->data += *len;
    in->size -= *len;
    return p;
}

/* --- two ends of a connection --- */

typedef struct end {
    enum mechanism mechanism;
    bool is_server;
    fmq__secrets *secrets;
    fmq__null_config null;
    fmq__conn *conn;
    fmq__guard *guard; /* once ready */
    int err;
    bool is_admitted; /* by an answer of ZAP */
} end;

/* A message that the peer has sealed: its number is the beginning of its body. */
typedef struct sealed {
    unsigned flags;
    size_t len;
    size_t from; /* in what it said */
    size_t to;
} sealed;

typedef struct world {
    end us;
    end peer;
    size_t cut;   /* bytes that we get at once; 0: all */
    bool is_good; /* the keys */
    uint8_t said[SAID_MAX];
    size_t said_len;
    size_t at; /* so far it has been passed on */
    sealed sealed[SEALED_MAX];
    size_t n_sealed;
    uint8_t traffic[2 * FRAME_MAX]; /* behind the handshake, not understood yet */
    size_t traffic_len;
    size_t n_opened; /* the number behind that of the last one */
    size_t out_len;
    size_t used;
} world;

static void
set_keys(end *e, const fmq__crypto *crypto, bool is_good)
{
    uint8_t server_secret[FMQ__KEY_LEN];
    uint8_t own = e->is_server ? 2 : 1;

    e->secrets->crypto = crypto;
    memset(e->secrets->secret_key, is_good ? own : 9, FMQ__KEY_LEN);
    memset(server_secret, 2, sizeof(server_secret));
    crypto->public_of(e->secrets->public_key, e->secrets->secret_key);
    crypto->public_of(e->secrets->server_key, server_secret);
}

static void
open_end(end *e, const char *type, const char *peer_type, const uint8_t *metadata,
         size_t metadata_len)
{
    fmq__conn_config config = {
        .socket_type = type,
        .peer_types = fmq__conn_type_bit(peer_type, strlen(peer_type)),
        .metadata = metadata,
        .metadata_len = metadata_len,
        .is_server = e->is_server,
    };

    if (e->mechanism <= OPEN_ZAP) {
        e->null.asks_zap = e->mechanism == OPEN_ZAP;
        config.mech = &fmq__mech_null;
        config.mech_config = &e->null;
    } else {
        config.mech = fmq__mechanism_of(e->secrets);
        config.mech_config = e->secrets;
    }
    require(fmq__conn_new(&config, &e->conn) == 0);
}

static void
prepare_end(end *e, uint8_t choice, bool is_server)
{
    require(fmq__secrets_copy(NULL, &e->secrets) == 0);
    e->mechanism = choice & 3;
    e->is_server = is_server;
    e->secrets->is_server = is_server;
    e->secrets->mechanism =
        e->mechanism == CURVE ? FMQ__MECHANISM_CURVE : FMQ__MECHANISM_PLAIN;
    e->secrets->user.len = 3;
    e->secrets->password.len = 200;
}

static void
close_end(end *e)
{
    if (e->guard != NULL) {
        e->guard->ops->free(e->guard);
    }
    fmq__conn_free(e->conn);
    fmq__secrets_drop(e->secrets);
}

/* Gives an end some bytes, in a block of their own; how many it understood. */
static size_t
feed(end *e, const uint8_t *data, size_t len)
{
    uint8_t *exact;
    size_t used = 0;
    int err;

    if (fmq__conn_is_ready(e->conn)) {
        return 0;
    }
    exact = malloc(len != 0 ? len : 1);
    require(exact != NULL);
    if (len != 0) {
        memcpy(exact, data, len);
    }
    err = fmq__conn_input(e->conn, exact, len, &used);
    free(exact);
    require(used <= len && (e->err == 0 || (err == e->err && used == 0)));
    require(used == len || err != 0 || fmq__conn_is_ready(e->conn));
    e->err = err;
    return used;
}

static void
answer(end *e, unsigned status)
{
    static const uint8_t metadata[] = "\1k\0\0\0\1v";
    fmq__zap_reply reply = {true, status, (const uint8_t *)"user", 4, metadata, 7};
    fmq__mech_credential c[FMQ__MECH_MAX_CREDENTIALS];

    if (e->err != 0 || !fmq__conn_wants_zap(e->conn)) {
        return;
    }
    if (e->mechanism >= PLAIN) {
        require(fmq__conn_credentials(e->conn, c) <= FMQ__MECH_MAX_CREDENTIALS);
    }
    e->err = status != 0 ? fmq__conn_zap_reply(e->conn, &reply)
                         : fmq__conn_zap_fail(e->conn, FMQ__ZAP_MALFORMED_REPLY);
    require((e->err == 0) == (status == 200));
    e->is_admitted = status == 200;
}

static void
make_guard(end *e)
{
    if (e->err == 0 && e->guard == NULL && fmq__conn_is_ready(e->conn)) {
        require(fmq__conn_make_guard(e->conn, &e->guard) == 0);
        require((e->guard != NULL) == (e->mechanism == CURVE));
    }
}

/* --- what they say --- */

static void
say_bytes(world *w, const uint8_t *data, size_t len)
{
    if (len <= SAID_MAX - w->said_len) {
        memcpy(w->said + w->said_len, data, len);
        w->said_len += len;
    }
}

/* Has the peer answer itself until it has nothing more to say. */
static void
hear_peer(world *w)
{
    const uint8_t *out;
    size_t len;

    answer(&w->peer, 200);
    len = fmq__conn_output(w->peer.conn, &out);
    say_bytes(w, out, len);
    fmq__conn_sent(w->peer.conn, len);
    make_guard(&w->peer);
}

/* Passes what we said to the peer, as it is. */
static void
hear_us(world *w)
{
    const uint8_t *out;
    size_t len = fmq__conn_output(w->us.conn, &out);

    if (w->peer.err == 0) {
        (void)feed(&w->peer, out, len);
    }
    fmq__conn_sent(w->us.conn, len);
    w->out_len += len;
    require(w->out_len <= OUT_MAX);
    hear_peer(w);
}

/* A message of the peer's, in traffic. */
static void
say_message(world *w, unsigned what, size_t len)
{
    fmq__guard *g = w->peer.guard;
    uint8_t body[BODY_MAX] = {0};
    uint8_t frame[FMQ__FRAME_LONG_HEADER + 2 * BODY_MAX];
    size_t header_len;
    size_t sealed_len = 0;
    sealed *s = &w->sealed[w->n_sealed];

    if (g == NULL || w->n_sealed == SEALED_MAX) {
        return;
    }
    s->len = len % BODY_MAX;
    s->flags = ((what & 1) != 0 ? (unsigned)FMQ__MORE : 0U) |
               ((what & 2) != 0 ? (unsigned)FMQ__COMMAND : 0U);
    body[0] = (uint8_t)w->n_sealed;
    header_len = fmq__frame_header_len(g->ops->sealed_max(g, s->len));
    require(g->ops->seal(g, s->flags, body, s->len, frame + header_len, &sealed_len) ==
            0);
    (void)fmq__frame_put_header(frame, 0, sealed_len);
    s->from = w->said_len;
    say_bytes(w, frame, header_len + sealed_len);
    s->to = w->said_len;
    w->n_sealed++;
}

/* Puts the last two messages in the other order, if they are still to be passed on. */
static void
swap_messages(world *w)
{
    sealed *a = w->n_sealed >= 2 ? &w->sealed[w->n_sealed - 2] : NULL;
    sealed *b = a != NULL ? a + 1 : NULL;
    uint8_t first[FMQ__FRAME_LONG_HEADER + 2 * BODY_MAX];
    size_t len;

    if (a == NULL || a->from < w->at || b->to != w->said_len || a->to != b->from) {
        return;
    }
    len = a->to - a->from;
    memcpy(first, w->said + a->from, len);
    memmove(w->said + a->from, w->said + b->from, b->to - b->from);
    memcpy(w->said + w->said_len - len, first, len);
}

/* --- what we make of it --- */

/* A frame in traffic: if it is sealed, it is one that the peer sealed, and later than
 * all before it. */
static void
take_frame(world *w, uint8_t *body, size_t len)
{
    fmq__opened opened = {0};
    fmq__command command;

    if (w->us.guard == NULL) {
        (void)fmq__command_classify(body, len, &command);
        return;
    }
    w->us.err = w->us.guard->ops->open(w->us.guard, body, len, &opened);
    if (w->us.err != 0) {
        require(w->us.err == EPROTO && opened.error != 0);
        return;
    }
    require(opened.len < BODY_MAX);
    while (w->n_opened < w->n_sealed &&
           (w->sealed[w->n_opened].len != opened.len ||
            w->sealed[w->n_opened].flags != opened.flags ||
            (opened.len != 0 && opened.body[0] != (uint8_t)w->n_opened))) {
        w->n_opened++;
    }
    require(w->n_opened < w->n_sealed);
    w->n_opened++;
    (void)fmq__command_classify(opened.body, opened.len, &command);
}

/* Takes the frames that are whole. */
static void
take_frames(world *w)
{
    uint8_t *p = w->traffic;

    while (w->us.err == 0) {
        size_t header_len = 0;
        uint64_t body_len = 0;
        unsigned flags = 0;
        int parsed =
            fmq__frame_parse(p, w->traffic_len, &header_len, &body_len, &flags);
        uint8_t *body;

        if (parsed < 0 || (parsed > 0 && body_len > FRAME_MAX - header_len)) {
            w->us.err = EMSGSIZE;
            return;
        }
        if (parsed == 0 || body_len > w->traffic_len - header_len) {
            return;
        }
        body = malloc(body_len != 0 ? (size_t)body_len : 1);
        require(body != NULL);
        memcpy(body, p + header_len, (size_t)body_len);
        take_frame(w, body, (size_t)body_len);
        free(body);
        w->traffic_len -= header_len + (size_t)body_len;
        memmove(p, p + header_len + body_len, w->traffic_len);
    }
}

static void
take_traffic(world *w, const uint8_t *data, size_t len)
{
    while (len != 0 && w->us.err == 0) {
        size_t room = sizeof(w->traffic) - w->traffic_len;
        size_t n = len < room ? len : room;

        memcpy(w->traffic + w->traffic_len, data, n);
        w->traffic_len += n;
        data += n;
        len -= n;
        take_frames(w);
    }
}

/* Gives us bytes, in pieces. */
static void
give(world *w, const uint8_t *data, size_t len)
{
    while (len != 0 && w->us.err == 0) {
        size_t n = w->cut != 0 && w->cut < len ? w->cut : len;
        size_t used = feed(&w->us, data, n);

        make_guard(&w->us);
        w->used += used;
        if (used < n && w->us.err == 0) {
            take_traffic(w, data + used, n - used);
        }
        data += n;
        len -= n;
    }
    hear_us(w);
}

static void
take_step(world *w, input *in)
{
    static const unsigned statuses[] = {200, 300, 400, 500, 0};
    uint8_t what = take_byte(in);
    size_t pending = w->said_len - w->at;
    size_t from;
    size_t n;

    switch (what % N_STEPS) {
    case PASS:
        n = take_byte(in);
        n = n != 0 && n < pending ? n : pending;
        w->at += n;
        give(w, w->said + w->at - n, n);
        break;
    case BEND:
        from = take_number(in);
        n = take_byte(in);
        if (pending != 0) {
            w->said[w->at + from % pending] ^= (uint8_t)n;
        }
        break;
    case DROP:
        n = take_byte(in);
        w->at += n < pending ? n : pending;
        break;
    case ADD: {
        size_t len = take_number(in);
        const uint8_t *bytes = take_bytes(in, &len);

        give(w, bytes, len);
        break;
    }
    case AGAIN:
        from = take_number(in);
        n = take_number(in);
        if (w->at != 0) {
            from %= w->at;
            give(w, w->said + from, n < w->at - from ? n : w->at - from);
        }
        break;
    case ANSWER:
        answer(&w->us, statuses[what / N_STEPS % 5]);
        make_guard(&w->us);
        hear_us(w);
        break;
    case SAY:
        say_message(w, what / N_STEPS, take_number(in));
        break;
    default:
        swap_messages(w);
    }
}

/* --- a whole input --- */

/* Whoever is through had the keys, and was let in by whoever was asked. */
static void
check_end(world *w)
{
    bool is_ready = fmq__conn_is_ready(w->us.conn);

    if (w->us.mechanism == CURVE) {
        require(!is_ready || w->is_good || w->us.is_server);
    }
    if (is_ready && fmq__conn_version(w->us.conn) >= 0x0300) {
        bool asks = w->us.mechanism == OPEN_ZAP ||
                    (w->us.mechanism >= PLAIN && w->us.is_server);

        require(w->us.is_admitted == asks);
    }
    require(!is_ready || w->us.mechanism == OPEN ||
            fmq__conn_version(w->us.conn) >= 0x0300);
}

static void
run(world *w, input in, size_t cut, const fmq__crypto *crypto)
{
    uint8_t choice = take_byte(&in);
    bool is_server = (choice & 4) != 0;
    size_t len = take_byte(&in);
    const uint8_t *metadata;

    memset(w, 0, sizeof(*w));
    next_random = 0;
    w->cut = cut;
    w->is_good = (choice & 8) == 0;
    metadata = take_bytes(&in, &len);
    prepare_end(&w->us, choice, is_server);
    prepare_end(&w->peer, choice, !is_server);
    if (crypto != NULL) {
        set_keys(&w->us, crypto, true);
        set_keys(&w->peer, crypto, w->is_good);
    }
    open_end(&w->us, "PULL", "PUSH", NULL, 0);
    open_end(&w->peer, "PUSH", "PULL", metadata, len);
    hear_us(w);
    while (in.size != 0) {
        take_step(w, &in);
    }
    check_end(w);
}

static void
finish(world *w)
{
    close_end(&w->us);
    close_end(&w->peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fmq__crypto crypto;
    static world whole;
    static world cut;
    bool is_curve = size != 0 && (data[0] & 3) == CURVE;

    if (is_curve) {
        if (fmq__crypto_get() == NULL) {
            return 0;
        }
        crypto = *fmq__crypto_get();
        crypto.random = counted_random;
    }
    if (size < 2) {
        return 0;
    }
    run(&whole, (input){data, size}, 0, is_curve ? &crypto : NULL);
    run(&cut, (input){data, size}, 1 + data[0] / 16, is_curve ? &crypto : NULL);
    require(whole.us.err == cut.us.err && whole.used == cut.used);
    require(fmq__conn_is_ready(whole.us.conn) == fmq__conn_is_ready(cut.us.conn));
    require(fmq__conn_error(whole.us.conn) == fmq__conn_error(cut.us.conn));
    require(whole.out_len == cut.out_len && whole.n_opened == cut.n_opened);
    finish(&whole);
    finish(&cut);
    return 0;
}
