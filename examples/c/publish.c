/* SPDX-License-Identifier: Apache-2.0 */
/* News by topic, in messages of two parts, once somebody has asked for it.
 *
 * Prints:
 *
 *     somebody wants 'weather'
 *     weather: rain
 *     weather: sun
 */
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void
publish(void *xpub, const char *topic, const char *text)
{
    zmq_send(xpub, topic, strlen(topic), ZMQ_SNDMORE);
    zmq_send(xpub, text, strlen(text), 0);
}

/* The next message, part by part, whatever their lengths. */
static void
print_message(void *socket)
{
    zmq_msg_t part;

    zmq_msg_init(&part);
    do {
        zmq_msg_recv(&part, socket, 0);
        printf("%.*s%s", (int)zmq_msg_size(&part), (char *)zmq_msg_data(&part),
               zmq_msg_more(&part) ? ": " : "\n");
    } while (zmq_msg_more(&part));
    zmq_msg_close(&part);
}

int
main(void)
{
    void *context = zmq_ctx_new();
    void *xpub = zmq_socket(context, ZMQ_XPUB);
    void *sub = zmq_socket(context, ZMQ_SUB);
    char endpoint[64];
    char wanted[64];
    size_t len = sizeof(endpoint);
    int n;

    zmq_bind(xpub, "tcp://127.0.0.1:*");
    zmq_getsockopt(xpub, ZMQ_LAST_ENDPOINT, endpoint, &len);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "weather", 7);
    zmq_connect(sub, endpoint);

    n = zmq_recv(xpub, wanted, sizeof(wanted), 0); /* 1, and the topic */
    printf("somebody wants '%.*s'\n", n - 1, wanted + 1);
    publish(xpub, "weather", "rain");
    publish(xpub, "sports", "nobody hears of it");
    publish(xpub, "weather", "sun");
    print_message(sub);
    print_message(sub);

    zmq_close(sub);
    zmq_close(xpub);
    zmq_ctx_term(context);
    return 0;
}
