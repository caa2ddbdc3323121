"""What does not verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: What a finding, or a remark, is about; the catalogue has a sentence for each (``audit_findings``).
Kind = Literal[
    "unclassified",
    "entry",
    "chain",
    "clock",
    "stray",
    "unsigned",
    "keys",
    "given_key",
    "consent",
    "approval",
    "change",
    "head",
    "checkpoint",
    "listed",
    "run",
    "verdict",
    "file",
    "archive",
    "unnamed",
    "vouched",
    "paper",
    "key_ended",
    "site_key",
    "told_anew",
    "early",
    "link",
    "not_recomputed",
    "by_purchaser",
    "approval_owed",
    "unproved",
]


@dataclass(frozen=True)
class Finding:
    """What does not verify: the file, how it differs, and the number of the entry that it is about, if it is of one."""

    file: str
    problem: str
    entry: int | None = None
    kind: Kind = "unclassified"

    def __str__(self) -> str:
        about = f" (entry {self.entry})" if self.entry is not None and f"{self.entry:06d}-" not in self.file else ""
        return f"{self.file}: {self.problem}{about}"

    def as_dict(self) -> dict[str, Any]:
        """Return the form that commands print as JSON."""
        return {"file": self.file, "problem": self.problem, "entry": self.entry, "kind": self.kind}
