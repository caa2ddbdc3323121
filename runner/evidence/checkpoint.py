"""A checkpoint: the head of the ledger, signed, in a file for the purchaser's own hands.

The file is canonical JSON, ``{"schema_version": 1, "site", "sequence", "sha256", "time", "signer"}``; beside it lies
``FILE.sig``, made by ``ssh-keygen -Y sign -n weibao-checkpoint``. Any later ledger can be held against it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import BadInput
from runner.evidence.anchor import Anchor
from runner.evidence.canonical import canonical, parse_timestamp
from runner.evidence.finding import Finding
from runner.evidence.reading import read_regular

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from runner.evidence.keys import Keyring

SCHEMA_VERSION = 1

#: A checkpoint is some hundred bytes; what is larger is another file.
_LARGEST = 1 << 16

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Checkpoint:
    """The head of a site's ledger at a moment, and the fingerprint of the key that signed it."""

    site: str
    sequence: int
    sha256: str
    time: str
    signer: str

    def as_bytes(self) -> bytes:
        """Return what the file holds."""
        return canonical({"schema_version": SCHEMA_VERSION, **self.__dict__})


@dataclass(frozen=True)
class GivenCheckpoint:
    """A checkpoint that somebody gave back, and its bytes and signature as they are in the files."""

    path: Path
    checkpoint: Checkpoint
    raw: bytes
    signature: bytes

    @property
    def anchor(self) -> Anchor:
        """Return what it fixes."""
        one = self.checkpoint
        return Anchor(one.sequence, one.sha256, f"checkpoint {self.path.name} of {one.time[:10]}")

    def finding(self, site: str, keyring: Keyring) -> Finding | None:
        """Return why it is no checkpoint of this ledger: another site's, changed, or signed by nobody whom it knows."""
        # Imported only now: most commands look at no signature, and the cryptography takes its time.
        from runner.evidence.sshsig import CHECKPOINT, SignatureError, verify_signature  # noqa: PLC0415

        one = self.checkpoint
        if one.site != site:
            return self._finding(f"is a checkpoint of site {one.site}, not of {site}")
        try:
            fingerprint = verify_signature(self.signature, self.raw, CHECKPOINT).fingerprint
        except SignatureError as error:
            return self._finding(f"the checkpoint's signature {error}", ".sig")
        if fingerprint != one.signer:
            return self._finding(f"names {one.signer} as its signer, but is signed by {fingerprint}")
        holder = keyring.valid_at(fingerprint, _moment(one.time))
        if holder is None or holder.organisation is not None:
            return self._finding(f"is signed by {fingerprint}, by this ledger no key of the site at {one.time}")
        return None

    def _finding(self, problem: str, of: str = "") -> Finding:
        return Finding(f"{self.path}{of}", problem, kind="checkpoint")


def _moment(text: str) -> datetime:
    moment = parse_timestamp(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def read_checkpoint(path: Path) -> GivenCheckpoint:
    """Return a checkpoint as it was given; raises BadInput where the file, or its signature beside it, is none."""
    raw = _read(path)
    try:
        told: dict[str, Any] = json.loads(raw)
        version = told.pop("schema_version")
        checkpoint = Checkpoint(**told)
        _moment(checkpoint.time)
        texts = isinstance(checkpoint.site, str) and isinstance(checkpoint.signer, str)
        well = texts and type(checkpoint.sequence) is int and _HASH.fullmatch(checkpoint.sha256) and checkpoint.site
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise BadInput(f"--checkpoint {path}: is not a checkpoint") from None
    if version != SCHEMA_VERSION:
        raise BadInput(f"--checkpoint {path}: has schema_version {version!r}; this program knows {SCHEMA_VERSION}")
    if not well:
        raise BadInput(f"--checkpoint {path}: is not a checkpoint")
    return GivenCheckpoint(path, checkpoint, raw, _read(path.with_name(f"{path.name}.sig")))


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, _LARGEST, follow=True)
    except OSError as error:
        raise BadInput(f"--checkpoint {path}: cannot be read: {error.strerror}") from error
