/* SPDX-License-Identifier: Apache-2.0 */
/* Messages through zmq.h, for a clock: one program, linked with libzmq.so.5 by name, so
 * that whichever is found first is measured.
 *
 *     capi stream|trip ENDPOINT BYTES COUNT CPU CPU
 *     capi version
 *
 * Prints messages a second, or microseconds a round trip, and then what a message costs
 * the end that binds and the other, in microseconds of processor time. Over tcp and ipc
 * the other end is a process of its own, over inproc a thread. CPU -1: not pinned. A
 * message is a call of zmq_send and one of zmq_recv, and nothing else.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zmq.h"

enum { TEXT_ROOM = 256 };

typedef struct job {
    void *context;
    int is_trip;
    size_t len;
    long count;
    int cpu;
    int until; /* the other end is done when this is; -1: it is no process */
    char endpoint[TEXT_ROOM];
} job;

static void
must(int is_good)
{
    if (!is_good) {
        fprintf(stderr, "%s\n", zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void
pin(int cpu)
{
    cpu_set_t set;

    if (cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
}

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds of processor time that this process has used, or those that have ended. */
static double
used_by(int who)
{
    struct rusage used;

    (void)getrusage(who, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static void
take(void *socket, char *body, size_t len)
{
    must(zmq_recv(socket, body, len, 0) == (int)len);
}

/* The end that connects: sends the stream, or asks. It stays until all has arrived:
 * with libzmq 4.3.4 what was sent over ipc may be lost if it closes first. */
static void *
active_end(void *arg)
{
    const job *j = arg;
    void *s = zmq_socket(j->context, j->is_trip ? ZMQ_REQ : ZMQ_PUSH);
    char *body = calloc(1, j->len + 1);

    pin(j->cpu);
    must(s != NULL && body != NULL && zmq_connect(s, j->endpoint) == 0);
    for (long i = 0; i < j->count; i++) {
        must(zmq_send(s, body, j->len, 0) == (int)j->len);
        if (j->is_trip) {
            take(s, body, j->len);
        }
    }
    if (j->until >= 0) {
        char byte;

        must(read(j->until, &byte, 1) == 0);
    }
    zmq_close(s);
    free(body);
    return NULL;
}

/* The end that is bound, and has the clock; a tenth goes by before it starts. */
static double
passive_end(const job *j, void *s)
{
    char *body = calloc(1, j->len + 1);
    long warm_up = j->count / 10;
    double start = 0;

    must(body != NULL);
    for (long i = 0; i < j->count; i++) {
        if (i == warm_up) {
            start = now();
        }
        take(s, body, j->len);
        if (j->is_trip) {
            must(zmq_send(s, body, j->len, 0) == (int)j->len);
        }
    }
    free(body);
    start = now() - start;
    return j->is_trip ? start / (double)(j->count - warm_up) * 1e6
                      : (double)(j->count - warm_up) / start;
}

/* Before there is a context: a process that is forked later would have a copy of it.
 * Returns where it waits for the endpoint. */
static int
start_process(job *j)
{
    int told[2];

    must(pipe(told) == 0);
    if (fork() == 0) {
        (void)close(told[1]);
        j->until = told[0];
        must(read(told[0], j->endpoint, sizeof(j->endpoint)) > 0);
        j->context = zmq_ctx_new();
        active_end(j);
        zmq_ctx_term(j->context);
        _exit(0);
    }
    return told[1];
}

int
main(int argc, char **argv)
{
    job j;
    size_t len = sizeof(j.endpoint);
    int is_thread;
    int other = -1;
    pthread_t thread;
    void *s;
    double result;
    double used;
    double used_by_other;

    if (argc == 2) {
        int version[3];

        zmq_version(&version[0], &version[1], &version[2]);
        printf("%d.%d.%d\n", version[0], version[1], version[2]);
        return 0;
    }
    if (argc != 7) {
        fprintf(stderr, "capi stream|trip ENDPOINT BYTES COUNT CPU CPU\n");
        return 2;
    }
    memset(&j, 0, sizeof(j));
    j.is_trip = strcmp(argv[1], "trip") == 0;
    j.len = strtoul(argv[3], NULL, 10);
    j.count = strtol(argv[4], NULL, 10);
    j.cpu = atoi(argv[6]);
    j.until = -1;
    is_thread = strncmp(argv[2], "inproc:", 7) == 0;
    if (!is_thread) {
        other = start_process(&j);
    }
    j.context = zmq_ctx_new();
    s = zmq_socket(j.context, j.is_trip ? ZMQ_REP : ZMQ_PULL);
    must(s != NULL && zmq_bind(s, argv[2]) == 0);
    must(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, j.endpoint, &len) == 0);
    if (is_thread) {
        must(pthread_create(&thread, NULL, active_end, &j) == 0);
    } else {
        must(write(other, j.endpoint, sizeof(j.endpoint)) > 0);
    }
    pin(atoi(argv[5]));
    result = passive_end(&j, s);
    used = used_by(is_thread ? RUSAGE_THREAD : RUSAGE_SELF);
    if (is_thread) {
        (void)pthread_join(thread, NULL);
    } else {
        (void)close(other);
        (void)wait(NULL);
    }
    zmq_close(s);
    zmq_ctx_term(j.context);
    used_by_other = is_thread ? used_by(RUSAGE_SELF) - used : used_by(RUSAGE_CHILDREN);
    printf("%.6g %.6g %.6g\n", result, used / (double)j.count * 1e6,
           used_by_other / (double)j.count * 1e6);
    return 0;
}
