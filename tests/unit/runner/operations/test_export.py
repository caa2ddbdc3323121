"""The auditor's pack: whole, checkable with stock tools, and every change of it told with the file's name."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest

from reports.catalogue import load_catalogue
from runner.errors import BadInput
from runner.evidence.canonical import digest_file
from runner.evidence.verify import Outside
from runner.operations.archive import archive_runs
from runner.operations.check_site import CheckedSite
from runner.operations.checkpoint import write_checkpoint
from runner.operations.export import Exported, export
from runner.operations.keys import replace_key
from runner.operations.verify_ledger import verify_ledger
from runner.site import PROJECT, Site
from tests.packs import SHELLS, check, fill, reseal
from tests.unit.runner.operations.contracted import contracted


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[CheckedSite, Path, Exported]:
    folder = tmp_path_factory.mktemp("export")
    shutil.copytree(PROJECT / "inventories" / "local", folder / "sites" / "own")
    site = Site("own", folder / "sites" / "own", folder / "home" / "own")
    site.prepare()
    checked = contracted(site)
    fill(checked, folder)
    return checked, folder / "pack", export(checked, folder / "pack")


@pytest.fixture
def pack(filled: tuple[CheckedSite, Path, Exported], tmp_path: Path) -> Path:
    """A copy of the pack, for a test to change."""
    return Path(shutil.copytree(filled[1], tmp_path / "pack"))


def files_of(pack: Path) -> list[str]:
    return sorted(str(path.relative_to(pack)) for path in pack.rglob("*") if path.is_file())


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: Path(shell[0]).name)
def test_verify_passes_with_nothing_but_a_shell_sha256sum_and_ssh_keygen(
    filled: tuple[CheckedSite, Path, Exported], shell: list[str], tmp_path: Path
) -> None:
    _, pack, exported = filled
    for name in ("sha256sum", "ssh-keygen", "ssh"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    result = subprocess.run(
        [*shell, str(pack / "verify.sh")], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    lines = result.stdout.splitlines()
    assert (result.returncode, lines[-1], result.stderr) == (0, "verified", "")
    assert f"newest entry: {exported.head.sequence}:{exported.head.digest}" in lines
    assert f"signed with the site's key: {exported.fingerprint}" in lines
    assert "4 entries up to 4 have no valid signature of their own; a later key entry vouches for them" in lines


def test_a_trusted_copy_of_what_checks_it_can_lie_elsewhere(pack: Path) -> None:
    command = ["sh", "-s", "--", "1:" + "0" * 32]
    for arguments, ending in ((command[:2], "verified"), (command, "1 finding")):
        with (PROJECT / "reports" / "audit_site" / "verify.sh").open("rb") as script:
            result = subprocess.run(arguments, cwd=pack, stdin=script, capture_output=True, text=True, check=False)
        assert result.stdout.splitlines()[-1] == ending


def test_what_is_in_it_is_what_the_site_has(filled: tuple[CheckedSite, Path, Exported]) -> None:
    checked, pack, exported = filled
    state, listed = checked.site.state, set(files_of(pack))
    for path in (state / "ledger").rglob("0*.*"):
        assert (pack / path.relative_to(state)).read_bytes() == path.read_bytes()
    for folder in ("attachments", "documents"):
        kept = {path.name for path in (state / folder).iterdir() if re.fullmatch(r"[0-9a-f]{64}", path.name)}
        assert kept == {Path(name).parent.name for name in listed if name.startswith(f"{folder}/")}
    assert (exported.runs, exported.left_out, exported.findings) == (4, 0, ())
    assert (pack / "LEFT-OUT.txt").read_text() == "none\n"
    assert exported.files == len(listed) - 2
    sums = (pack / "SHA256SUMS").read_text().splitlines()
    assert {line[66:] for line in sums} == listed - {"SHA256SUMS", "SHA256SUMS.sig"}


def test_a_fat32_stick_can_hold_it(filled: tuple[CheckedSite, Path, Exported]) -> None:
    paths = list(filled[1].rglob("*"))
    names = [str(path.relative_to(filled[1])) for path in paths]
    assert [name for name in names if not re.fullmatch(r"[A-Za-z0-9/._-]+", name) or name.endswith(".")] == []
    assert len({name.lower() for name in names}) == len(names)
    devices = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
    assert [path for path in paths if devices.match(path.name)] == []
    assert all(stat.S_ISREG(path.lstat().st_mode) or stat.S_ISDIR(path.lstat().st_mode) for path in paths)


def test_one_flipped_byte_of_any_file_is_told_with_the_files_name(pack: Path) -> None:
    for name in files_of(pack):
        path = pack / name
        whole = path.read_bytes()
        if name == "verify.sh" or not whole:
            continue
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 1
        path.write_bytes(changed)
        code, lines = check(pack)
        path.write_bytes(whole)
        assert (code, bool(re.fullmatch(r"1 finding|\d+ findings", lines[-1]))) == (1, True), name
        assert any(name in line for line in lines), (name, lines)
    assert check(pack)[0] == 0


@pytest.mark.parametrize("name", ["keys/fingerprints", "keys/allowed_signers_utc"])
def test_where_the_keys_were_changed_that_is_told_and_not_what_follows_from_it(pack: Path, name: str) -> None:
    (pack / name).write_text((pack / name).read_text().replace("site", "sita"))
    code, lines = check(pack)
    assert code == 1
    assert f"{name}: differs from what was listed" in lines
    assert len(lines) <= 4, lines


def test_a_list_with_line_ends_of_windows_is_one_finding(pack: Path) -> None:
    path = pack / "SHA256SUMS"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert check(pack) == (1, ["SHA256SUMS: has line ends of Windows: copy the pack anew, byte for byte", "1 finding"])


def test_a_file_that_is_gone_or_was_added_is_told(pack: Path) -> None:
    (pack / "README.txt").unlink()
    (pack / "ledger" / "000" / "000001-run.json").unlink()
    (pack / "site" / "more.js").write_text("1")
    (pack / "index.html").unlink()
    (pack / "index.html").symlink_to("verify.sh")
    code, lines = check(pack)
    assert code == 1
    assert "README.txt: missing, but listed" in lines
    assert "ledger/000/000001-run.json: missing, but listed" in lines
    assert "site/more.js: not listed, so nobody vouches for it" in lines
    assert "index.html: is a link, not a file" in lines


def test_a_head_from_a_paper_copy_can_be_typed_back(filled: tuple[CheckedSite, Path, Exported]) -> None:
    _, pack, exported = filled
    head = exported.head
    grouped = [head.digest[start : start + 8] for start in range(0, 32, 8)]
    told = check(pack, f"{head.sequence:06d}:{grouped[0]}", *grouped[1:])
    answer = f"held against {head.sequence:06d}:{head.digest[:32]}: entry {head.sequence}, the same"
    assert (told[0], told[1]) == (0, [answer, *check(pack)[1]])
    wide = str.maketrans("0123456789abcdef: ", "０１２３４５６７８９ａｂｃｄｅｆ：　")
    printed = head.grouped()
    assert " · " in printed
    for typed in (
        (printed,),
        printed.split(),
        (printed.upper(),),
        (f"{head.sequence:06d}:{' '.join(grouped)}".translate(wide),),
        (printed.translate(wide).replace("·", "\u00a0·\u3000"),),
    ):
        assert check(pack, *typed) == told, typed
    assert check(pack, f"{head.sequence}:{head.digest}")[0] == 0
    code, lines = check(pack, f"{head.sequence}:{'0' * 32}")
    assert code == 1
    assert any(f"is not what {head.sequence}:000" in line for line in lines)
    assert "ledger: has no entry 99" in check(pack, f"99:{head.digest}")[1]
    for bad in ("--key", "12", f":{head.digest}", f"{head.sequence}:{head.digest[:31]}", f"1:{'x' * 32}", "SHA256:x"):
        code, lines = check(pack, bad)
        assert (code, lines[-1]) == (2, "sh verify.sh [SHA256:FINGERPRINT ...] [NUMBER:DIGITS ...]"), bad
    assert check(pack, "--help")[0] == 0


def entry_of(pack: Path, kind: str) -> Path:
    return next(iter(sorted((pack / "ledger" / "000").glob(f"*-{kind}.json"))))


def test_who_lists_the_files_anew_still_cannot_change_an_entry(
    filled: tuple[CheckedSite, Path, Exported], pack: Path
) -> None:
    entry = entry_of(pack, "waiver")
    entry.write_text(entry.read_text().replace("合并", "取消"))
    reseal(pack, filled[0])
    code, lines = check(pack)
    assert code == 1
    assert any(line.startswith(f"{entry.relative_to(pack)}: the signature in") for line in lines)
    assert any("does not follow on the entry before it" in line for line in lines)


def test_who_lists_the_files_anew_still_cannot_change_what_entries_name(
    filled: tuple[CheckedSite, Path, Exported], pack: Path
) -> None:
    events = next(iter(sorted(pack.rglob("events.jsonl.gz"))))
    events.write_bytes(events.read_bytes() + b"\0")
    scan = next(iter(sorted((pack / "attachments").rglob("*.PDF"))))
    scan.write_bytes(b"%PDF other")
    paper = next(iter(sorted((pack / "documents").rglob("*.docx"))))
    paper.unlink()
    reseal(pack, filled[0])
    told = check(pack)[1]
    assert f"{events.relative_to(pack)}: differs from what the ledger names" in told
    assert f"{scan.relative_to(pack)}: differs from what the ledger names" in told
    assert [line for line in told if "names a file that is missing" in line]


@pytest.mark.parametrize("change", ["cut", "swap", "unsigned", "renumber"])
def test_who_lists_the_files_anew_still_cannot_reorder_the_ledger(
    filled: tuple[CheckedSite, Path, Exported], pack: Path, change: str
) -> None:
    first, second = sorted((pack / "ledger" / "000").glob("*-record.json"))[:2]
    if change == "cut":
        first.unlink()
        first.with_name(f"{first.name}.sig").unlink()
    elif change == "swap":
        one, other = first.read_bytes(), second.read_bytes()
        first.write_bytes(other)
        second.write_bytes(one)
    elif change == "unsigned":
        first.with_name(f"{first.name}.sig").unlink()
    else:
        first.rename(first.with_name("000099-record.json"))
    reseal(pack, filled[0])
    code, lines = check(pack)
    assert code == 1
    assert any(f"{first.stem[:6]}" in line or f"{second.stem[:6]}" in line for line in lines[:-4])


def test_an_entry_from_before_the_key_that_was_changed_is_told(
    filled: tuple[CheckedSite, Path, Exported], pack: Path
) -> None:
    """Nobody signed it; the next one names its hash, and the key's entry that of the newest."""
    entry = pack / "ledger" / "000" / "000004-run.json"
    entry.write_text(entry.read_text().replace("zhangsan", "lisi1234"))
    reseal(pack, filled[0])
    assert "ledger/000/000004-run.json: is not the entry that a key entry vouches for" in check(pack)[1]


