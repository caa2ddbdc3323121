"""The one way in which evidence is written: canonical JSON, hashed with SHA-256, durable on the disk."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON: sorted keys, UTF-8, indented by one, a final newline."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that nobody has seen before: its content is on the disk when this returns."""
    _write_parts(path, (data,))


def create_new(path: Path, data: bytes) -> BinaryIO:
    """Write a file that nobody has seen before, and return it open: the caller sees to it that the disk takes it."""
    file = path.open("xb", buffering=0)
    try:
        path.chmod(0o600)
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as the system says it
    except BaseException:
        file.close()
        raise
    return file


def _write_parts(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("xb") as file:
        path.chmod(0o600)
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, data: bytes) -> None:
    """Put a file in place as a whole, durably: a reader sees the old content or the new, never half."""
    replace_by_parts(path, (data,))


def replace_by_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Put a file in place as replace() does, part by part: for what is more than memory should hold."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        _write_parts(temporary, parts)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def timestamp(moment: datetime | None = None) -> str:
    """Return a moment, now by default, as evidence writes it: UTC with microseconds and a Z."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_timestamp(text: str) -> datetime:
    """Return the moment that timestamp() wrote."""
    return datetime.fromisoformat(text)
