# SPDX-License-Identifier: Apache-2.0
# Options of sockets: from Python's values to the layouts of the core and back.

from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
)

cdef enum:
    ROUTING_ID = 5
    LINGER = 17
    RCVTIMEO = 27
    SNDTIMEO = 28
    # No value of an option is longer.
    MAX_VALUE = 1024
    # These are asked for as text.
    CURVE_PUBLICKEY = 48
    CURVE_SERVERKEY = 50
    CURVE_KEY_SIZE = 41

# Options by how their value is laid out; all others are ints.
cdef object bytes_options = None
cdef object int64_options = None
# Those that ``None`` takes away again.
cdef object clearable_options = None
# Those whose value no text of an error shows.
cdef object secret_options = None


cdef int load_option_types() except -1:
    global bytes_options, clearable_options, int64_options, secret_options
    from fastmq.constants import SocketOption
    int64_options = {
        int(o) for o in SocketOption if o._opt_type.name == "int64"}
    bytes_options = {
        int(o) for o in SocketOption if o._opt_type.name == "bytes"}
    clearable_options = {int(SocketOption[name]) for name in (
        "TCP_ACCEPT_FILTER", "IPC_FILTER_PID", "IPC_FILTER_UID", "IPC_FILTER_GID",
        "SOCKS_PROXY", "SOCKS_USERNAME", "SOCKS_PASSWORD", "PLAIN_USERNAME",
        "PLAIN_PASSWORD", "ALLOW_KEY", "ALLOW_PASSWORD", "ALLOW_ADDRESS")}
    secret_options = {int(SocketOption[name]) for name in (
        "PLAIN_PASSWORD", "CURVE_SECRETKEY", "SOCKS_PASSWORD", "WSS_KEY_PEM",
        "ALLOW_PASSWORD")}
    return 0


cdef object name_of(int option):
    from fastmq.constants import SocketOption
    try:
        return SocketOption(option).name
    except ValueError:
        return f"option {option}"


cdef int check_option(int err, int option, value=None) except -1:
    """Raise the exception of ``err``; it names the option that was wrong."""
    if err == 0:
        return 0
    if err != EINVAL:
        fail(err)
    if secret_options is not None and option in secret_options:
        value = None
    return fail_option(err, name_of(option), value)


cdef int set_option(fmq_socket s, int option, value) except -1:
    cdef int as_int
    cdef int64_t as_int64
    if isinstance(value, str):
        raise TypeError("unicode not allowed, use setsockopt_string")
    if bytes_options is None:
        load_option_types()
    if value is None and option in clearable_options:
        return check_option(fmq_setsockopt(s, option, NULL, 0), option)
    if option in bytes_options:
        if not isinstance(value, bytes):
            got = type(value) if option in secret_options else repr(value)
            raise TypeError(f"expected bytes, got: {got} ({name_of(option)})")
        return check_option(fmq_setsockopt(
            s, option, PyBytes_AS_STRING(value), <size_t>PyBytes_GET_SIZE(value)),
            option, value)
    if not isinstance(value, int):
        raise TypeError(f"expected int, got: {value!r} ({name_of(option)})")
    if option in int64_options:
        as_int64 = value
        return check_option(
            fmq_setsockopt(s, option, &as_int64, sizeof(as_int64)), option, value)
    as_int = value
    return check_option(
        fmq_setsockopt(s, option, &as_int, sizeof(as_int)), option, value)


cdef object get_option(fmq_socket s, int option):
    cdef int as_int = 0
    cdef int64_t as_int64 = 0
    cdef char buf[MAX_VALUE]
    cdef size_t size
    if bytes_options is None:
        load_option_types()
    if option in bytes_options:
        size = MAX_VALUE
        if CURVE_PUBLICKEY <= option <= CURVE_SERVERKEY:
            size = CURVE_KEY_SIZE
        check_option(fmq_getsockopt(s, option, buf, &size), option)
        # The core ends strings with a NUL; ids are counted.
        if option != ROUTING_ID and size > 0 and buf[size - 1] == 0:
            size -= 1
        return PyBytes_FromStringAndSize(buf, <Py_ssize_t>size)
    if option in int64_options:
        size = sizeof(as_int64)
        check_option(fmq_getsockopt(s, option, &as_int64, &size), option)
        return as_int64
    size = sizeof(as_int)
    check_option(fmq_getsockopt(s, option, &as_int, &size), option)
    return as_int


cdef uint64_t deadline_in(int64_t timeout_ms) noexcept nogil:
    """Return when ``timeout_ms`` will have passed; never, if it is negative."""
    if timeout_ms < 0:
        return UINT64_MAX
    return fmq_now_ns() + <uint64_t>timeout_ms * 1000000


cdef int64_t ms_until(uint64_t deadline) noexcept nogil:
    """Return the milliseconds that are left, rounded up."""
    cdef uint64_t now = fmq_now_ns()
    if now >= deadline:
        return 0
    return <int64_t>((deadline - now + 999999) // 1000000)


cdef uint64_t deadline_of(fmq_socket s, int option) noexcept nogil:
    """Return when a call that starts now has to end, by SNDTIMEO or RCVTIMEO."""
    cdef int timeout_ms = -1
    cdef size_t size = sizeof(timeout_ms)
    # A socket that is no more says so in the call itself.
    fmq_getsockopt(s, option, &timeout_ms, &size)
    return deadline_in(timeout_ms)


cdef uint64_t deadline_for(fmq_socket s, int option, timeout) except? 0:
    """Return when a call has to end: after ``timeout`` ms, or as the option says."""
    if timeout is None:
        return deadline_of(s, option)
    return deadline_in(<int64_t>timeout)
