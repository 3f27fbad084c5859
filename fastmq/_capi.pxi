# SPDX-License-Identifier: Apache-2.0
# csrc/include/fastmq.h as Cython sees it, and the few C names beside it.

from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t

cdef extern from "fastmq.h" nogil:
    const int FMQ_EFSM
    const int FMQ_ETERM
    const int FMQ_EBUSY_TRY
    const int FMQ_ENOTSOCK
    const int FMQ_DONTWAIT
    const int FMQ_SNDMORE
    const int FMQ_TRY

    ctypedef uintptr_t fmq_ctx
    ctypedef uintptr_t fmq_socket

    ctypedef struct fmq_msg:
        uint64_t opaque[8]

    ctypedef struct fmq_part:
        size_t len
        int more
        int is_in_buf

    ctypedef struct fmq_pollitem:
        fmq_socket socket
        int fd
        short events
        short revents

    ctypedef void fmq_free_fn(void *data, void *hint) noexcept

    void fmq_msg_init(fmq_msg *m)
    int fmq_msg_init_copy(fmq_msg *m, const void *data, size_t size)
    int fmq_msg_init_data(
        fmq_msg *m, void *data, size_t size, fmq_free_fn *free_fn, void *hint)
    void fmq_msg_close(fmq_msg *m)
    void fmq_msg_move(fmq_msg *to, fmq_msg *source)
    int fmq_msg_copy(fmq_msg *to, fmq_msg *source)
    void *fmq_msg_data(fmq_msg *m)
    size_t fmq_msg_size(const fmq_msg *m)
    int fmq_msg_more(const fmq_msg *m)
    void fmq_msg_settle(fmq_msg *m)
    int fmq_msg_is_shared(const fmq_msg *m)
    void fmq_msg_keep(fmq_msg *m)
    void *fmq_msg_lent(const fmq_msg *m, fmq_free_fn *free_fn)
    int fmq_msg_reclaim(fmq_msg *m, fmq_free_fn *free_fn)
    void fmq_ask_for_signals(int yes)
    void fmq_offer(void *data, size_t size, fmq_free_fn *free_fn, void *hint)
    int fmq_offer_end()
    const char *fmq_msg_gets(const fmq_msg *m, const char *name)
    uint32_t fmq_msg_routing_id(const fmq_msg *m)
    int fmq_msg_set_routing_id(fmq_msg *m, uint32_t routing_id)
    const char *fmq_msg_group(const fmq_msg *m)
    int fmq_msg_set_group(fmq_msg *m, const char *group)

    int fmq_ctx_new(fmq_ctx *ctx)
    int fmq_ctx_set(fmq_ctx ctx, int option, int value)
    int fmq_ctx_get(fmq_ctx ctx, int option, int *value)
    int fmq_ctx_set_text(fmq_ctx ctx, int option, const char *text, size_t len)
    int fmq_ctx_get_text(fmq_ctx ctx, int option, char *text, size_t *len)
    int fmq_ctx_shutdown(fmq_ctx ctx)
    int fmq_ctx_term(fmq_ctx ctx, int64_t timeout_ms)
    ctypedef struct fmq_unsent:
        int type
        int is_open
        uint64_t n_messages
        char peer[512]
    int fmq_ctx_unsent(fmq_ctx ctx, fmq_unsent **list, size_t *n)
    void fmq_unsent_free(fmq_unsent *list)

    int fmq_socket_new(fmq_ctx ctx, int type, fmq_socket *socket)
    int fmq_socket_close(fmq_socket s)
    int fmq_socket_is_open(fmq_socket s)
    int fmq_bind(fmq_socket s, const char *endpoint)
    int fmq_connect(fmq_socket s, const char *endpoint)
    int fmq_unbind(fmq_socket s, const char *endpoint)
    int fmq_disconnect(fmq_socket s, const char *endpoint)
    int fmq_connect_peer(fmq_socket s, const char *endpoint, uint32_t *routing_id)
    int fmq_disconnect_peer(fmq_socket s, uint32_t routing_id)
    int fmq_join(fmq_socket s, const char *group)
    int fmq_leave(fmq_socket s, const char *group)
    int fmq_setsockopt(fmq_socket s, int option, const void *value, size_t len)
    int fmq_getsockopt(fmq_socket s, int option, void *value, size_t *len)

    int fmq_send(fmq_socket s, const void *data, size_t len, int flags)
    int fmq_msg_send(fmq_socket s, fmq_msg *m, int flags)
    int fmq_sendv(fmq_socket s, fmq_msg *parts, size_t n, int flags)
    int fmq_recv(
        fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *part, int flags)
    int fmq_msg_recv(fmq_socket s, fmq_msg *m, int flags)
    ctypedef struct fmq_piece:
        const void *data
        size_t len
    int fmq_send_many(
        fmq_socket s, const fmq_piece *messages, size_t n, int flags, size_t *n_sent)
    int fmq_send_many_until(
        fmq_socket s, const fmq_piece *messages, size_t n, size_t *n_sent,
        uint64_t deadline_ns)
    int fmq_recv_many(
        fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *parts,
        size_t max_parts, size_t *n, int flags)
    int fmq_recv_many_until(
        fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *parts,
        size_t max_parts, size_t *n, uint64_t deadline_ns)
    int fmq_send_pieces(fmq_socket s, const fmq_piece *parts, size_t n, int flags)
    ctypedef struct fmq_parts:
        fmq_msg *part
        size_t n
    int fmq_recv_parts(fmq_socket s, fmq_parts *parts, int flags)
    void fmq_parts_close(fmq_parts *parts)
    int fmq_send_until(
        fmq_socket s, fmq_msg *parts, size_t n, int flags, uint64_t deadline_ns)
    int fmq_recv_until(
        fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *part,
        uint64_t deadline_ns)
    int fmq_msg_recv_until(fmq_socket s, fmq_msg *m, uint64_t deadline_ns)
    int fmq_recv_parts_until(fmq_socket s, fmq_parts *parts, uint64_t deadline_ns)
    uint64_t fmq_now_ns()

    int fmq_poll(
        fmq_pollitem *items, size_t n, uint64_t deadline_ns, size_t *n_ready)

    int fmq_monitor(
        fmq_socket s, const char *endpoint, uint64_t events, int version, int type)

    ctypedef struct fmq_proxy:
        pass

    int fmq_proxy_new(
        fmq_socket frontend, fmq_socket backend, fmq_socket capture, fmq_socket control,
        fmq_proxy **proxy)
    ctypedef struct fmq_proxy_tags:
        const void *front
        size_t front_len
        const void *back
        size_t back_len
    int fmq_proxy_tag(fmq_proxy *p, const fmq_proxy_tags *tags)
    int fmq_proxy_run(fmq_proxy *p)
    void fmq_proxy_free(fmq_proxy *p)

    const char *fmq_strerror(int err)
    int fmq_curve_keypair(char *public_key, char *secret_key)
    int fmq_curve_public(char *public_key, const char *secret_key)
    int fmq_has(const char *capability)
    const char *fmq_version()

