"""Public keys as OpenSSH writes them: ``ssh-ed25519 AAAA… comment``, read without any cryptography.

Source: RFC 4253 section 6.6 (key blobs), OpenSSH's PROTOCOL.key (private files), PROTOCOL.u2f (hardware keys).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass, field

#: The kinds of keys that may sign.
KINDS = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)

#: An RSA key below this can be broken within the years for which evidence is kept.
RSA_BITS = 2048

_BEGIN, _END = b"-----BEGIN OPENSSH PRIVATE KEY-----", b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


class Fields:
    """Reads the fields of OpenSSH's binary formats, one after another; raises ValueError where they end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if self._at + count > len(self._data):
            raise ValueError("ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        """Return the next unsigned number of 32 bits."""
        (found,) = struct.unpack(">I", self.take(4))
        return int(found)

    def string(self) -> bytes:
        """Return the next string: its length, then its bytes."""
        return self.take(self.number())

    def integer(self) -> int:
        """Return the next integer of any length; raises ValueError for a negative one."""
        data = self.string()
        if data[:1] > b"\x7f":
            raise ValueError("holds a negative number")
        return int.from_bytes(data, "big")

    def end(self) -> None:
        """Raise ValueError where something is left."""
        if self._at != len(self._data):
            raise ValueError("goes on after its end")


def string(data: bytes) -> bytes:
    """Return bytes as the formats write a string."""
    return struct.pack(">I", len(data)) + data


@dataclass(frozen=True)
class PublicKey:
    """A public key: two with another comment are the same."""

    kind: str
    blob: bytes
    comment: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        """Return the name that OpenSSH gives the key: SHA256 and base64 without padding."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        """Return kind and key in base64, without the comment: one key has one line."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def in_hardware(self) -> bool:
        """Return whether the private half lies in a device that waits to be touched."""
        return self.kind.startswith("sk-")


def parse_public_key(text: str) -> PublicKey:
    """Return the key of a line such as a ``.pub`` file holds; raises ValueError saying what is wrong with it."""
    words = text.split(None, 2)
    if not words:
        raise ValueError("is empty; a public key begins with ssh-ed25519 or the like")
    if "PRIVATE KEY" in text:
        raise ValueError("is a private key, which belongs to its owner alone; give the public one (.pub)")
    if len(text.splitlines()) > 1:
        raise ValueError("has several lines; a public key is one")
    kind = words[0]
    if "-cert-v" in kind:
        raise ValueError("is a certificate; give the public key itself")
    if kind not in KINDS:
        later = next((one for one in KINDS if f" {one} " in f" {text} "), None)
        if later:
            raise ValueError(f"has options before {later}, which mean nothing here; begin with the key")
        raise ValueError(f"begins with {kind[:40]!r}, which is none of {', '.join(KINDS)}")
    if len(words) < 2:
        raise ValueError(f"has nothing after {kind}")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no public key: its base64 is damaged") from None
    key = PublicKey(kind, blob, words[2].strip() if len(words) > 2 else "")
    check_blob(key)
    return key


def check_blob(key: PublicKey) -> None:
    """Raise ValueError where a key's blob is not what its kind says, or is too weak."""
    fields = Fields(key.blob)
    try:
        problem = _problem(key, fields)
        if not problem:
            fields.end()
    except ValueError as error:
        problem = f"is no public key: it {error}"
    if problem:
        raise ValueError(problem)


def _problem(key: PublicKey, fields: Fields) -> str | None:
    """Return what is wrong with a key whose blob is read; raises ValueError where it ends too early."""
    kind = fields.string().decode("ascii", "replace")
    if kind != key.kind or kind not in KINDS:
        return f"says {key.kind[:40]!r} and holds {kind[:40]!r}"
    if kind == "ssh-rsa":
        _exponent, bits = fields.integer(), fields.integer().bit_length()
        return f"is an RSA key of {bits} bits; {RSA_BITS} are the least" if bits < RSA_BITS else None
    first = fields.string()
    if "ed25519" in kind:
        if len(first) != 32:
            return "has not the length of its kind"
    elif first.decode("ascii", "replace") != kind.partition("@")[0].rpartition("-")[2]:
        return f"says {key.kind} and holds the curve {first[:40]!r}"
    else:
        fields.string()
    if key.in_hardware:
        fields.string()
    return None


def public_half(private: bytes) -> PublicKey | None:
    """Return the public key that an OpenSSH private file bears in clear, also where a passphrase keeps it.

    None for what is no such file: an older format, or none. Raises ValueError as parse_public_key() does.
    """
    text = private.strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        return None
    try:
        fields = Fields(base64.b64decode(text[len(_BEGIN) : -len(_END)]))
        if fields.take(len(_MAGIC)) != _MAGIC:
            return None
        _cipher, _kdf, _options = fields.string(), fields.string(), fields.string()
        if fields.number() != 1:
            return None
        blob = fields.string()
        kind = Fields(blob).string().decode("ascii")
    except (ValueError, binascii.Error):
        return None
    return parse_public_key(f"{kind} {base64.b64encode(blob).decode()}")
