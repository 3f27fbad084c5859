# SPDX-License-Identifier: Apache-2.0
# Addresses as the core takes them.


cdef int ipc_limits(int err, bytes addr) except -1:
    """Say more about errors that paths cause."""
    if not addr.startswith(b"ipc://"):
        return 0
    path = addr[len(b"ipc://"):].decode("utf-8", "replace")
    if err == ENAMETOOLONG:
        fail(err, f'ipc path "{path}" is longer than {IPC_PATH_MAX_LEN} bytes '
             "(IPC_PATH_MAX_LEN)")
    if err == ENOENT:
        fail(err, f'No such file or directory for ipc path "{path}".')
    return 0


cdef bytes endpoint(addr):
    """Return an address as the core takes it."""
    if isinstance(addr, str):
        addr = addr.encode()
    elif addr is None:
        raise TypeError("expected bytes, NoneType found")
    elif not isinstance(addr, bytes):
        raise TypeError(f"Expected addr to be str, got addr={addr!r}")
    if 0 in <bytes>addr:
        fail(EINVAL)
    return addr
