"""The commands about keys, run as people run them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runner.cli import cli
from runner.errors import BadInput
from runner.operations.book import open_book
from runner.site import Site


@pytest.fixture(autouse=True)
def _sites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", str(site.folder.parent))


def weibao(site: Site, *arguments: str) -> Result:
    options = ("--site", site.name, "--home", str(site.state.parent))
    result = CliRunner().invoke(cli, (*options, *arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def keys(site: Site, *arguments: str) -> Result:
    return weibao(site, "ledger", "keys", *arguments)


def public(folder: Path, name: str) -> str:
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)), check=True)
    return (folder / f"{name}.pub").read_text().strip()


def approver(name: str, key: str = "") -> str:
    return f"  - {{name: {name}, duty: purchaser approver, organisation: purchaser, keys: [{key}]}}\n"


def test_the_fingerprint_of_the_first_key_is_told_once(site: Site) -> None:
    assert keys(site, "show").output == "the ledger names no key yet; the first entry makes one\n"
    first = keys(site, "replace")
    assert "made the site's key" in first.stderr
    shown = keys(site, "show")
    assert "made the site's key" not in shown.stderr
    old, new = shown.output.splitlines()
    assert "  until 2" in old
    assert new.endswith("  believed  signs now")
    assert first.stderr.split()[-1] == old.split()[0]


def test_keys_are_shown_as_json(site: Site) -> None:
    open_book(site).append("note", {})
    told = json.loads(weibao(site, "--json", "ledger", "keys", "show").output)
    (key,) = told["keys"]
    assert told["schema_version"] == 1
    assert (key["fingerprint"], key["holder"], key["until"]) == (told["site_key"], "site", None)
    assert (told["people_in_force"], told["waiting"]) == ([], [])


def test_allowed_signers_are_printed_for_ssh_keygen(site: Site, tmp_path: Path) -> None:
    entry = open_book(site).append("note", {})
    (tmp_path / "signers").write_text(keys(site, "show", "--allowed-signers").output)
    command = ("ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "site", "-n", "weibao-entry")
    subprocess.run((*command, "-s", f"{entry.path}.sig"), input=entry.raw, check=True, capture_output=True)


def test_a_lost_key_is_told_with_its_reason(site: Site) -> None:
    open_book(site).append("note", {})
    assert keys(site, "lost").exit_code == 2
    (site.keys_folder / "site").unlink()
    lines = keys(site, "lost", "--reason", "the disk broke").output.splitlines()
    assert [line.split()[2] for line in lines if line.startswith("entry")] == ["created", "lost"]
    assert lines[1].startswith("the site's key is now SHA256:")


def test_a_stolen_key_is_listed_as_such_with_from_when(site: Site) -> None:
    open_book(site).append("note", {})
    keys(site, "replace")
    told = keys(site, "lost", "--reason", "a thief", "--stolen", "--since", "2026-03-04T10:00Z")
    first, stolen, now = keys(site, "show").output.splitlines()
    assert "  until 2" in first
    assert stolen.endswith("  revoked, not believed from 2026-03-04T10:00:00.000000Z on")
    assert stolen.split()[0] == told.output.splitlines()[2].split()[3]
    assert now.endswith("  believed  signs now")
    listed = json.loads(weibao(site, "--json", "ledger", "keys", "show").output)["keys"]
    given_up = {"step": "revoked", "since": "2026-03-04T10:00:00.000000Z"}
    assert [one["given_up"] for one in listed] == [None, given_up, None]


def test_the_list_of_entries_says_which_key_came_for_which_and_whose_change_is_in_force(
    site: Site, tmp_path: Path
) -> None:
    site.people_file.write_text("schema_version: 1\npeople:\n" + approver("主任"))
    open_book(site).append("note", {})
    site.people_file.write_text(site.people_file.read_text() + approver("新人"))
    keys(site, "replace")
    keys(site, "request")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF")
    keys(site, "accept", "--paper", str(tmp_path / "paper.pdf"), "--vouched-by", "主任")
    shown = weibao(site, "--lang", "en", "ledger", "show").output.splitlines()
    told = [line.partition("  trust  ")[2] or line.partition("  key  ")[2] for line in shown]
    spans = [line.split()[0] for line in keys(site, "show").output.splitlines()]
    assert [one for one in told if one] == [
        "purchaser's people added: 新人 · by a paper that 主任 vouches for · in force",
        "purchaser's people added: 新人 · not in force with this entry: no consent of the purchaser yet",
        f"replaced · site · {spans[0]} → {spans[1]}",
        "people: 主任 · the first, on which all rests",
        f"created · site · {spans[0]}",
    ]


def test_a_purchasers_person_is_put_in_force_step_by_step(site: Site, tmp_path: Path) -> None:
    key = public(tmp_path, "director")
    site.people_file.write_text("schema_version: 1\npeople:\n" + approver("主任", key))
    open_book(site).append("note", {})
    site.people_file.write_text(site.people_file.read_text() + approver("新人"))
    file = tmp_path / "people.request"
    asked = keys(site, "request", "--output", str(file))
    assert asked.stdout == ""
    assert "changed: 新人\n  + 新人  purchaser approver  no key  - to -\n" in asked.stderr
    with pytest.raises(BadInput, match="is there already; nothing is overwritten"):
        keys(site, "request", "--output", str(file))
    assert "waits for the purchaser's consent: 新人" in keys(site, "show").output
    told = asked.stderr.partition("signs these bytes: ")[2].splitlines()[0]
    command = told.replace("KEY", str(tmp_path / "director")).replace("people.request", str(file)).split()
    subprocess.run(command, check=True, capture_output=True)
    accepted = keys(site, "accept", "--by", "主任", "--signature", f"{file}.sig")
    assert accepted.output == "entry 5: people in force\n"
    assert "waits" not in keys(site, "show").output
    assert weibao(site, "ledger", "verify").exit_code == 0


def test_what_is_to_be_signed_can_be_piped(site: Site) -> None:
    site.people_file.write_text("schema_version: 1\npeople: []\n")
    open_book(site).append("note", {})
    site.people_file.write_text("schema_version: 1\npeople:\n" + approver("新人"))
    asked = keys(site, "request")
    assert json.loads(asked.stdout).keys() == {"people_sha256", "previous"}
    again = json.loads(weibao(site, "--json", "ledger", "keys", "request").stdout)
    assert again["content"] == asked.stdout


@pytest.mark.parametrize("options", [(), ("--by", "x"), ("--by", "x", "--paper", "y"), ("--vouched-by", "x")])
def test_consent_is_either_signed_or_on_paper(site: Site, options: tuple[str, ...]) -> None:
    refused = keys(site, "accept", *options)
    assert refused.exit_code == 2
    assert "give --by and --signature, or --paper and --vouched-by" in refused.stderr


def test_a_key_that_people_yml_lacks_is_told_with_its_line(site: Site, tmp_path: Path) -> None:
    key = public(tmp_path, "id")
    site.people_file.write_text("schema_version: 1\npeople:\n" + approver("主任"))
    with pytest.raises(BadInput) as refused:
        keys(site, "add", "主任", str(tmp_path / "id.pub"))
    assert f"keys: [{key}]" in str(refused.value)
    site.people_file.write_text("schema_version: 1\npeople:\n" + approver("主任", key))
    assert "created" in keys(site, "add", "主任", str(tmp_path / "id.pub")).output
