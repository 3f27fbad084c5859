/* SPDX-License-Identifier: Apache-2.0 */
/* Work handed out to threads as they take it, and one poll for both ways.
 *
 * Prints:
 *
 *     100 squares make 338350
 */
#include <stdio.h>
#include <zmq.h>

enum { N_WORKERS = 3, N_TASKS = 100 };

static void *context;

/* Until the context ends. */
static void
work(void *unused)
{
    void *tasks = zmq_socket(context, ZMQ_PULL);
    void *results = zmq_socket(context, ZMQ_PUSH);
    int n;

    (void)unused;
    zmq_connect(tasks, "inproc://tasks");
    zmq_connect(results, "inproc://results");
    while (zmq_recv(tasks, &n, sizeof(n), 0) == (int)sizeof(n)) {
        n *= n;
        zmq_send(results, &n, sizeof(n), 0);
    }
    zmq_close(tasks);
    zmq_close(results);
}

int
main(void)
{
    void *thread[N_WORKERS];
    void *tasks;
    void *results;
    int sum = 0;
    int n_sent = 0;
    int n_done = 0;

    context = zmq_ctx_new();
    tasks = zmq_socket(context, ZMQ_PUSH);
    results = zmq_socket(context, ZMQ_PULL);
    zmq_bind(tasks, "inproc://tasks");
    zmq_bind(results, "inproc://results");
    for (int i = 0; i < N_WORKERS; i++) {
        thread[i] = zmq_threadstart(work, NULL);
    }
    while (n_done < N_TASKS) {
        zmq_pollitem_t items[] = {{results, 0, ZMQ_POLLIN, 0},
                                  {tasks, 0, ZMQ_POLLOUT, 0}};
        int n;

        zmq_poll(items, n_sent < N_TASKS ? 2 : 1, -1);
        if (items[0].revents & ZMQ_POLLIN) {
            zmq_recv(results, &n, sizeof(n), 0);
            sum += n;
            n_done++;
        }
        if (items[1].revents & ZMQ_POLLOUT) {
            n_sent++;
            zmq_send(tasks, &n_sent, sizeof(n_sent), 0);
        }
    }
    printf("%d squares make %d\n", n_done, sum);
    zmq_close(tasks);
    zmq_close(results);
    zmq_ctx_shutdown(context);
    for (int i = 0; i < N_WORKERS; i++) {
        zmq_threadclose(thread[i]);
    }
    zmq_ctx_term(context);
    return 0;
}