@pytest.mark.parametrize("version", ["OpenSSH_8.2p1", "OpenSSH_8.9p1"])
def test_an_older_openssh_is_enough(filled: tuple[CheckedSite, Path, Exported], tmp_path: Path, version: str) -> None:
    """Only what it says of itself is old here; the files for it are those that an old one can read."""
    (tmp_path / "ssh").write_text(f"#!/bin/sh\necho '{version} Ubuntu-4' >&2\n")
    (tmp_path / "ssh").chmod(0o755)
    code, lines = check(filled[1], path=str(tmp_path))
    assert (code, lines[-1]) == (0, "verified")
    assert any("knows no dates" in line for line in lines) == version.startswith("OpenSSH_8.2")
    assert "valid-" not in (filled[1] / "keys" / "allowed_signers_undated").read_text()


def test_of_a_period_the_whole_ledger_goes_in_but_only_its_files(
    filled: tuple[CheckedSite, Path, Exported], tmp_path: Path
) -> None:
    exported = export(filled[0], tmp_path / "pack", "2026Q1")
    assert (exported.entries, exported.runs) == (filled[2].entries, 0)
    assert [Path(name).suffix for name in files_of(tmp_path / "pack") if name.startswith("attachments/")] == [".txt"]
    left_out = (tmp_path / "pack" / "LEFT-OUT.txt").read_text().splitlines()
    assert (len(left_out), exported.left_out) == (7, 6)
    assert (tmp_path / "pack" / "site" / "data" / "main.js").read_text().count('"runsLeft":4') == 1
    assert '\\"verdict\\":' in (tmp_path / "pack" / "site" / "data" / "entries-0.js").read_text()
    assert all("outside of the period" in line for line in left_out)
    code, lines = check(tmp_path / "pack")
    assert (code, lines[-1]) == (0, "verified")
    assert "named by entries and not in this pack: 7, see LEFT-OUT.txt" in lines
    with pytest.raises(BadInput, match="--period 1999"):
        export(filled[0], tmp_path / "other", "1999")
    assert not (tmp_path / "other").exists()


