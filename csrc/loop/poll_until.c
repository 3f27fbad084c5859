/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/poll_until.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)

#define NS_PER_S UINT64_C(1000000000)

static int
wait_until(struct pollfd *fds, nfds_t n, uint64_t deadline_ns, const sigset_t *mask)
{
    uint64_t now = deadline_ns == 0 ? 0 : fmq__clock_ns();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    struct timespec t = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};

    return ppoll(fds, n, deadline_ns == FMQ__NEVER ? NULL : &t, mask);
}

#else

#include <pthread.h>

/* Milliseconds. A deadline further away than they can say ends as if nothing had been
 * ready, 24 days from now. A signal between the two calls is not noticed before
 * something else is. */
static int
wait_until(struct pollfd *fds, nfds_t n, uint64_t deadline_ns, const sigset_t *mask)
{
    sigset_t before;
    int found;
    int err;

    if (mask != NULL) {
        (void)pthread_sigmask(SIG_SETMASK, mask, &before);
    }
    found = poll(fds, n, deadline_ns == 0 ? 0 : fmq__deadline_left_ms(deadline_ns));
    err = errno;
    if (mask != NULL) {
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    errno = err;
    return found;
}

#endif

int
fmq__poll_until(struct pollfd *fds, size_t n, uint64_t deadline_ns, int *n_ready)
{
    return fmq__poll_until_masked(fds, n, deadline_ns, NULL, n_ready);
}

int
fmq__poll_until_masked(struct pollfd *fds, size_t n, uint64_t deadline_ns,
                       const sigset_t *mask, int *n_ready)
{
    int found = wait_until(fds, (nfds_t)n, deadline_ns, mask);

    if (found < 0) {
        return errno;
    }
    *n_ready = found;
    return 0;
}
