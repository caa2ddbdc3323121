"""The commands about changes, run as people run them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from click.testing import CliRunner, Result

from runner.cli import cli
from runner.errors import BadInput
from runner.operations.book import open_book
from runner.operations.change_entries import ChangeRefused, body_of, known_changes
from runner.site import Site
from tests.changing import key_pair, login, public, signature


@pytest.fixture(autouse=True)
def _sites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))


def weibao(site: Site, *arguments: str, lang: str = "en") -> Result:
    options = ("--site", site.name, "--home", str(site.state.parent), "--lang", lang)
    result = CliRunner().invoke(cli, (*options, *arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def asked(site: Site, folder: Path) -> Path:
    """Apply for a change, and return the private key of who may approve it."""
    key = key_pair(folder, "approver")
    told = [
        {"name": "钱批准", "duty": "purchaser approver", "organisation": "purchaser", "keys": [public(key)]},
        {"name": "赵监督", "duty": "supervisor", "organisation": "purchaser"},
        {"name": "张三", "duty": "engineer", "organisation": "provider", "login": login()},
    ]
    site.people_file.write_text(yaml.safe_dump({"schema_version": 1, "people": told}, allow_unicode=True))
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    request = {
        "number": "C-1",
        "procedure": "restart-services",
        "hosts": ["localhost"],
        "variables": {"service_restart_services": [{"name": "nginx"}]},
        **dict.fromkeys(("content", "reason", "risk", "impact", "backup", "rollback"), "如实填写"),
        "steps": [{"name": "重启", "minutes": 5}],
        "window": {"from": str(now - timedelta(minutes=1)), "to": str(now + timedelta(hours=2))},
        "supervisor": "赵监督",
    }
    path = folder / "C-1.yml"
    path.write_text(yaml.safe_dump(request, allow_unicode=True))
    result = weibao(site, "change", "request", str(path), "--no-preview", "--format", "html")
    assert "change C-1: requested, entry 3" in result.output
    assert "feasibility preview in check mode: not known, no preview was made" in result.output
    assert len(list(site.documents_folder.glob("upgrade-request-C-1*.html"))) == 1
    return key


def test_what_is_signed_is_written_with_what_is_typed_then(site: Site, tmp_path: Path) -> None:
    key = asked(site, tmp_path)
    written = tmp_path / "to sign"
    options = ("--by", "钱批准", "--reason", "同意 了")
    shown = weibao(site, "change", "show", "C-1", "--to-sign", "approve", *options, "--output", str(written))
    assert f"ssh-keygen -Y sign -n weibao-approval -f KEY '{written}'" in shown.stderr
    at = shown.stderr.rpartition("--at ")[2].split()[0]
    then = f"change approve C-1 --by '钱批准' --reason '同意 了' --at {at} --signature '{written}.sig'"
    assert then in shown.stderr
    (tmp_path / "to sign.sig").write_text(signature(key, written.read_bytes()))
    options = (*options, "--at", at)
    assert weibao(site, "change", "show", "C-1", "--to-sign", "approve", *options).stdout_bytes == written.read_bytes()
    approved = weibao(site, "change", "approve", "C-1", *options, "--signature", f"{written}.sig")
    assert "change C-1: approved, entry 4" in approved.output
    with pytest.raises(BadInput, match="is there already"):
        weibao(site, "change", "show", "C-1", "--to-sign", "sign-in", "--by", "赵监督", "--output", str(written))


def test_a_change_is_listed_and_shown_with_all_that_happened(site: Site, tmp_path: Path) -> None:
    assert weibao(site, "change", "list").output == "no changes\n"
    asked(site, tmp_path)
    with pytest.raises(ChangeRefused, match=r"too few approvals that count: 0 of 1\n.*no supervisor is signed in"):
        weibao(site, "change", "execute", "C-1")
    with pytest.raises(ChangeRefused, match="批准不足：有效批准 0 人，合同要求 1 人"):
        weibao(site, "change", "execute", "C-1", lang="zh")
    listed = weibao(site, "change", "list").output
    assert listed.startswith("C-1  waits for approval  restart-services  1 host  ")
    shown = weibao(site, "change", "show", "C-1").output
    for line in ("hosts localhost", "feasibility supervisor: passed", "refused", "  no supervisor is signed in"):
        assert line in shown
    told = json.loads(weibao(site, "--json", "change", "show", "C-1").output)["change"]
    assert (told["state"], told["remainder"]) == ("requested", ["localhost"])
    assert [one["step"] for one in told["steps"]] == ["requested", "refused", "refused"]


def test_whose_signature_would_not_count_is_warned(site: Site, tmp_path: Path) -> None:
    asked(site, tmp_path)
    shown = weibao(site, "change", "show", "C-1", "--to-sign", "approve", "--by", "赵监督", "--reason", "x", lang="zh")
    assert shown.stderr.startswith("赵监督 即使签名，此项也不作数：\n  赵监督 ")
    shown = weibao(site, "change", "show", "C-1", "--to-sign", "approve", "--by", "钱批准", "--reason", "x")
    assert "would not count" not in shown.stderr


def test_what_is_not_feasible_ends_with_its_own_code_and_says_so_last(site: Site, tmp_path: Path) -> None:
    asked(site, tmp_path)
    path = tmp_path / "C-1.yml"
    told = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**told, "number": "C-2", "supervisor": "nobody", "reserve_minutes": 10}))
    options = ("change", "request", str(path), "--no-preview", "--format", "none")
    result = weibao(site, *options)
    assert result.exit_code == 1
    assert "  10 minutes for the way back are less than the contract keeps: 30 minutes count\n" in result.output
    assert result.output.splitlines()[-1].startswith("change C-2 is not feasible as it stands, by supervisor. ")
    assert known_changes(site)["C-2"].plan["number"] == "C-2", "it is in the ledger all the same"
    path.write_text(yaml.safe_dump({**told, "number": "C-3", "supervisor": "nobody"}))
    assert weibao(site, "--json", *options).exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "C-1", "--by", "甲", "--reason", "x"),
        ("approve", "C-1", "--by", "甲", "--reason", "x", "--paper", "p.pdf"),
        ("approve", "C-1", "--by", "甲", "--reason", "x", "--signature", "s", "--paper", "p", "--vouched-by", "乙"),
        ("sign-in", "C-1", "--by", "甲"),
        ("sign-out", "C-1", "--by", "甲", "--vouched-by", "乙"),
        ("show", "C-1", "--to-sign", "approve", "--by", "甲"),
        ("show", "C-1", "--to-sign", "sign-in"),
        ("show", "C-1", "--to-sign", "verify", "--by", "甲", "--text", "x"),
        ("verify", "C-1", "--by", "甲", "--text", "x"),
        ("verify", "C-1", "--by", "甲", "--text", "x", "--passed", "--paper", "p"),
    ],
)
def test_half_a_proof_is_a_wrong_usage(site: Site, arguments: tuple[str, ...]) -> None:
    assert weibao(site, "change", *arguments).exit_code == 2
    assert list(site.ledger_folder.rglob("*.json")) == []


def test_run_takes_a_change_whole(site: Site) -> None:
    assert weibao(site, "run", "restart-services", "--change", "C-1", "--limit", "app1").exit_code == 2
    with pytest.raises(BadInput, match="NUMBER C-1: there is no such change"):
        weibao(site, "run", "restart-services", "--change", "C-1")


def test_no_step_tells_a_secret(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(site, tmp_path)
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2-hunter2")
    with pytest.raises(BadInput, match="--reason: holds a secret of the site"):
        weibao(site, "change", "withdraw", "C-1", "--reason", "口令 hunter2-hunter2 泄露")
    with pytest.raises(BadInput, match="--reason: holds a secret of the site"):
        weibao(site, "change", "reject", "C-1", "--by", "钱批准", "--reason", "hunter2-hunter2")
    assert "hunter2" not in "".join(path.read_text() for path in site.ledger_folder.rglob("*.json"))


def test_what_is_left_is_printed_as_a_request(site: Site, tmp_path: Path) -> None:
    asked(site, tmp_path)
    with pytest.raises(BadInput, match="NUMBER C-1: was not carried out"):
        weibao(site, "change", "remainder", "C-1")
    told = {"step": "started", "run": "run-1", "digest": "0" * 64, "event": "started"}
    change = known_changes(site)["C-1"]
    at = datetime.now(ZoneInfo("Asia/Shanghai"))
    book = open_book(site)
    book.append("change", {**body_of(change, "started", at, {"login": "x", "name": None}), **told})
    # Nothing carries it out any more: the command closes it, and tells what was left.
    result = weibao(site, "change", "remainder", "C-1")
    assert "change C-1 was interrupted" in result.stderr
    request = yaml.safe_load(result.stdout)
    assert (request["hosts"], request["window"]) == (["localhost"], {"from": "", "to": ""})
    assert json.loads(weibao(site, "--json", "change", "remainder", "C-1").stdout)["request"] == result.stdout
