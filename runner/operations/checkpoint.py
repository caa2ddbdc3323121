"""Use case: the head of the ledger, signed, goes into the purchaser's hands."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.contract.load import load_people
from runner.errors import BadInput, MachineError
from runner.evidence.canonical import digest, sync_folder, timestamp, write_new
from runner.evidence.checkpoint import SCHEMA_VERSION, Checkpoint
from runner.evidence.reading import LARGEST_SIGNATURE, read_regular
from runner.evidence.signing import site_signer
from runner.operations.book import open_book
from runner.operations.manifest import operator

if TYPE_CHECKING:
    from pathlib import Path

    from runner.evidence.ledger import Entry
    from runner.site import Site


@dataclass(frozen=True)
class Handed:
    """A checkpoint that was written, its signature beside it, and the entry that says so."""

    checkpoint: Checkpoint
    file: Path
    signature: Path
    entry: Entry


def write_checkpoint(site: Site, file: Path) -> Handed:
    """Write the signed head of a site's ledger to a file, its signature to ``FILE.sig``, and note that in the ledger.

    A signature without its file is what a program left that died between the two: it is written anew.
    Raises BadInput where the file is there already, MachineError where it cannot be written.
    """
    # Imported only now: most commands sign nothing, and the cryptography takes its time.
    from runner.evidence.sshsig import CHECKPOINT  # noqa: PLC0415

    signature = file.with_name(f"{file.name}.sig")
    if os.path.lexists(file):
        raise BadInput(f"--to {file}: is there already; a checkpoint is never overwritten")
    left = _left(signature)
    if not file.parent.is_dir():
        raise BadInput(f"--to {file}: there is no folder {file.parent}")
    people = load_people(site)
    book = open_book(site)
    # What is due of keys and people lies below the head then: the checkpoint fixes them, too.
    book.tell_due()
    head = book.head()
    signer = site_signer(site.keys_folder)
    checkpoint = Checkpoint(site.name, head.sequence, head.digest, timestamp(), signer.fingerprint())
    raw = checkpoint.as_bytes()
    signed = signer.sign_as(CHECKPOINT, raw)
    written: list[Path] = []
    try:
        if left:
            signature.unlink()
        for path, content in ((signature, signed), (file, raw)):
            write_new(path, content)
            written.append(path)
        sync_folder(file.parent)
    except OSError as error:
        # Half of it would keep the next attempt from writing; what another program put there stays.
        ours = written if isinstance(error, FileExistsError) else [signature, file]
        for path in ours:
            with suppress(OSError):
                path.unlink()
        raise MachineError(f"{file}: the checkpoint cannot be written: {error.strerror}") from error
    body = {
        "schema_version": SCHEMA_VERSION,
        "head": {"sequence": head.sequence, "sha256": head.digest},
        "file": file.name,
        "sha256": digest(raw),
        "operator": operator(people),
    }
    return Handed(checkpoint, file, signature, book.append("checkpoint", body))


def _left(signature: Path) -> bool:
    """Return whether a checkpoint's signature lies there without its file; raises BadInput for anything else there."""
    from runner.evidence.sshsig import CHECKPOINT, SignatureError, parse_signature  # noqa: PLC0415 - see above

    if not os.path.lexists(signature):
        return False
    with suppress(OSError, SignatureError):
        content = read_regular(signature, LARGEST_SIGNATURE)
        if not content or parse_signature(content).namespace == CHECKPOINT:
            return True
    raise BadInput(f"--to {signature}: is there already, and is no checkpoint's signature")