cdef extern from "<sys/un.h>" nogil:
    """
    enum { PATH_LEN = (int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };
    """
    const int PATH_LEN

cdef extern from "<stdint.h>" nogil:
    const uint64_t UINT64_MAX

cdef extern from "<unistd.h>" nogil:
    int getpid()

cdef enum:
    # Bodies of this size are copied without the GIL.
    LARGE = 1 << 20
    # Bytes objects of this size are lent, not copied, as nobody can change them.
    LENT = 4097
    # What is received of this size is read into such an object.
    READ_INTO = 1 << 13
    # No object larger than that is made before its message comes.
    MOST_OFFERED = 1 << 22
    # After this many bodies of other kinds no long one is expected any more.
    OTHERS = 8
    # Bodies up to this size arrive by way of the stack.
    SMALL = 4096
    # This many parts, or things to poll, are prepared on the stack.
    FEW = 8
    # This many short parts are sent from where they are.
    FEW_PIECES = 16
    # No error number: a message that goes another way.
    NOT_SHORT = -1
    # All events of version 1 of a monitor.
    EVENT_ALL = 0xFFFF


# What a receiver may expect (_offer.pxi).
cdef struct outlook:
    size_t size  # of a long body; 0: of none
    unsigned n_others  # since the last one of that kind
