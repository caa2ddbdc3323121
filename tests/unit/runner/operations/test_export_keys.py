"""Whose keys signed what: verify.sh in the pack finds what `weibao ledger verify` finds at the site."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.evidence.canonical import digest
from runner.evidence.verify import Outside
from runner.operations.book import open_book
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.export import export
from runner.operations.keys import Loss, accept_paper, lose_key, replace_key
from runner.operations.records import RecordRequest, add_record
from runner.operations.verify_ledger import verify_ledger
from runner.site import Site
from tests.changing import Story
from tests.packs import check
from tests.unit.runner.operations.contracted import PEOPLE, contracted


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    return contracted(site)


def record(checked: CheckedSite, text: str) -> None:
    add_record(checked, RecordRequest(("A48",), at="2026-06-11 14:00", text=text))


def told(pack: Path) -> tuple[int, list[str], list[str]]:
    """The exit code of verify.sh, its findings, and what it says besides."""
    code, lines = check(pack)
    count = int(lines[-1].split()[0]) if code == 1 else 0
    return code, lines[:count], lines[count:-1]


def test_an_engineers_own_key_signs_under_his_name(
    checked: CheckedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    public = key.with_name("id_ed25519.pub").read_text().strip()
    named = PEOPLE.replace("{name: 张三, ", f'{{name: 张三, keys: ["{public}"], ')
    checked.site.people_file.write_text(named, encoding="utf-8")
    monkeypatch.setenv("WEIBAO_SIGNING_KEY", str(key))
    record(check_site(checked.site), "signed by a person")
    monkeypatch.delenv("WEIBAO_SIGNING_KEY")
    exported = export(checked, tmp_path / "pack")
    assert told(tmp_path / "pack")[:2] == (0, [])
    assert f"{exported.fingerprint} site\n" in (tmp_path / "pack" / "keys" / "fingerprints").read_text()
    assert " 张三\n" in (tmp_path / "pack" / "keys" / "fingerprints").read_text()
    signed = min((tmp_path / "pack" / "ledger" / "000").glob("*-record.json"))
    other = min((tmp_path / "pack" / "ledger" / "000").glob("*-trust.json.sig"))
    signed.with_name(f"{signed.name}.sig").write_bytes(other.read_bytes())
    assert any(line.startswith(f"ledger/000/{signed.name}: the signature in") for line in told(tmp_path / "pack")[1])


def test_a_replaced_key_is_believed_for_its_own_time(checked: CheckedSite, tmp_path: Path) -> None:
    record(checked, "before")
    replace_key(checked.site, "yearly")
    record(checked, "after")
    exported = export(checked, tmp_path / "pack")
    code, findings, besides = told(tmp_path / "pack")
    assert (code, findings) == (0, [])
    assert f"signed with the site's key: {exported.fingerprint}" in besides
    first = next(line.rpartition(" ")[2] for line in besides if line.startswith("the first key of the site"))
    assert first != exported.fingerprint
    for name in ("README.txt", "README.zh-CN.txt"):
        text = (tmp_path / "pack" / name).read_text()
        assert text.index(first) < text.index(exported.fingerprint), "people wrote down the first one"
    assert check(tmp_path / "pack", first)[0] == check(tmp_path / "pack", exported.fingerprint)[0] == 0


def test_what_a_stolen_key_signed_since_is_found_in_the_pack_as_at_the_site(
    checked: CheckedSite, tmp_path: Path
) -> None:
    record(checked, "before")
    since = datetime.now(UTC).isoformat()
    # Dates of keys are in whole seconds, rounded in favour of the entry.
    subprocess.run(["sleep", "2.1"], check=True)
    record(checked, "after")
    lose_key(checked.site, Loss("stolen", since=since, stolen=True))
    at_site = verify_ledger(checked.site, Outside(), lambda *_: None)
    exported = export(checked, tmp_path / "pack")
    code, findings, _ = told(tmp_path / "pack")
    assert code == 1
    files = {finding.file for finding in at_site.findings}
    assert {file.rpartition("-")[2] for file in files} == {"key.json", "record.json"}
    assert {line.partition(":")[0] for line in findings} == {f"ledger/{file.removeprefix('ledger/')}" for file in files}
    assert list(exported.findings) == at_site.findings
    for name in ("README.txt", "README.zh-CN.txt"):
        assert "vouched for by no key" in (tmp_path / "pack" / name).read_text()
    assert "- 条目没有当时有效的密钥的签名，也无人担保" in (tmp_path / "pack" / "README.zh-CN.txt").read_text()


def test_who_vouches_for_it_ends_the_finding(checked: CheckedSite, tmp_path: Path) -> None:
    record(checked, "before")
    lose_key(checked.site, Loss("stolen", since="2020-01-01", stolen=True, adopt=True))
    exported = export(checked, tmp_path / "pack")
    code, findings, _ = told(tmp_path / "pack")
    at_site = {f"ledger/{one.file}" for one in verify_ledger(checked.site, Outside(), lambda *_: None).findings}
    assert ({line.partition(":")[0] for line in findings}, code) == (at_site, 1), "a new key vouches for nothing"
    assert findings[0].endswith(f"if the site told it to you by other means: sh verify.sh {exported.fingerprint}")
    code, besides = check(tmp_path / "pack", exported.fingerprint)
    assert code == 0
    assert any("have no valid signature of their own; a later key entry vouches for them" in line for line in besides)


def test_a_paper_of_the_purchaser_is_in_the_pack(checked: CheckedSite, tmp_path: Path) -> None:
    record(checked, "before")
    checked.site.people_file.write_text(PEOPLE.replace("赵六", "钱七"), encoding="utf-8")
    paper = tmp_path / "授权书.pdf"
    paper.write_bytes(b"%PDF consent")
    accept_paper(checked.site, paper, "李四")
    exported = export(check_site(checked.site), tmp_path / "pack")
    (remark,) = exported.remarks
    assert [remark] == verify_ledger(checked.site, Outside(), lambda *_: None).remarks
    assert (remark.kind, remark.entry is None) == ("paper", False)
    for name, title in (("README.txt", "Remarks (1): "), ("README.zh-CN.txt", "备注（1 项）：")):
        text = (tmp_path / "pack" / name).read_text()
        assert title in text
        assert str(remark) in text
    (kept,) = (tmp_path / "pack" / "attachments").rglob("*.pdf")
    assert told(tmp_path / "pack")[:2] == (0, [])
    export(check_site(checked.site), tmp_path / "quarter", "2026Q1")
    assert not list((tmp_path / "quarter").rglob("*.pdf"))
    assert told(tmp_path / "quarter")[:2] == (0, []), "it was left out, and that is told"
    kept.write_bytes(b"%PDF another")
    assert f"{kept.relative_to(tmp_path / 'pack')}: differs from what the ledger names" in told(tmp_path / "pack")[1]


def test_changes_have_a_page_once_there_are_some(checked: CheckedSite, tmp_path: Path) -> None:
    record(checked, "before")
    export(checked, tmp_path / "one")
    Story(tmp_path, {}, open_book(checked.site)).request("C-1")
    export(checked, tmp_path / "two")
    data = [(tmp_path / name / "site" / "data" / "main.js").read_text() for name in ("one", "two")]
    assert ['"changes":true' in text for text in data] == [False, True]
    assert "C-1 \\u00b7 requested \\u00b7" in (tmp_path / "two" / "site" / "data" / "entries-0.js").read_text()


def test_the_paper_of_an_approval_is_in_the_pack_and_checked(checked: CheckedSite, tmp_path: Path) -> None:
    story = Story(tmp_path, {}, open_book(checked.site))
    story.request()
    paper = checked.site.attachments_folder / digest(b"signed")
    paper.parent.mkdir(exist_ok=True)
    paper.write_bytes(b"signed")
    proof = {"attachments": [{"name": "批准.pdf", "sha256": paper.name, "bytes": 6}], "vouched_by": "张三"}
    decision = {"by": "赵六", "reason": "同意", "digest": story.digest, "signature": None, "expires": None}
    story.step("approved", **proof, **decision)
    export(checked, tmp_path / "pack")
    assert told(tmp_path / "pack")[:2] == (0, [])
    (kept,) = (tmp_path / "pack" / "attachments").rglob("*.pdf")
    kept.write_bytes(b"forged")
    assert any("differs from what the ledger names" in line for line in told(tmp_path / "pack")[1])
