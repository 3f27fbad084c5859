/* SPDX-License-Identifier: Apache-2.0 */
/* Kerberos, by MIT's library. It is the only mechanism that is offered or taken: GSSAPI
 * itself would do with others, which prove less.
 *
 * A client asks for what libzmq does (mutual, replay), and that order counts too.
 *
 * Two threads may want one context, one to seal and one to unseal; the library does not
 * say that it bears that (keys are derived when they are first needed), so a mutex
 * does.
 */
#include "security/gss.h"

#if FMQ_HAVE_GSSAPI

#include <errno.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/thread.h"

struct fmq__gss_context {
    fmq__gss_who who;
    fmq__mutex mutex; /* guards `gss` once it stands */
    gss_ctx_id_t gss;
    gss_cred_id_t self;
    gss_name_t service;
    bool has_begun;
    gss_buffer_desc peer;
    size_t overhead;
};

static int
open_context(const fmq__gss_who *who, fmq__gss_context **context)
{
    fmq__gss_context *c = fmq__calloc(1, sizeof(*c));
    int err;

    if (c == NULL) {
        return ENOMEM;
    }
    err = fmq__mutex_init(&c->mutex);
    if (err != 0) {
        fmq__free(c);
        return err;
    }
    c->who = *who;
    c->gss = GSS_C_NO_CONTEXT;
    c->self = GSS_C_NO_CREDENTIAL;
    c->service = GSS_C_NO_NAME;
    *context = c;
    return 0;
}

/* What is not needed any more once the context stands. */
static void
forget_names(fmq__gss_context *c)
{
    OM_uint32 minor;

    (void)gss_release_cred(&minor, &c->self);
    (void)gss_release_name(&minor, &c->service);
}

static void
close_context(fmq__gss_context *c)
{
    OM_uint32 minor;

    if (c == NULL) {
        return;
    }
    forget_names(c);
    (void)gss_release_buffer(&minor, &c->peer);
    (void)gss_delete_sec_context(&minor, &c->gss, GSS_C_NO_BUFFER);
    fmq__mutex_fini(&c->mutex);
    fmq__free(c);
}

/* --- who we are --- */

/* Of a name without text: none. */
static bool
import_name(const fmq__gss_name *name, gss_name_t *imported)
{
    const gss_OID form[FMQ__GSS_N_FORMS] = {
        [FMQ__GSS_HOSTBASED] = GSS_C_NT_HOSTBASED_SERVICE,
        [FMQ__GSS_USER] = GSS_C_NT_USER_NAME,
        [FMQ__GSS_KRB5] = (gss_OID)(uintptr_t)GSS_KRB5_NT_PRINCIPAL_NAME,
    };
    gss_buffer_desc text = {strnlen(name->text, name->len),
                            (void *)(uintptr_t)name->text};
    OM_uint32 minor;

    *imported = GSS_C_NO_NAME;
    return name->len == 0 ||
           gss_import_name(&minor, &text, form[name->form], imported) == GSS_S_COMPLETE;
}

static int
acquire(fmq__gss_context *c)
{
    gss_OID_set_desc mechs = {1, (gss_OID)(uintptr_t)gss_mech_krb5};
    gss_name_t self;
    OM_uint32 minor;
    OM_uint32 major;

    if (!import_name(c->who.self, &self)) {
        return EPERM;
    }
    major = gss_acquire_cred(&minor, self, GSS_C_INDEFINITE, &mechs,
                             c->who.is_server ? GSS_C_ACCEPT : GSS_C_INITIATE, &c->self,
                             NULL, NULL);
    (void)gss_release_name(&minor, &self);
    if (major != GSS_S_COMPLETE ||
        (!c->who.is_server && !import_name(c->who.service, &c->service))) {
        return EPERM;
    }
    return 0;
}

/* --- tokens --- */

