"""Signatures as ``ssh-keygen -Y sign`` writes them, verified in this process: a signature takes microseconds.

The tests hold this against ``ssh-keygen -Y verify`` for signatures that it makes, and for damaged ones. Of all the ways
to write one signature down, only the one that ssh-keygen itself writes is taken. Neither asks whether a hardware key
was touched. What else a version of OpenSSH refuses, such as kinds of keys and sizes, is its own affair.
Source: OpenSSH's PROTOCOL.sshsig, PROTOCOL.u2f, RFC 5656, RFC 8332, RFC 8709.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from runner.errors import VerificationError
from runner.public_key import Fields, PublicKey, check_blob, string

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a signature is for: one that was made for a thing is worth nothing for another.
ENTRY = "weibao-entry"
APPROVAL = "weibao-approval"
CHECKPOINT = "weibao-checkpoint"

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
_WIDTH = 70
_MAGIC = b"SSHSIG"
_VERSION = 1

_MESSAGE_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_CURVES: dict[bytes, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    b"nistp256": (ec.SECP256R1(), hashes.SHA256()),
    b"nistp384": (ec.SECP384R1(), hashes.SHA384()),
    b"nistp521": (ec.SECP521R1(), hashes.SHA512()),
}
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}


class SignatureError(VerificationError):
    """A signature does not hold; the message says why, without naming a file."""


@dataclass(frozen=True)
class Signature:
    """A signature read from its armour: whose key made it for what; nothing of it is verified yet."""

    key: PublicKey
    namespace: str
    reserved: bytes
    hash_name: bytes
    kind: str
    value: bytes


def armored(blob: bytes) -> bytes:
    """Return a signature's bytes as ssh-keygen writes them to a file."""
    text = base64.b64encode(blob)
    lines = b"".join(text[start : start + _WIDTH] + b"\n" for start in range(0, len(text), _WIDTH))
    return _BEGIN + lines + _END


def parse_signature(data: bytes) -> Signature:
    """Return what an armoured signature holds; raises SignatureError where it is none, or not written as it must be."""
    if not (data.startswith(_BEGIN) and data.endswith(_END)):
        raise SignatureError("is no SSH signature")
    try:
        blob = base64.b64decode(data[len(_BEGIN) : -len(_END)])
    except (binascii.Error, ValueError):
        raise SignatureError("is no SSH signature: its base64 is damaged") from None
    if armored(blob) != data:
        raise SignatureError("is not written as ssh-keygen writes a signature: its bytes were changed")
    return _parsed(blob)


def _parsed(blob: bytes) -> Signature:
    fields = Fields(blob)
    try:
        if fields.take(len(_MAGIC)) != _MAGIC or fields.number() != _VERSION:
            raise SignatureError("is no SSH signature of version 1")
        key_blob = fields.string()
        namespace = fields.string().decode()
        reserved, hash_name, inner = fields.string(), fields.string(), Fields(fields.string())
        fields.end()
        key = _key(key_blob)
        kind = inner.string().decode("ascii")
        # A device adds flags and a counter, outside of the string.
        value = string(inner.string()) + inner.take(5) if key.in_hardware else inner.string()
        inner.end()
    except ValueError as error:
        raise SignatureError(f"is no SSH signature: {error}") from None
    return Signature(key, namespace, reserved, hash_name, kind, value)


@lru_cache(maxsize=256)
def _key(blob: bytes) -> PublicKey:
    key = PublicKey(Fields(blob).string().decode("ascii", "replace"), blob)
    check_blob(key)
    return key


def verify_signature(signature: bytes, data: bytes, namespace: str) -> PublicKey:
    """Return the key that signed data for a purpose; raises SignatureError where the signature does not hold.

    ``signature`` is the armoured form, such as a ``.sig`` file's content. Nobody asks here whose the key is.
    """
    found = parse_signature(signature)
    if found.namespace != namespace:
        raise SignatureError(f"was made for {found.namespace[:40]!r}, not for {namespace!r}")
    make_hash = _MESSAGE_HASHES.get(found.hash_name)
    if make_hash is None:
        raise SignatureError(f"uses the hash {found.hash_name[:20]!r}, which is none of SSH signatures")
    signed = b"".join(
        (
            *(_MAGIC, string(namespace.encode()), string(found.reserved)),
            *(string(found.hash_name), string(make_hash(data).digest())),
        )
    )
    try:
        check = _checker(found.key)
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError("was made with a key that is none") from None
    try:
        check(found.kind, found.value, signed)
    except (InvalidSignature, ValueError):
        raise SignatureError("does not fit: the content or the signature was changed, or another key made it") from None
    return found.key


@lru_cache(maxsize=256)
def _checker(key: PublicKey) -> Callable[[str, bytes, bytes], None]:
    """Return what checks (kind, signature, signed bytes) with a key; it raises InvalidSignature or ValueError."""
    fields = Fields(key.blob)
    fields.string()
    if key.kind == "ssh-rsa":
        exponent, modulus = fields.integer(), fields.integer()
        return _rsa_checker(rsa.RSAPublicNumbers(exponent, modulus).public_key())
    first = fields.string()
    if "ed25519" in key.kind:
        check = _ed25519_checker(ed25519.Ed25519PublicKey.from_public_bytes(first))
    else:
        curve, algorithm = _CURVES[first]
        check = _ecdsa_checker(ec.EllipticCurvePublicKey.from_encoded_point(curve, fields.string()), algorithm)
    application = fields.string() if key.in_hardware else b""

    def checked(kind: str, value: bytes, signed: bytes) -> None:
        if kind != key.kind:
            raise InvalidSignature
        if not key.in_hardware:
            check(value, signed)
            return
        inner = Fields(value)
        raw, added = inner.string(), inner.take(5)
        check(raw, hashlib.sha256(application).digest() + added + hashlib.sha256(signed).digest())

    return checked


def _ed25519_checker(key: ed25519.Ed25519PublicKey) -> Callable[[bytes, bytes], None]:
    return key.verify


def _ecdsa_checker(key: ec.EllipticCurvePublicKey, algorithm: hashes.HashAlgorithm) -> Callable[[bytes, bytes], None]:
    def check(value: bytes, signed: bytes) -> None:
        fields = Fields(value)
        first, second = fields.integer(), fields.integer()
        fields.end()
        key.verify(encode_dss_signature(first, second), signed, ec.ECDSA(algorithm))

    return check


def _rsa_checker(key: rsa.RSAPublicKey) -> Callable[[str, bytes, bytes], None]:
    size = (key.key_size + 7) // 8

    def check(kind: str, value: bytes, signed: bytes) -> None:
        algorithm = _RSA_HASHES.get(kind)
        if algorithm is None:
            raise InvalidSignature
        key.verify(value.rjust(size, b"\0"), signed, padding.PKCS1v15(), algorithm)

    return check
