# SPDX-License-Identifier: Apache-2.0
# From the core's numbers to exceptions; which class a number has is error.py's.

from cpython.exc cimport PyErr_CheckSignals
from libc.errno cimport (
    EAGAIN,
    EFAULT,
    EINTR,
    EINVAL,
    ENAMETOOLONG,
    ENOENT,
    ETIMEDOUT,
)

cdef extern from "<errno.h>":
    int ENOTSUP

cdef extern from *:
    """
    static _Thread_local int last_errno;
    static int get_last_errno(void) { return last_errno; }
    static void set_last_errno(int err) { last_errno = err; }
    """
    int get_last_errno() noexcept
    void set_last_errno(int err) noexcept

# This process, as far as Python knows: asking the system takes as long as a send.
cdef int current_pid = getpid()

IPC_PATH_MAX_LEN = PATH_LEN
PYZMQ_DRAFT_API = True

cdef object error_from_errno = None


cdef int fail(int err, msg=None) except -1:
    """Raise the exception of ``err``, or what a signal's handler raises.

    A loop that only tries and catches ``Again`` may run no handlers by itself: since
    Python 3.12 the jump out of an ``except`` does not look for them.
    """
    global error_from_errno
    PyErr_CheckSignals()
    if error_from_errno is None:
        from fastmq.error import error_from_errno as found
        error_from_errno = found
    set_last_errno(err)
    raise error_from_errno(err, msg)


cdef int check(int err) except -1:
    """Raise if ``err`` is not 0."""
    if err != 0:
        fail(err)
    return 0


cdef int fail_option(int err, str name, value) except -1:
    """Raise the exception of ``err``, naming the option that was wrong.

    ``value`` is None where it was to be read, or taken away.
    """
    what = name if value is None else f"{name}={value!r:.80}"
    return fail(err, f"{strerror(err)} ({what})")


cdef int go_on(int err) except -1:
    """Return 1 to call again after a signal, 0 if done; raise what else there is.

    The handlers of Python run here, and what they raise is raised. After a wait is also
    a good time to take back what was lent.
    """
    drain()
    return receives_on(err)


cdef int receives_on(int err) except -1:
    """Return as go_on does; but nothing raises once there is a message.

    Who uses it takes back what was lent before the wait: an event that is set is
    Python's, and a handler may run in it.
    """
    if err == 0:
        return 0
    if err != EINTR:
        fail(err)
    PyErr_CheckSignals()
    return 1


cdef int fail_foreign(int err, str what) except -1:
    """Say that a handle was inherited by a fork."""
    return fail(err, f"this {what} belongs to the process that made it")


def _after_fork() -> None:
    """Learn that this is another process; called in the child."""
    global current_pid
    current_pid = getpid()
    collector_forget()


def zmq_errno() -> int:
    """Return the number of this thread's last error."""
    return get_last_errno()


def strerror(int errno) -> str:
    """Return the text of an error number.

    Args:
        errno: The number, of the system or of ZeroMQ's own.
    """
    return fmq_strerror(errno).decode("utf-8", "replace")


def zmq_version_info() -> tuple[int, int, int]:
    """Return the version of libzmq whose behaviour this package has."""
    return (4, 3, 5)


def core_version() -> str:
    """Return the version of the C core, which is that of the package."""
    return fmq_version().decode()


def has(str capability not None) -> bool:
    """Return whether a capability is there: "ipc", "curve", ...

    Args:
        capability: Its name; one that nobody knows is not there.
    """
    cdef bytes name = capability.encode()
    return fmq_has(name) != 0


# go_on looks for signals after EINTR.
fmq_ask_for_signals(1)
