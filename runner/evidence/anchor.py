"""What the history is held against from outside: a head that a document prints, or a checkpoint that was handed over.

Whoever holds the key can cut the newest entries off, or write the whole history anew so that it verifies by itself.
Only what lies in other hands shows it: one number and hash fix every entry up to there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.errors import BadInput
from runner.evidence.finding import Finding
from runner.evidence.ledger import GENESIS

#: Hex digits of a hash that a document prints, and that must be typed at least.
PRINTED = 32

_HEAD = re.compile(r"#?0*(?P<sequence>\d{1,12})\s*[:：·・.,\s]\s*(?P<digits>[0-9a-f\s]+)", re.IGNORECASE)

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True)
class Anchor:
    """An entry's number, the first hex digits of its file's SHA-256 or all of them, and who says so."""

    sequence: int
    digits: str
    source: str

    def finding(self, file: str | None, digest: str | None, newest: int) -> Finding | None:
        """Return how the ledger differs from it; ``file`` and ``digest`` are of the entry with its number, if any."""
        if digest is not None and digest.startswith(self.digits):
            return None
        if digest is not None:
            problem = (
                f"is not the entry that {self.source} names: its SHA-256 is {digest[:PRINTED]}…, "
                f"not {self.digits[:PRINTED]}…; the history up to here was rewritten"
            )
            return Finding(file or "ledger", problem, self.sequence, "head")
        if self.sequence > newest:
            what = f"ends with entry {newest}" if newest else "is empty"
            problem = f"{what}, but {self.source} names entry {self.sequence}: its tail was cut off"
            return Finding("ledger", problem, newest, "head")
        return Finding("ledger", f"has no entry {self.sequence}, which {self.source} names", self.sequence, "head")


def parse_head(text: str, option: str = "--head") -> Anchor:
    """Return the head that a person copied from a document: number and 32 to 64 hex digits, in groups or not.

    Raises BadInput where it is none.
    """
    match = _HEAD.fullmatch(text.strip())
    digits = re.sub(r"\s", "", match["digits"]).lower() if match else ""
    if match is None or not PRINTED <= len(digits) <= len(GENESIS):
        raise BadInput(f'{option} {text}: write the number and the 32 digits as printed, such as "000123:0a1b2c3d …"')
    sequence = int(match["sequence"])
    if sequence == 0 and not GENESIS.startswith(digits):
        raise BadInput(f"{option} {text}: number 0 is the empty ledger, which has zeros only")
    return Anchor(sequence, digits, "the given head")


def parse_fingerprint(text: str, option: str = "--key") -> str:
    """Return the fingerprint of a key as a person was told it; raises BadInput where it is none."""
    if not _FINGERPRINT.fullmatch(text.strip()):
        raise BadInput(f"{option} {text}: write the whole fingerprint, SHA256: and 43 characters")
    return text.strip()
