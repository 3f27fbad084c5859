/* SPDX-License-Identifier: Apache-2.0 */
/* gss: what GSSAPI needs of a library, as a table: two sides that exchange tokens until
 * each has proved to the other who it is, and then share a key to seal with.
 *
 * Owner:   a context is its opener's; close forgets its keys.
 * Threads: one at a time; but seal and unseal of a context may be called by two at
 * once. Errors:  EPERM (we have no credentials, there is no such service, ...), EPROTO
 * (the peer's token proves nothing), ENOMEM.
 */
#ifndef FMQ_SECURITY_GSS_H
#define FMQ_SECURITY_GSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As libzmq numbers them (GSSAPI_PRINCIPAL_NAMETYPE). */
enum fmq__gss_form {
    FMQ__GSS_HOSTBASED = 0, /* service@host */
    FMQ__GSS_USER = 1,
    FMQ__GSS_KRB5 = 2, /* service/host@REALM */
    FMQ__GSS_N_FORMS
};

enum { FMQ__GSS_NAME_MAX = 255 };

/* The name of a principal, with a NUL behind it or without; empty: none. */
typedef struct fmq__gss_name {
    int form;
    uint8_t len;
    char text[FMQ__GSS_NAME_MAX];
} fmq__gss_name;

/* What a side of a connection is to prove. */
typedef struct fmq__gss_who {
    bool is_server;
    bool is_sealing;              /* frames are going to be sealed */
    const fmq__gss_name *self;    /* empty: whoever has credentials here */
    const fmq__gss_name *service; /* a client's: who the server has to be */
} fmq__gss_who;

typedef struct fmq__gss_context fmq__gss_context;

/* Bytes of somebody's; `data` NULL: none. */
typedef struct fmq__gss_bytes {
    uint8_t *data;
    size_t len;
} fmq__gss_bytes;

typedef struct fmq__gss {
    const char *name;

    /* Does not ask whether there are such ones. The names are borrowed until close. */
    int (*open)(const fmq__gss_who *who, fmq__gss_context **context);

    /* One step, which may block: takes the peer's token (empty: a client's first step),
     * and gives what the peer is to get, if anything, by fmq__alloc. 0: it is done;
     * EAGAIN: the peer has to answer. After another error only close is called. */
    int (*step)(fmq__gss_context *c, const uint8_t *token, size_t len,
                fmq__gss_bytes *out);

    /* Once it is done: who the peer is, as text; lent until close. */
    fmq__gss_bytes (*peer)(const fmq__gss_context *c);

    /* Once it is done, and if it is sealing: how much longer what is sealed is at most;
     * seals `head` and a body, which do not overlap `sealed`, and tells how long that
     * is; opens what was sealed where it lies, which then holds head and body
     * (`text`, of it). False: it was not sealed by the peer, or not now. */
    size_t (*overhead)(const fmq__gss_context *c);
    int (*seal)(fmq__gss_context *c, uint8_t *sealed, uint8_t head, const uint8_t *body,
                size_t len, size_t *sealed_len);
    bool (*unseal)(fmq__gss_context *c, uint8_t *sealed, size_t len,
                   fmq__gss_bytes *text);

    void (*close)(fmq__gss_context *c); /* NULL: nothing */
} fmq__gss;

/* The library this was built with; NULL: none. */
const fmq__gss *fmq__gss_get(void);

#endif
