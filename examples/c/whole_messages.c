/* SPDX-License-Identifier: Apache-2.0 */
/* fastmq.h: whole messages in one call, errors as values, and a wait with an end.
 *
 * Prints:
 *
 *     3 parts: one two three
 *     nothing came: 1
 */
#include <fastmq.h>
#include <stdio.h>
#include <string.h>

/* Types are numbered as in zmq.h. */
enum { PAIR = 0, WAIT_NS = 10000000 };

static int
run(fmq_socket a, fmq_socket b)
{
    static const char *const words[] = {"one", "two", "three"};
    fmq_msg out[3];
    fmq_msg *in;
    size_t n;
    int err = 0;

    for (int i = 0; i < 3 && err == 0; i++) {
        err = fmq_msg_init_copy(&out[i], words[i], strlen(words[i]));
    }
    if (err == 0) {
        err = fmq_sendv(a, out, 3, 0); /* all of them, or nothing */
    }
    if (err == 0) {
        err = fmq_recvv(b, &in, &n, 0);
    }
    if (err != 0) {
        return err;
    }
    printf("%d parts:", (int)n);
    for (size_t i = 0; i < n; i++) {
        printf(" %.*s", (int)fmq_msg_size(&in[i]), (char *)fmq_msg_data(&in[i]));
    }
    printf("\n");
    fmq_parts_free(in, n);
    err = fmq_recvv_until(b, &in, &n, fmq_now_ns() + WAIT_NS);
    printf("nothing came: %d\n", err == EAGAIN);
    return 0;
}

int
main(void)
{
    fmq_ctx ctx;
    fmq_socket a = 0;
    fmq_socket b = 0;
    int err = fmq_ctx_new(&ctx);

    if (err == 0) {
        err = fmq_socket_new(ctx, PAIR, &a);
    }
    if (err == 0) {
        err = fmq_socket_new(ctx, PAIR, &b);
    }
    if (err == 0) {
        err = fmq_bind(a, "inproc://couple");
    }
    if (err == 0) {
        err = fmq_connect(b, "inproc://couple");
    }
    if (err == 0) {
        err = run(a, b);
    }
    if (err != 0) {
        fprintf(stderr, "%s\n", fmq_strerror(err));
        return 1;
    }
    fmq_socket_close(a);
    fmq_socket_close(b);
    return fmq_ctx_term(ctx, -1);
}
