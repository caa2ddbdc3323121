"""Auditor's packs for tests: made from a site with some of everything, checked as the auditor does it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from runner.evidence.signing import site_signer
from runner.evidence.sshsig import CHECKPOINT
from runner.operations.check_site import CheckedSite
from runner.operations.document_steps import IssueRequest, StepRequest, issue, take_step
from runner.operations.pack import SUMS, Pack
from runner.operations.records import RecordRequest, WaiverRequest, add_record, waive
from tests.many_runs import HOSTILE, write_runs

#: Every shell that the pack is to be checked with, where it is installed.
SHELLS = [[found] for name in ("dash", "bash") if (found := shutil.which(name))]
SHELLS += [[found, "sh"] for name in ("busybox",) if (found := shutil.which(name))]


def fill(checked: CheckedSite, folder: Path, runs: int = 4) -> None:
    """Give a site runs from before it had a key, then records, a waiver and documents that are signed."""
    write_runs(checked.site.state, runs, datetime(2026, 6, 10, tzinfo=UTC), hosts=3)
    scan = folder / "会议 纪要 (终).PDF"
    scan.write_bytes(b"%PDF minutes")
    add_record(
        checked,
        RecordRequest(("A48",), at="2026-06-11 14:00", who=("赵六",), text=HOSTILE.replace("\0", ""), attach=(scan,)),
    )
    add_record(checked, RecordRequest(("A50",), at="2026-03-11 14:00", text="培训", attach=(_file(folder, "con.txt"),)))
    add_record(
        checked, RecordRequest(event="reported", case="fault:F-001", attributes={"grade": "P1"}, at="2026-06-09 10:00")
    )
    waive(checked, WaiverRequest("A48", "2026Q1", "王五", "合并", at="2026-05-12"))
    issued = issue(
        checked,
        IssueRequest("emergency-plan", period="term", files=(_file(folder, "plan.docx"),), at="2026-06-11"),
        "zh",
    )
    take_step(checked, StepRequest(str(issued.entry.body["number"]), "submitted", "信息科", at="2026-06-12"))


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(f"this is {name}".encode())
    return path


def check(
    pack: Path, *arguments: str, shell: list[str] | None = None, path: str | None = None
) -> tuple[int, list[str]]:
    """Run verify.sh of a pack; return its exit code and lines. ``path`` goes before PATH."""
    environment = {
        "PATH": f"{path}:/usr/bin:/bin" if path else "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "TZ": "Asia/Shanghai",
    }
    command = [*(shell or ["sh"]), "verify.sh", *arguments]
    result = subprocess.run(command, cwd=pack, env=environment, capture_output=True, text=True, check=False)
    assert result.stderr == "", result.stderr
    return result.returncode, result.stdout.splitlines()


def reseal(pack: Path, checked: CheckedSite) -> None:
    """List and sign a pack's files anew, as the holder of the site's key can."""
    anew = Pack(pack)
    (pack / SUMS).unlink()
    (pack / f"{SUMS}.sig").unlink()
    for path in sorted(one for one in pack.rglob("*") if one.is_file()):
        name = str(path.relative_to(pack))
        data = path.read_bytes()
        path.unlink()
        anew.write(name, data)
    sums = anew.sums()
    anew.seal(sums, site_signer(checked.site.keys_folder).sign_as(CHECKPOINT, sums))
