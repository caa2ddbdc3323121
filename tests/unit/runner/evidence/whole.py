"""A small site's evidence with an entry of every kind, for tests that change something in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.evidence.canonical import digest
from runner.evidence.finding import Finding
from runner.evidence.ledger import Ledger
from runner.evidence.verify import Folders, Outside, Verification
from tests.signing import QuickSigner, signed_ledger, trust_body
from tests.unit.runner.evidence.sealed import events_of, list_run, seal_run

OFFICER = {
    "name": "王芳",
    "duty": "purchaser approver",
    "organisation": "purchaser",
    "keys": [],
    "valid_from": "2026-01-01",
    "valid_to": None,
}


class Evidence:
    """A ledger with everything that it names, and the bytes of all of it as it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger: Ledger = signed_ledger(folder / "ledger")
        self.folders = Folders(folder / "runs", folder / "attachments", folder / "documents")
        for path in (folder / "attachments", folder / "documents"):
            path.mkdir()
        self.ledger.append("trust", trust_body(OFFICER))
        for run_id, unreachable in (("r1", ()), ("r2", ("db-1",))):
            list_run(self.ledger, seal_run(self.folders.runs, run_id, events_of("web-1", unreachable=unreachable)))
        self.ledger.append("record", {"attachments": [self._keep("attachments", b"minutes of the meeting")]})
        self.ledger.append("waiver", {"at": "2026-03-31T10:00:00+08:00", "consent_by": "王芳", "obligations": ["A48"]})
        self.ledger.append("document", {"step": "issued", "files": [self._keep("documents", b"the record")]})
        for number in range(3):
            self.ledger.append("notification", {"number": number})
        self._was: dict[Path, bytes] = {}
        self.keep()

    def _keep(self, kind: str, content: bytes) -> dict[str, Any]:
        path = self.folder / kind / digest(content)
        path.write_bytes(content)
        return {"name": "x.pdf", "sha256": path.name, "bytes": len(content)}

    def files(self) -> list[Path]:
        """Every file that verification looks at, sorted."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))

    def keep(self) -> None:
        """Remember how everything is now."""
        self._was = {path: path.read_bytes() for path in self.files()}

    def restore(self) -> None:
        """Put everything back as it was."""
        for path in self.files():
            if path not in self._was:
                path.unlink()
        for path, content in self._was.items():
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)

    def changed(self) -> list[Path]:
        """The files that are not as they were."""
        now = {path: path.read_bytes() for path in self.files()}
        return sorted(path for path in now.keys() | self._was.keys() if now.get(path) != self._was.get(path))

    def entries(self) -> list[Path]:
        """The files of the entries, in order."""
        return [path for _, _, path in self.ledger.paths()]

    def verification(self, outside: Outside | None = None) -> Verification:
        return Verification(Ledger(self.ledger.folder, "test"), self.folders, outside or Outside(), processes=1)

    def findings(self, outside: Outside | None = None) -> list[Finding]:
        return list(self.verification(outside).findings())


def thief() -> QuickSigner:
    """Somebody with a key of their own, and not the site's."""
    return QuickSigner(b"thief")
