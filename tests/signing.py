"""Ledgers of many entries for tests and benchmarks: signed in this process, byte for byte as ssh-keygen would."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runner.evidence.ledger import Ledger
from runner.evidence.sshsig import ENTRY, armored
from runner.public_key import PublicKey, parse_public_key, string


class QuickSigner:
    """An ed25519 key that signs in microseconds, where ssh-keygen takes milliseconds."""

    def __init__(self, seed: bytes = b"site") -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed).digest())
        blob = string(b"ssh-ed25519") + string(self.private.public_key().public_bytes_raw())
        self.public_key: PublicKey = parse_public_key(f"ssh-ed25519 {base64.b64encode(blob).decode()}")
        self._blob = blob

    def fingerprint(self) -> str:
        return self.public_key.fingerprint

    def sign(self, data: bytes, meanwhile: Callable[[], None] = lambda: None) -> bytes:
        meanwhile()
        return self.sign_as(ENTRY, data)

    def sign_as(self, namespace: str, data: bytes) -> bytes:
        head = string(namespace.encode()) + string(b"") + string(b"sha512")
        value = self.private.sign(b"SSHSIG" + head + string(hashlib.sha512(data).digest()))
        signature = string(b"ssh-ed25519") + string(value)
        return armored(b"SSHSIG" + (1).to_bytes(4) + string(self._blob) + head + string(signature))


def key_body(key: PublicKey, step: str = "created", **told: Any) -> dict[str, Any]:
    """What an entry says of the site's key."""
    return {
        "schema_version": 1,
        "step": step,
        "fingerprint": key.fingerprint,
        "public_key": key.line,
        "holder": "site",
        "reason": None,
        "replaces": None,
        "since": None,
        "adopts": None,
        "operator": {"login": "root", "name": None},
        **told,
    }


def trust_body(*people: dict[str, Any], contract: str = "c" * 64, **told: Any) -> dict[str, Any]:
    """What an entry says of contract and people."""
    return {
        "schema_version": 1,
        "contract_sha256": contract,
        "people_sha256": hashlib.sha256(repr(people).encode()).hexdigest(),
        "people": list(people),
        "changed": [],
        "consent": None,
        "operator": {"login": "root", "name": None},
        **told,
    }


def signed_ledger(folder: Path, entries: int = 0, site: str = "test") -> Ledger:
    """A ledger whose first entry tells its key, and then so many notes."""
    folder.mkdir(parents=True, exist_ok=True)
    signer = QuickSigner()
    ledger = Ledger(folder, site, signer)
    ledger.append("key", key_body(signer.public_key))
    for number in range(entries):
        ledger.append("note", {"number": number})
    return ledger