def test_what_is_missing_or_damaged_is_told_and_stops_nothing(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    fill(checked, tmp_path)
    runs = sorted(path for path in site.runs_folder.iterdir() if path.name.startswith("2"))
    (runs[0] / "events.jsonl.gz").write_bytes(b"no gzip")
    (runs[1] / "manifest.json").write_bytes(b"{")
    shutil.rmtree(runs[2])
    next(iter(site.attachments_folder.iterdir())).write_bytes(b"other")
    exported = export(checked, tmp_path / "pack")
    told = "\n".join(map(str, exported.findings))
    assert f"{runs[0].name}/events.jsonl.gz: differs from what its manifest names" in told
    assert f"{runs[1].name}: is damaged" in told
    assert f"{runs[2].name}/manifest.json: cannot be read" in told
    assert "differs from its name" in told
    code, lines = check(tmp_path / "pack")
    assert code == 1
    assert any(f"{runs[0].name}/events.jsonl.gz: differs from what the ledger names" in line for line in lines)
    assert any(f"names a file that is missing: runs/20260609/{runs[2].name}" in line for line in lines)


def test_archived_runs_are_in_it_as_long_as_their_place_can_be_read(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    fill(checked, tmp_path, runs=14)
    moved = archive_runs(site, date(2026, 6, 10), tmp_path / "old", lambda _done, _total: None)
    assert moved.moved
    assert export(checked, tmp_path / "one").runs == 14
    shutil.rmtree(tmp_path / "old")
    exported = export(checked, tmp_path / "two")
    assert exported.left_out == len(moved.moved)
    (finding,) = exported.findings
    assert (finding.file, finding.kind) == (str(tmp_path / "old"), "archive")
    assert finding.problem.startswith(f"is not there, but {len(moved.moved)} runs lie there")
    assert check(tmp_path / "two")[0] == 0, "what is in the pack is as it was"


def test_an_entry_that_was_taken_out_is_told_as_at_the_site(site: Site, tmp_path: Path) -> None:
    checked = contracted(site)
    fill(checked, tmp_path)
    gone = min(site.ledger_folder.glob("000/*-record.json"))
    gone.unlink()
    gone.with_name(f"{gone.name}.sig").unlink()
    exported = export(checked, tmp_path / "pack")
    found = verify_ledger(site, Outside(), lambda *_: None).findings
    chain = [one for one in found if one.kind == "chain"]
    assert len(chain) == 2
    assert set(chain) <= set(exported.findings)
    assert check(tmp_path / "pack")[0] == 1


def test_a_folder_that_holds_something_is_left_alone(
    filled: tuple[CheckedSite, Path, Exported], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="is not empty"):
        export(filled[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_readme_names_what_is_to_be_compared(filled: tuple[CheckedSite, Path, Exported]) -> None:
    _, pack, exported = filled
    for name in ("README.txt", "README.zh-CN.txt"):
        text = (pack / name).read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        assert b"\n" not in text.replace(b"\r\n", b"")
        assert exported.head.grouped() in text.decode()
        assert exported.fingerprint in text.decode()
        assert "{" not in text.decode()
    assert digest_file(pack / "verify.sh") == digest_file(PROJECT / "reports" / "audit_site" / "verify.sh")


def test_every_field_of_an_entry_has_a_word(filled: tuple[CheckedSite, Path, Exported]) -> None:
    def names(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(names, value))
        return set(value).union(*map(names, value.values())) if isinstance(value, dict) else set()

    bodies = [json.loads(path.read_text())["body"] for path in (filled[1] / "ledger").rglob("*.json")]
    assert names(bodies) - set(load_catalogue("zh").tables["audit_fields"]) - {"grade"} == set()


def test_the_guide_publishes_the_digest_of_what_checks_the_pack() -> None:
    """Whoever forged a pack can put another verify.sh there."""
    digest = digest_file(PROJECT / "reports" / "audit_site" / "verify.sh")
    assert f"{digest}  verify.sh\n" in (PROJECT / "docs" / "pack.md").read_text()


def test_a_checkpoint_is_checked_by_hand_as_the_guide_says(site: Site, tmp_path: Path) -> None:
    """Also after its key was replaced."""
    checked = contracted(site)
    fill(checked, tmp_path)
    write_checkpoint(site, tmp_path / "FILE")
    time = json.loads((tmp_path / "FILE").read_text())["time"]
    subprocess.run(["sleep", "2.1"], check=True)
    replace_key(site, None)
    exported = export(checked, tmp_path / "pack")
    guide = (PROJECT / "docs" / "auditor.md").read_text()
    (command,) = re.findall(r"`(ssh-keygen -Y verify [^`]* FILE\.sig <FILE)`", guide)
    shutil.copy(exported.folder / "keys" / "allowed_signers", tmp_path)
    at = re.sub(r"\D", "", time.partition(".")[0])
    for moment, code in ((at, 0), ("20990101000000", 255)):
        asked = re.sub(r"verify-time=\d+", f"verify-time={moment}", command)
        assert subprocess.run(["sh", "-c", asked], cwd=tmp_path, capture_output=True, check=False).returncode == code