static OM_uint32
init_step(fmq__gss_context *c, gss_buffer_desc *token, gss_buffer_desc *answer,
          OM_uint32 *flags)
{
    OM_uint32 minor;

    return gss_init_sec_context(
        &minor, c->self, &c->gss, c->service, (gss_OID)(uintptr_t)gss_mech_krb5,
        GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG |
            GSS_C_INTEG_FLAG,
        0, GSS_C_NO_CHANNEL_BINDINGS, token, NULL, answer, flags, NULL);
}

static OM_uint32
accept_step(fmq__gss_context *c, gss_buffer_desc *token, gss_buffer_desc *answer,
            OM_uint32 *flags)
{
    gss_name_t client = GSS_C_NO_NAME;
    OM_uint32 minor;
    OM_uint32 major = gss_accept_sec_context(&minor, &c->gss, c->self, token,
                                             GSS_C_NO_CHANNEL_BINDINGS, &client, NULL,
                                             answer, flags, NULL, NULL);

    if (major == GSS_S_COMPLETE) {
        OM_uint32 display = gss_display_name(&minor, client, &c->peer, NULL);

        major = display == GSS_S_COMPLETE ? major : display;
    }
    (void)gss_release_name(&minor, &client);
    return major;
}

/* How much longer sealing makes a text, by the library's account. */
static bool
sealed_lens(fmq__gss_context *c, size_t len, gss_iov_buffer_desc iov[4])
{
    OM_uint32 minor;
    int is_sealed = 0;

    memset(iov, 0, 4 * sizeof(iov[0]));
    iov[0].type = GSS_IOV_BUFFER_TYPE_HEADER;
    iov[1].type = GSS_IOV_BUFFER_TYPE_DATA;
    iov[1].buffer.length = len;
    iov[2].type = GSS_IOV_BUFFER_TYPE_PADDING;
    iov[3].type = GSS_IOV_BUFFER_TYPE_TRAILER;
    return gss_wrap_iov_length(&minor, c->gss, 1, GSS_C_QOP_DEFAULT, &is_sealed, iov,
                               4) == GSS_S_COMPLETE &&
           is_sealed != 0;
}

/* Sealing is the same for all lengths but where ciphers of old pad, and say how long a
 * token is in as few bytes as they can. */
static bool
measure_overhead(fmq__gss_context *c)
{
    enum { LONG = 1 << 30, PADDING_MAX = 16 };
    gss_iov_buffer_desc iov[4];

    if (!sealed_lens(c, LONG, iov)) {
        return false;
    }
    c->overhead = iov[0].buffer.length + iov[3].buffer.length + PADDING_MAX;
    return true;
}

/* It stands: with all that was to be proved? */
static int
finish(fmq__gss_context *c, OM_uint32 flags)
{
    OM_uint32 wanted =
        GSS_C_MUTUAL_FLAG |
        (c->who.is_sealing ? (OM_uint32)(GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG) : 0U);

    forget_names(c);
    if ((flags & wanted) != wanted || (c->who.is_sealing && !measure_overhead(c))) {
        return EPROTO;
    }
    return 0;
}

static int
copy_answer(const gss_buffer_desc *answer, fmq__gss_bytes *out)
{
    if (answer->length == 0) {
        return 0;
    }
    out->data = fmq__alloc(answer->length);
    if (out->data == NULL) {
        return ENOMEM;
    }
    memcpy(out->data, answer->value, answer->length);
    out->len = answer->length;
    return 0;
}

