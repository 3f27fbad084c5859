# SPDX-License-Identifier: Apache-2.0

cdef enum:
    THREAD_NAME_PREFIX = 9
    THREAD_NAME_PREFIX_MAX = 16


cdef int check_context_option(int err, int option, value=None) except -1:
    """Raise the exception of ``err``; it names the option that was wrong."""
    from fastmq.constants import ContextOption
    if err != EINVAL and err != ENOTSUP:
        return check(err)
    try:
        # The number 3 has a name to set it by and another to read it by.
        name = "THREAD_PRIORITY" if option == 3 and value is not None else (
            ContextOption(option).name)
    except ValueError:
        name = f"option {option}"
    return fail_option(err, name, value)


cdef int fail_term(fmq_ctx handle) except -1:
    """Raise what says why the context has not ended in time."""
    cdef fmq_unsent *found = NULL
    cdef size_t n = 0
    cdef size_t i
    from fastmq.constants import SocketType
    from fastmq.error import TermTimeout, Unsent
    PyErr_CheckSignals()
    check(fmq_ctx_unsent(handle, &found, &n))
    open_sockets = []
    unsent = []
    try:
        for i in range(n):
            kind = SocketType(found[i].type)
            if found[i].is_open:
                open_sockets.append(kind)
            else:
                peer = (<bytes>found[i].peer).decode("utf-8", "replace")
                unsent.append(Unsent(kind, peer, found[i].n_messages))
    finally:
        fmq_unsent_free(found)
    set_last_errno(ETIMEDOUT)
    raise TermTimeout(tuple(open_sockets), tuple(unsent))


cdef class Context:
    """A context of the core: the base of the public class.

    Args:
        io_threads: Threads for input and output.
        shadow: The address (``underlying``) of a context to share; 0 makes a new one.
    """

    cdef fmq_ctx _handle
    cdef readonly int _owner_pid
    cdef object __weakref__

    def __init__(self, int io_threads=1, uintptr_t shadow=0) -> None:
        self._owner_pid = current_pid
        if shadow != 0:
            self._handle = shadow
            return
        check(fmq_ctx_new(&self._handle))
        cdef int err = fmq_ctx_set(self._handle, 1, io_threads)
        if err != 0:
            fmq_ctx_term(self._handle, 0)
            self._handle = 0
            fail(err)

    @property
    def underlying(self) -> int:
        """The address that ``shadow`` takes; 0 when terminated."""
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether this object's context was terminated."""
        return self._handle == 0

    def set(self, int option, optval) -> None:
        """Set an option of the context.

        What concerns the context's threads (IO_THREADS and the THREAD_* options) counts
        until the first socket is made.

        Args:
            option: A member of ``ContextOption``.
            optval: Its value, an int. THREAD_NAME_PREFIX may be a str of 1 to 16 bytes.

        Raises:
            ZMQError: There is no such option, or it cannot have this value (EINVAL), or
                not on this system (ENOTSUP).
        """
        self._check()
        if option == THREAD_NAME_PREFIX and isinstance(optval, (str, bytes)):
            text = optval.encode() if isinstance(optval, str) else optval
            check_context_option(fmq_ctx_set_text(
                self._handle, option, PyBytes_AS_STRING(text),
                <size_t>PyBytes_GET_SIZE(text)), option, optval)
            return
        if not isinstance(optval, int):
            raise TypeError(f"expected int, got: {optval!r}")
        check_context_option(
            fmq_ctx_set(self._handle, option, optval), option, optval)

    def get(self, int option):
        """Return an option of the context: an int, or a str that was set.

        Args:
            option: A member of ``ContextOption``.

        Raises:
            ZMQError: There is no such option to be read (EINVAL).
        """
        cdef int value = 0
        cdef char text[THREAD_NAME_PREFIX_MAX]
        cdef size_t size = THREAD_NAME_PREFIX_MAX
        self._check()
        if option == THREAD_NAME_PREFIX:
            check(fmq_ctx_get_text(self._handle, option, text, &size))
            prefix = text[:size].decode("utf-8", "replace")
            return prefix if prefix and not prefix.isdecimal() else int(prefix or 0)
        check_context_option(fmq_ctx_get(self._handle, option, &value), option)
        return value

    def term(self, timeout=None) -> None:
        """Wait until every socket is closed and has lingered, and end the context.

        Calls on its sockets in other threads raise ``ContextTerminated``.

        Args:
            timeout: In milliseconds; None waits for ever.

        Raises:
            TermTimeout: The time has passed (ETIMEDOUT). It says which sockets are open
                and what is not sent; what was begun goes on, and ``term`` may be called
                again.
        """
        cdef fmq_ctx handle = self._handle
        cdef wait w = wait_until(deadline_in(-1 if timeout is None else timeout))
        cdef int err
        if handle == 0:
            return
        if self._owner_pid != current_pid:
            self._handle = 0
            return
        while True:
            with nogil:
                err = fmq_ctx_term(handle, ms_until(nap(&w)))
            if err == ETIMEDOUT:
                if not is_rested(&w):
                    fail_term(handle)
                err = EINTR
            # Another object, or another thread, was first.
            if err == EFAULT or not go_on(err):
                break
        self._handle = 0

    cdef int _check(self) except -1:
        """Raise unless the context can be used."""
        if self._handle == 0:
            raise RuntimeError("Context has been destroyed")
        if self._owner_pid != current_pid:
            fail_foreign(EFAULT, "context")
        return 0

    def __reduce__(self):
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")
