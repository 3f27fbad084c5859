# SPDX-License-Identifier: Apache-2.0

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.weakref cimport PyWeakref_NewRef
from libc.string cimport memcpy, memset

cdef enum:
    # Options of messages.
    MORE = 1
    SRCFD = 2
    SHARED = 3
    # The longest name of a group.
    GROUP_MAX = 255

# The public class and the trackers, which are Python's: set by set_frame_class.
cdef object frame_class = None
cdef object new_tracker = None
cdef object finished_tracker = None
cdef object default_threshold = None


def set_frame_class(cls, tracker, finished, threshold) -> None:
    """Say what ``recv(copy=False)`` makes, and how sends are tracked.

    Args:
        cls: The class of received frames.
        tracker: A function that makes a tracker of an event.
        finished: The tracker of what was copied.
        threshold: A function that tells the size from which bodies are shared.
    """
    global frame_class, new_tracker, finished_tracker, default_threshold
    frame_class = cls
    new_tracker = tracker
    finished_tracker = finished
    default_threshold = threshold


cdef object copied(const void *data, size_t size):
    """Return ``size`` bytes; large ones are copied without the GIL."""
    if size < LARGE:
        return PyBytes_FromStringAndSize(<const char *>data, <Py_ssize_t>size)
    body = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    cdef char *to = PyBytes_AS_STRING(body)
    with nogil:
        memcpy(to, data, size)
    return body


cdef int copy_in(fmq_msg *m, const void *data, size_t size) except -1:
    """Make ``m`` a copy of the bytes; large ones are copied without the GIL."""
    cdef int err
    if size < LARGE:
        err = fmq_msg_init_copy(m, data, size)
    else:
        with nogil:
            err = fmq_msg_init_copy(m, data, size)
    return check(err)


cdef bytes group_name(group):
    """Return the name of a group as the core takes it."""
    if isinstance(group, str):
        group = group.encode()
    elif not isinstance(group, bytes):
        raise TypeError(f"expected a group to be str or bytes, got: {group!r}")
    if len(<bytes>group) > GROUP_MAX or 0 in <bytes>group:
        fail(EINVAL)
    return group


cdef int set_address(fmq_msg *m, routing_id, group) except -1:
    """Say whom a message is for; None leaves what it has."""
    cdef bytes name
    if routing_id is not None:
        check(fmq_msg_set_routing_id(m, routing_id))
    if group is not None:
        name = group_name(group)
        check(fmq_msg_set_group(m, name))
    return 0


cdef class Frame:
    """One message part: the base of the public class.

    Args:
        data: Any object with the buffer protocol; None makes an empty frame.
        track: Make a tracker that tells when ``data`` is not in use any more.
        copy: Whether to copy ``data``; None copies what is smaller than
            ``copy_threshold``.
        copy_threshold: In bytes; None is ``COPY_THRESHOLD`` of the package, 0 shares
            all.
        ignored: Other keywords have no effect.
    """

    cdef fmq_msg _msg
    # What was lent, as long as somebody can see it through this frame.
    cdef object _data
    cdef object _bytes
    cdef object _view
    cdef bint _is_readonly
    cdef public bint more
    cdef public object tracker
    cdef public object tracker_event
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        fmq_msg_init(&self._msg)

    def __dealloc__(self):
        fmq_msg_close(&self._msg)

    def __init__(
        self, data=None, bint track=False, copy=None, copy_threshold=None, **ignored
    ) -> None:
        cdef Py_buffer view
        cdef bint is_copy
        if data is None:
            if track:
                self.tracker = finished_tracker
            return
        get_buffer(data, &view)
        try:
            if copy is None:
                if copy_threshold is None:
                    copy_threshold = default_threshold()
                is_copy = view.len < copy_threshold
            else:
                is_copy = copy
            if is_copy:
                copy_in(&self._msg, view.buf, <size_t>view.len)
            self._is_readonly = not is_copy and view.readonly
        finally:
            PyBuffer_Release(&view)
        if is_copy:
            if track:
                self.tracker = finished_tracker
            return
        if track:
            self.tracker, self.tracker_event = new_tracker()
        lend(&self._msg, data, self.tracker_event)
        self._data = data

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        PyBuffer_FillInfo(
            buffer, self, fmq_msg_data(&self._msg),
            <Py_ssize_t>fmq_msg_size(&self._msg), self._is_readonly, flags)

    def __len__(self) -> int:
        return <Py_ssize_t>fmq_msg_size(&self._msg)

    @property
    def bytes(self) -> bytes:
        """The body as bytes, copied once."""
        if self._bytes is None:
            self._bytes = copied(fmq_msg_data(&self._msg), fmq_msg_size(&self._msg))
        return self._bytes

    @property
    def buffer(self) -> memoryview:
        """The body as a memoryview; the same object as long as it is in use."""
        view = self._view() if self._view is not None else None
        if view is None:
            view = memoryview(self)
            self._view = PyWeakref_NewRef(view, None)
        return view

    def get(self, option):
        """Return an option, or a property of the connection the frame came over.

        Args:
            option: ``MORE``, ``SHARED`` (another frame has the same body), ``SRCFD``
                (the descriptor the connection had); or a name such as "Socket-Type" or
                "Peer-Address"; "routing_id" or "group", as the attributes.

        Raises:
            ZMQError: There is no such option or property (EINVAL).
        """
        cdef const char *value
        if isinstance(option, int):
            return self._get_number(option)
        if option == "routing_id":
            return self.routing_id
        if option == "group":
            return self.group
        if isinstance(option, str):
            option = option.encode()
        elif not isinstance(option, bytes):
            raise TypeError(f"expected str or int, got: {option!r}")
        value = fmq_msg_gets(&self._msg, <const char *><bytes>option)
        if value is NULL:
            fail(EINVAL)
        return value.decode()

    @property
    def routing_id(self) -> int:
        """Which peer of a SERVER or PEER it came from, or is for; 0 for none.

        What ``send`` is given overrides it.
        """
        return fmq_msg_routing_id(&self._msg)

    @routing_id.setter
    def routing_id(self, routing_id) -> None:
        set_address(&self._msg, routing_id, None)

    @property
    def group(self) -> str:
        """The group of a RADIO or DISH that it is for; empty for none."""
        return fmq_msg_group(&self._msg).decode("utf-8", "surrogateescape")

    @group.setter
    def group(self, group) -> None:
        set_address(&self._msg, None, group)

    cdef object _get_number(self, int option):
        cdef const char *text
        if option == MORE:
            return fmq_msg_more(&self._msg)
        if option == SHARED:
            return fmq_msg_is_shared(&self._msg)
        text = fmq_msg_gets(&self._msg, "__fd") if option == SRCFD else NULL
        if text is NULL:
            fail(EINVAL)
        return int(text)

    def __getitem__(self, option):
        return self.get(option)

    def __copy__(self):
        cdef Frame other = type(self).__new__(type(self))
        check(fmq_msg_copy(&other._msg, &self._msg))
        other._data = self._data
        other._is_readonly = self._is_readonly
        other.more = self.more
        other.tracker = self.tracker
        other.tracker_event = self.tracker_event
        return other

    def __reduce__(self):
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")


cdef Frame received(fmq_msg *m, bint track):
    """Return a frame with the content of ``m``."""
    cdef Frame frame = frame_class.__new__(frame_class)
    fmq_msg_move(&frame._msg, m)
    frame.more = fmq_msg_more(&frame._msg) != 0
    if track:
        frame.tracker = finished_tracker
    return frame
