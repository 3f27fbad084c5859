/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and answers over tcp: a client, and a server in a thread of its own.
 *
 * Prints:
 *
 *     1 squared is 1
 *     2 squared is 4
 *     3 squared is 9
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void
serve(void *socket)
{
    char text[32];

    for (;;) {
        int n = zmq_recv(socket, text, sizeof(text) - 1, 0);
        long number;

        if (n < 0) {
            break; /* the context ends: ETERM */
        }
        text[(size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1] = '\0';
        number = strtol(text, NULL, 10);
        snprintf(text, sizeof(text), "%ld", number * number);
        zmq_send(socket, text, strlen(text), 0);
    }
    zmq_close(socket);
}

int
main(void)
{
    void *context = zmq_ctx_new();
    void *server = zmq_socket(context, ZMQ_REP);
    void *client = zmq_socket(context, ZMQ_REQ);
    void *thread;
    char endpoint[64];
    size_t len = sizeof(endpoint);

    if (zmq_bind(server, "tcp://127.0.0.1:*") != 0) {
        fprintf(stderr, "%s\n", zmq_strerror(zmq_errno()));
        return 1;
    }
    zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &len);
    thread = zmq_threadstart(serve, server);
    zmq_connect(client, endpoint);
    for (int i = 1; i <= 3; i++) {
        char text[32];
        int n;

        snprintf(text, sizeof(text), "%d", i);
        zmq_send(client, text, strlen(text), 0);
        n = zmq_recv(client, text, sizeof(text), 0);
        printf("%d squared is %.*s\n", i, n, text);
    }
    zmq_close(client);
    zmq_ctx_shutdown(context);
    zmq_threadclose(thread);
    zmq_ctx_term(context);
    return 0;
}
