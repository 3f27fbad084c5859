/* SPDX-License-Identifier: Apache-2.0 */
/* wake: a descriptor that another thread can make readable.
 *
 * Threads: fmq__wake_signal from any thread and from a signal handler; the rest from
 *          the owner.
 * Errors:  EMFILE, ENFILE, ENOMEM from open.
 */
#ifndef FMQ_BASE_WAKE_H
#define FMQ_BASE_WAKE_H

/* A close-on-exec, non-blocking descriptor (eventfd where there is one). `write_fd`
 * equals `read_fd` where one descriptor does both. */
typedef struct fmq__wake {
    int read_fd;
    int write_fd;
} fmq__wake;

int fmq__wake_open(fmq__wake *w);
void fmq__wake_close(fmq__wake *w);

/* Makes it readable; an edge even if it already was. */
void fmq__wake_signal(const fmq__wake *w);

/* Makes it unreadable. */
void fmq__wake_drain(const fmq__wake *w);

#endif
