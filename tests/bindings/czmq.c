/* SPDX-License-Identifier: Apache-2.0 */
/* CZMQ: an actor, its poller and loop, a proxy, a monitor, messages and timers. */
#include <czmq.h>

static void
echo(zsock_t *pipe, void *arg)
{
    zsock_t *rep = arg;
    zpoller_t *poller = zpoller_new(pipe, rep, NULL);

    zsock_signal(pipe, 0);
    for (;;) {
        void *which = zpoller_wait(poller, -1);

        if (which == rep) {
            zmsg_t *m = zmsg_recv(rep);

            zmsg_send(&m, rep);
        } else {
            char *order = zstr_recv(pipe);
            bool is_end = order == NULL || streq(order, "$TERM");

            zstr_free(&order);
            if (is_end) {
                break;
            }
        }
    }
    zpoller_destroy(&poller);
}

static int
on_timer(zloop_t *loop, int id, void *arg)
{
    (void)loop;
    (void)id;
    return ++*(int *)arg < 3 ? 0 : -1;
}

static void
run_loop(void)
{
    zloop_t *loop = zloop_new();
    int n = 0;

    zloop_timer(loop, 1, 0, on_timer, &n);
    zloop_start(loop);
    zloop_destroy(&loop);
    if (n != 3) {
        printf("%d timers\n", n);
    }
}

static void
proxy(void)
{
    zactor_t *actor = zactor_new(zproxy, NULL);
    zsock_t *push;
    zsock_t *pull;
    char *got;

    zstr_sendx(actor, "FRONTEND", "PULL", "inproc://front", NULL);
    zsock_wait(actor);
    zstr_sendx(actor, "BACKEND", "PUSH", "inproc://back", NULL);
    zsock_wait(actor);
    push = zsock_new_push(">inproc://front");
    pull = zsock_new_pull(">inproc://back");
    zstr_send(push, "through");
    got = zstr_recv(pull);
    if (!streq(got, "through")) {
        printf("got %s\n", got);
    }
    zstr_free(&got);
    zsock_destroy(&push);
    zsock_destroy(&pull);
    zactor_destroy(&actor);
}

int
main(void)
{
    zsock_t *rep = zsock_new(ZMQ_REP);
    int port = zsock_bind(rep, "tcp://127.0.0.1:*");
    zactor_t *actor = zactor_new(echo, rep);
    zsock_t *req = zsock_new(ZMQ_REQ);
    int major;
    int minor;
    int patch;

    zsock_connect(req, "tcp://127.0.0.1:%d", port);
    for (int i = 0; i < 100; i++) {
        char *a = NULL;
        char *b = NULL;

        zstr_sendx(req, "one", "two", NULL);
        zstr_recvx(req, &a, &b, NULL);
        if (a == NULL || b == NULL || !streq(b, "two")) {
            printf("no echo\n");
        }
        zstr_free(&a);
        zstr_free(&b);
    }
    zactor_destroy(&actor);
    zsock_destroy(&req);
    zsock_destroy(&rep);
    run_loop();
    proxy();
    zmq_version(&major, &minor, &patch);
    printf("%d.%d.%d ok\n", major, minor, patch);
    return 0;
}
