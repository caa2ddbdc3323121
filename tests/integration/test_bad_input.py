"""Whatever is wrong: one clear error, the right exit code, nothing half-written."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.program import PROJECT, Program, copy_project

QUICK = "host_inspection_checks: ['filesystem.*']\n"
LOCAL = (PROJECT / "inventories" / "local" / "hosts.yml").read_text()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", tmp_path / "sites")


def errors(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--site", "nowhere", "run", "inspect"], "no site named 'nowhere'; sites: hospital-a, lab, local, platform-b"),
        (["--site", "../local", "run", "inspect"], "no site named '../local'"),
        (["run", "inspekt"], "no procedure named 'inspekt'; procedures: inspect"),
        (["run", "inspect", "--limit", "nobody"], "--limit nobody: "),
        (["run", "inspect", "--limit", "@/no/such/file"], "--limit @/no/such/file: "),
        (["run", "inspect", "--limit", ""], "--limit: is empty"),
        (["run", "inspect", "--limit", "localhost,nobody"], "matches no host: nobody"),
        (["report", "inspection-record", "--run", "missing"], "no run 'missing' in the ledger of site local"),
        (["report", "inspection-record"], "no run of inspect in site local"),
        (["report", "inspection-record", "--period", "2026-13"], "--period 2026-13"),
    ],
)
def test_what_is_unknown_is_named_and_nothing_is_written(program: Program, arguments: list[str], message: str) -> None:
    result = program.run(*arguments)
    assert result.returncode == 2, result.stderr
    assert len(errors(result)) == 1
    assert message in errors(result)[0]
    assert [path for path in program.home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "arguments", [["run", "inspect", "--format", "odt"], ["run"], ["fly"], ["run", "inspect", "--timeout", "0"]]
)
def test_wrong_usage_is_exit_2(program: Program, arguments: list[str]) -> None:
    result = program.run(*arguments)
    assert result.returncode == 2
    assert "Error" in result.stderr


@pytest.mark.parametrize("name", ["hosts", "contract", "people", "group_vars__all", "host_vars__localhost"])
def test_broken_yaml_in_any_site_file_names_file_and_line(program: Program, name: str) -> None:
    broken = program.make_site("broken", LOCAL)
    path = program.sites / "broken" / f"{name.replace('__', '/')}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("---\na: [1\nb: 2\n")
    result = broken.run("run", "inspect")
    assert result.returncode == 2
    assert any(f"{path}:3: " in line for line in errors(result)), result.stderr
    assert broken.runs() == []


def test_wrong_types_of_role_inputs_are_named_before_anything_runs(program: Program) -> None:
    wrong = program.make_site("wrong", LOCAL, group_vars__all="host_inspection_sample_seconds: [1]\n")
    result = wrong.run("run", "inspect")
    assert result.returncode == 2
    assert "group_vars/all.yml:1: host_inspection_sample_seconds: must be of type float, not list" in result.stderr
    assert wrong.runs() == []


def test_a_role_input_that_only_ansible_can_judge_fails_the_run_with_its_message(program: Program) -> None:
    wrong = program.make_site("wrong", LOCAL, group_vars__all="host_inspection_expected_ports: \"{{ ['ssh'] }}\"\n")
    result = wrong.run("run", "inspect")
    assert result.returncode == 4, result.stderr
    assert "ssh" in result.stdout
    assert wrong.manifest()["verdict"]["state"] == "failed"
    assert wrong.run("ledger", "verify").returncode == 0


def test_a_limited_run_names_what_it_left_out_and_fulfils_nothing(program: Program) -> None:
    site = program.make_site("two", LOCAL + "    other: {ansible_connection: local}\n", group_vars__all=QUICK)
    assert site.run("run", "inspect", "--limit", "localhost", "--fail-on", "never").returncode == 0
    manifest = site.manifest()
    assert manifest["arguments"]["left_out"] == ["other"]
    assert manifest["obligations"] == []


def test_hosts_that_a_play_never_came_to_are_missed(program: Program, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    playbook = project / "playbooks" / "inspect.yml"
    playbook.write_text(playbook.read_text().replace("gather_facts: false", "gather_facts: false\n  serial: 1"))
    hosts = "".join(f"    {name}: {{ansible_connection: local}}\n" for name in ("c", "d"))
    gone = "    b: {ansible_host: 127.0.0.1, ansible_port: 1, ansible_connection: ssh}\n"
    site = replace(program.make_site("serial", LOCAL + gone + hosts, group_vars__all=QUICK), project=project)
    assert site.run("run", "inspect", "--fail-on", "never").returncode == 4
    verdict = site.manifest()["verdict"]
    assert (verdict["state"], verdict["missed"]) == ("partial", ["b", "c", "d"])


def test_a_relative_folder_of_sites_is_found_from_where_one_stands(program: Program, tmp_path: Path) -> None:
    site = program.make_site("own", group_vars__all=QUICK)
    result = subprocess.run(
        site.command("run", "inspect", "--fail-on", "never"),
        cwd=tmp_path,
        env=site.environment(WEIBAO_SITES="sites"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert list(site.manifest()["hosts"]) == ["localhost"]


@pytest.mark.parametrize("closed", ["2>&-", "2>&1 | head -c 1 >/dev/null"])
def test_a_terminal_that_goes_away_does_not_stop_the_run(program: Program, closed: str) -> None:
    site = program.make_site("own", group_vars__all=QUICK)
    line = shlex.join(site.command("run", "inspect", "--format", "none", "--fail-on", "never"))
    subprocess.run(["sh", "-c", f"{line} {closed}"], cwd=PROJECT, env=site.environment(), check=False)
    assert site.manifest()["verdict"]["state"] == "complete"


def test_documents_are_not_written_from_evidence_that_was_changed(program: Program) -> None:
    site = program.make_site("own", group_vars__all=QUICK)
    site.json("run", "inspect", "--format", "none", "--fail-on", "never")
    observations = site.runs()[0] / "observations.jsonl.gz"
    observations.write_bytes(observations.read_bytes()[:-1] + b"x")
    result = site.run("report", "inspection-record", "--format", "json")
    assert result.returncode == 1
    assert "observations.jsonl.gz: differs from what its manifest names" in result.stderr
    assert site.run("run", "inspect", "--fail-on", "never").returncode == 0, "damage of the past stops no inspection"


def test_a_state_folder_that_cannot_be_used_is_exit_5(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = program.run("run", "inspect", WEIBAO_HOME=str(tmp_path / "file" / "below"))
    assert result.returncode == 5
    assert "cannot keep state here" in errors(result)[0]


def test_a_host_that_cannot_be_reached_is_missed_and_named(program: Program) -> None:
    # Port 1 of the loopback interface: nobody listens there.
    hosts = LOCAL + "    gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
    site = program.make_site("half", hosts)
    result = site.run("run", "inspect", "--fail-on", "never")
    assert result.returncode == 4, result.stderr
    verdict = site.manifest()["verdict"]
    assert (verdict["state"], verdict["missed"]) == ("partial", ["gone"])
    assert "gone" in result.stdout
    page = next((site.state / "documents").glob("*.html")).read_text()
    assert "gone" in page.split("<table")[0] + page.split("<section")[1]


def test_no_host_at_all_fulfils_nothing(program: Program) -> None:
    site = program.make_site("empty", "all:\n  hosts:\n")
    result = site.run("run", "inspect")
    assert result.returncode == 4, result.stderr
    assert site.manifest()["verdict"]["state"] in ("failed", "incomplete")


MODULES = {
    "text": "print('this is no JSON')",
    "wrong": "import json; print(json.dumps({'changed': False, 'observations': [{'check': 1}]}))",
    "ten megabytes": "import json; print(json.dumps({'changed': False, 'noise': 'x' * 10_000_000}))",
    "nothing": "import json; print(json.dumps({'changed': False}))",
    "crash": "raise SystemError('boom')",
}


@pytest.mark.parametrize("kind", MODULES)
def test_a_module_that_returns_garbage_gives_an_honest_verdict(program: Program, tmp_path: Path, kind: str) -> None:
    site = program.make_site("garbage")
    project = copy_project(tmp_path / "project")
    (project / "library" / "host_inspection.py").write_text(f"#!/usr/bin/python\n# WANT_JSON\n{MODULES[kind]}\n")
    site = replace(site, project=project)
    result = site.run("run", "inspect")
    assert result.returncode == 4, result.stdout + result.stderr
    manifest = site.manifest()
    assert manifest["verdict"]["state"] == "failed", manifest["verdict"]
    assert manifest["verdict"]["missed"] == ["localhost"]
    assert sum(path.stat().st_size for path in site.runs()[-1].iterdir()) < 200_000
    assert site.run("ledger", "verify").returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of its own that is soon full; needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=66m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_disk_with_no_room_refuses_the_run(program: Program, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 10_000_000)
    result = program.run("run", "inspect", WEIBAO_HOME=str(small_disk / "home"))
    assert result.returncode == 5
    assert "less than 64 MiB free" in errors(result)[0]


def test_a_disk_that_fills_during_the_run_stops_it_and_loses_nothing(program: Program, small_disk: Path) -> None:
    site = program.make_site("full", LOCAL, group_vars__all="host_inspection_sample_seconds: 5\n")
    home = {"WEIBAO_HOME": str(small_disk / "home")}
    command = site.command("run", "inspect")
    with subprocess.Popen(command, env=site.environment(**home), stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        for line in running.stderr:
            if "Inspect the host" in line:
                break
        try:
            with (small_disk / "ballast").open("wb") as ballast:
                while True:
                    ballast.write(b"x" * 4096)
                    ballast.flush()
        except OSError:
            pass
        rest = running.stderr.read()
    assert running.returncode == 5, rest
    assert "the next command seals what was recorded" in rest
    (small_disk / "ballast").unlink()
    assert "was interrupted: sealed as incomplete" in site.run("ledger", "show", **home).stderr
    after = site.run("ledger", "verify", **home)
    assert after.returncode == 0, after.stdout
