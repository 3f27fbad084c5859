/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over tcp, parts over inproc, a poll: with zmq.h alone. */
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void
expect(void *socket, const char *text)
{
    char got[64] = "";
    int n = zmq_recv(socket, got, sizeof(got) - 1, 0);

    if (n < 0 || strcmp(got, text) != 0) {
        printf("got '%s', not '%s'\n", got, text);
    }
}

static void
requests(void *context)
{
    void *rep = zmq_socket(context, ZMQ_REP);
    void *req = zmq_socket(context, ZMQ_REQ);
    char endpoint[64];
    size_t len = sizeof(endpoint);

    zmq_bind(rep, "tcp://127.0.0.1:*");
    zmq_getsockopt(rep, ZMQ_LAST_ENDPOINT, endpoint, &len);
    zmq_connect(req, endpoint);
    for (int i = 0; i < 100; i++) {
        zmq_send(req, "question", 8, 0);
        expect(rep, "question");
        zmq_send(rep, "answer", 6, 0);
        expect(req, "answer");
    }
    zmq_close(req);
    zmq_close(rep);
}

static void
parts(void *context)
{
    void *push = zmq_socket(context, ZMQ_PUSH);
    void *pull = zmq_socket(context, ZMQ_PULL);
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
    zmq_msg_t message;

    zmq_bind(push, "inproc://parts");
    zmq_connect(pull, "inproc://parts");
    zmq_msg_init_size(&message, 5);
    memcpy(zmq_msg_data(&message), "first", 5);
    zmq_msg_send(&message, push, ZMQ_SNDMORE);
    zmq_send(push, "second", 6, 0);
    if (zmq_poll(&item, 1, -1) != 1) {
        printf("nothing\n");
    }
    expect(pull, "first");
    expect(pull, "second");
    zmq_close(push);
    zmq_close(pull);
}

int
main(void)
{
    void *context = zmq_ctx_new();
    int major;
    int minor;
    int patch;

    zmq_version(&major, &minor, &patch);
    requests(context);
    parts(context);
    zmq_ctx_term(context);
    printf("%d.%d.%d ok\n", major, minor, patch);
    return 0;
}