static int
step(fmq__gss_context *c, const uint8_t *token, size_t len, fmq__gss_bytes *out)
{
    gss_buffer_desc theirs = {len, (void *)(uintptr_t)token};
    gss_buffer_desc answer = GSS_C_EMPTY_BUFFER;
    OM_uint32 flags = 0;
    OM_uint32 minor;
    OM_uint32 major;
    bool is_first = !c->has_begun;
    int err = is_first ? acquire(c) : 0;

    *out = (fmq__gss_bytes){NULL, 0};
    if (err != 0) {
        return err;
    }
    c->has_begun = true;
    major = c->who.is_server ? accept_step(c, &theirs, &answer, &flags)
                             : init_step(c, &theirs, &answer, &flags);
    if (major == GSS_S_COMPLETE || major == GSS_S_CONTINUE_NEEDED) {
        err = major == GSS_S_COMPLETE ? finish(c, flags) : EAGAIN;
        if (err == 0 || err == EAGAIN) {
            int copy_err = copy_answer(&answer, out);

            err = copy_err != 0 ? copy_err : err;
        }
    } else {
        err = is_first && !c->who.is_server ? EPERM : EPROTO;
    }
    (void)gss_release_buffer(&minor, &answer);
    return err;
}

static fmq__gss_bytes
peer(const fmq__gss_context *c)
{
    return (fmq__gss_bytes){c->peer.value, c->peer.length};
}

/* --- sealing --- */

static size_t
overhead(const fmq__gss_context *c)
{
    return c->overhead;
}

static int
seal_locked(fmq__gss_context *c, uint8_t *sealed, uint8_t head, const uint8_t *body,
            size_t len, size_t *sealed_len)
{
    gss_iov_buffer_desc iov[4];
    uint8_t *p = sealed;
    OM_uint32 minor;
    int is_sealed = 0;

    if (len >= UINT32_MAX - c->overhead || !sealed_lens(c, len + 1, iov)) {
        return EPROTO;
    }
    for (int i = 0; i < 4; i++) {
        iov[i].buffer.value = p;
        p += iov[i].buffer.length;
    }
    if ((size_t)(p - sealed) > len + 1 + c->overhead) {
        return EPROTO;
    }
    p = iov[1].buffer.value;
    *p = head;
    if (len != 0) {
        memcpy(p + 1, body, len);
    }
    if (gss_wrap_iov(&minor, c->gss, 1, GSS_C_QOP_DEFAULT, &is_sealed, iov, 4) !=
            GSS_S_COMPLETE ||
        is_sealed == 0) {
        fmq__wipe(p, len + 1);
        return EPROTO;
    }
    *sealed_len = iov[0].buffer.length + iov[1].buffer.length + iov[2].buffer.length +
                  iov[3].buffer.length;
    return 0;
}

static int
seal(fmq__gss_context *c, uint8_t *sealed, uint8_t head, const uint8_t *body,
     size_t len, size_t *sealed_len)
{
    int err;

    fmq__mutex_lock(&c->mutex);
    err = seal_locked(c, sealed, head, body, len, sealed_len);
    fmq__mutex_unlock(&c->mutex);
    return err;
}

static bool
unseal(fmq__gss_context *c, uint8_t *sealed, size_t len, fmq__gss_bytes *text)
{
    gss_iov_buffer_desc iov[2] = {
        {GSS_IOV_BUFFER_TYPE_STREAM, {len, sealed}},
        {GSS_IOV_BUFFER_TYPE_DATA, GSS_C_EMPTY_BUFFER},
    };
    OM_uint32 minor;
    OM_uint32 major;
    int is_sealed = 0;

    fmq__mutex_lock(&c->mutex);
    major = gss_unwrap_iov(&minor, c->gss, &is_sealed, NULL, iov, 2);
    fmq__mutex_unlock(&c->mutex);
    *text = (fmq__gss_bytes){iov[1].buffer.value, iov[1].buffer.length};
    return major == GSS_S_COMPLETE && is_sealed != 0;
}

static const fmq__gss krb5 = {
    .name = "krb5",
    .open = open_context,
    .step = step,
    .peer = peer,
    .overhead = overhead,
    .seal = seal,
    .unseal = unseal,
    .close = close_context,
};

const fmq__gss *
fmq__gss_get(void)
{
    return &krb5;
}

#else

const fmq__gss *
fmq__gss_get(void)
{
    return NULL;
}

#endif
