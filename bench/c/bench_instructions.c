/* SPDX-License-Identifier: Apache-2.0 */
/* Messages through the C paths for a program that counts instructions, not for a clock:
 * what is to be counted happens in the functions measured_*, one call a message.
 *
 *     bench_instructions PATH MESSAGES BURST [BODY_BYTES]
 *
 * PATH is fq, duct, inproc or tcp. BURST messages are written, then as many are read,
 * all by one thread, until there have been MESSAGES.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastmq.h"
#include "pipe/duct.h"
#include "pipe/fq.h"

#if defined(__clang__)
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noinline, noclone))
#endif

enum { LEN_MAX = 4096, PULL = 7, PUSH = 8, LAST_ENDPOINT = 32 };

typedef struct bed {
    fmq__fq_writer w;
    fmq__fq_reader r;
    fmq__duct *duct;
    fmq_socket push, pull;
    size_t len;
    char body[LEN_MAX];
    char into[LEN_MAX];
} bed;

typedef struct path {
    const char *name;
    void (*write)(bed *b);
    void (*read)(bed *b);
    void (*after_burst)(bed *b); /* NULL: nothing */
    const char *endpoint;        /* of paths through sockets */
} path;

static void
must(int err)
{
    if (err != 0) {
        fprintf(stderr, "%s\n", fmq_strerror(err));
        exit(1);
    }
}

/* --- what is counted --- */

static APART void
measured_fq_append(bed *b)
{
    must(fmq__fq_append(&b->w, 0, b->body, b->len));
}

static APART void
measured_fq_pop(bed *b)
{
    fmq__frame f;

    fmq__fq_pop(&b->r, &f);
    memcpy(b->into, f.data, f.len);
}

static APART void
measured_duct_write(bed *b)
{
    must(fmq__duct_has_room(b->duct) ? 0 : EAGAIN);
    must(fmq__fq_append(fmq__duct_writer(b->duct), 0, b->body, b->len));
    (void)fmq__duct_publish(b->duct);
}

static APART void
measured_duct_read(bed *b)
{
    fmq__frame f;

    must(fmq__duct_ready(b->duct) != 0 ? 0 : EAGAIN);
    fmq__fq_pop(fmq__duct_reader(b->duct), &f);
    memcpy(b->into, f.data, f.len);
    (void)fmq__duct_report(b->duct);
}

static APART void
measured_send(bed *b)
{
    must(fmq_send(b->push, b->body, b->len, 0));
}

static APART void
measured_recv(bed *b)
{
    fmq_msg m;
    fmq_part part;

    fmq_msg_init(&m);
    must(fmq_recv(b->pull, b->into, sizeof(b->into), &m, &part, 0));
    fmq_msg_close(&m);
}

/* --- what is not --- */

static void
rewind_queue(bed *b)
{
    fmq__fq_rewind(&b->w, &b->r, FMQ__CHUNK_MAX);
}

static const path paths[] = {
    {"fq", measured_fq_append, measured_fq_pop, rewind_queue, NULL},
    {"duct", measured_duct_write, measured_duct_read, NULL, NULL},
    {"inproc", measured_send, measured_recv, NULL, "inproc://bench"},
    {"tcp", measured_send, measured_recv, NULL, "tcp://127.0.0.1:*"},
};

static const path *
find(const char *name)
{
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(paths[i].name, name) == 0) {
            return &paths[i];
        }
    }
    fprintf(stderr, "no path is called %s\n", name);
    exit(2);
}

static void
run(const path *p, bed *b, long messages, long burst)
{
    for (long i = 0; i < messages; i += burst) {
        for (long k = 0; k < burst; k++) {
            p->write(b);
        }
        for (long k = 0; k < burst; k++) {
            p->read(b);
        }
        if (p->after_burst != NULL) {
            p->after_burst(b);
        }
    }
}

static void
run_sockets(const path *p, bed *b, long messages, long burst)
{
    char endpoint[256];
    size_t len = sizeof(endpoint);
    fmq_ctx ctx;

    must(fmq_ctx_new(&ctx));
    must(fmq_socket_new(ctx, PUSH, &b->push));
    must(fmq_socket_new(ctx, PULL, &b->pull));
    must(fmq_bind(b->pull, p->endpoint));
    must(fmq_getsockopt(b->pull, LAST_ENDPOINT, endpoint, &len));
    must(fmq_connect(b->push, endpoint));
    run(p, b, messages, burst);
    must(fmq_socket_close(b->push));
    must(fmq_socket_close(b->pull));
    must(fmq_ctx_term(ctx, -1));
}

static long
number(const char *text, long lowest, long highest)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end != '\0' || value < lowest || value > highest) {
        fprintf(stderr, "%s is not a number from %ld to %ld\n", text, lowest, highest);
        exit(2);
    }
    return value;
}

int
main(int argc, char **argv)
{
    static bed b;
    const path *p;
    long messages, burst;

    if (argc < 4) {
        fprintf(stderr, "%s PATH MESSAGES BURST [BODY_BYTES]\n", argv[0]);
        return 2;
    }
    p = find(argv[1]);
    messages = number(argv[2], 1, 1000000000);
    burst = number(argv[3], 1, 1000); /* no more than the marks let in */
    b.len = argc > 4 ? (size_t)number(argv[4], 0, LEN_MAX) : 64;
    if (p->endpoint != NULL) {
        run_sockets(p, &b, messages, burst);
        return 0;
    }
    must(fmq__fq_init(&b.w, &b.r));
    must(fmq__duct_new(1000, &b.duct));
    run(p, &b, messages, burst);
    fmq__fq_fini(&b.w, &b.r);
    (void)fmq__duct_close_writer(b.duct);
    (void)fmq__duct_close_reader(b.duct);
    return 0;
}
