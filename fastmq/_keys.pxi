# SPDX-License-Identifier: Apache-2.0
# Keys of CURVE, as text.

cdef enum:
    KEY_CHARS = 40


def curve_keypair() -> tuple[bytes, bytes]:
    """Make a pair of keys for CURVE.

    Returns:
        The public and the secret key, each 40 characters of Z85.

    Raises:
        ZMQError: ENOTSUP: this was built without CURVE (``has("curve")``).
    """
    cdef char public_key[KEY_CHARS + 1]
    cdef char secret_key[KEY_CHARS + 1]
    cdef int err = fmq_curve_keypair(public_key, secret_key)
    if err != 0:
        fail(err)
    return public_key[:KEY_CHARS], secret_key[:KEY_CHARS]


def curve_public(secret_key) -> bytes:
    """Return the public key of a secret one.

    Args:
        secret_key: 40 characters of Z85, as bytes or as a str.

    Raises:
        ValueError: Its length is another one.
        ZMQError: EINVAL: it is not Z85; ENOTSUP: this was built without CURVE.
    """
    cdef char public_key[KEY_CHARS + 1]
    cdef bytes text
    cdef int err
    if isinstance(secret_key, str):
        secret_key = secret_key.encode()
    if len(secret_key) != KEY_CHARS:
        raise ValueError("a secret key has 40 characters of Z85")
    text = bytes(secret_key)
    err = fmq_curve_public(public_key, text)
    if err != 0:
        fail(err)
    return public_key[:KEY_CHARS]
