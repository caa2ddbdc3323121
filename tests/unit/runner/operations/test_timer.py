from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import BadInput, MachineError
from runner.operations.timer import Timer, install, lingers, remove, timer_of
from runner.site import PROJECT, Site
from tests.required import needs

needs_systemd = needs(shutil.which("systemd-analyze"), "needs systemd-analyze")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("WEIBAO_", "ANSIBLE_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def units(site: Site, tmp_path: Path) -> Timer:
    """A timer of systemd for the machine, in a folder that stands for its root."""
    return Timer(site, "zh", 15, "维保：试", "systemd", "root", tmp_path / "user", tmp_path / "root")


@pytest.fixture
def table(units: Timer) -> Timer:
    return replace(units, system="cron", user="ops")


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for systemctl and crontab, which this machine may lack: what they were told, and a table of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/systemctl\n[ ! -e {tmp_path}/broken ]\n')
    (folder / "crontab").write_text(
        f'#!/bin/sh\n[ ! -e {tmp_path}/broken ] || {{ echo "must be privileged" >&2; exit 1; }}\n'
        f'if [ "$1" = -l ]; then [ -e {tmp_path}/table ] || {{ echo "no crontab for ops" >&2; exit 1; }}\n'
        f"cat {tmp_path}/table; else cat > {tmp_path}/table; fi\n"
    )
    for path in folder.iterdir():
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def verified(timer: Timer, folder: Path) -> str:
    """What systemd itself says of the units."""
    paths = []
    for path, text in timer.files().items():
        paths.append(folder / path.name)
        paths[-1].write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return "".join(line for line in result.stderr.splitlines(keepends=True) if timer.name in line)


# -- systemd -------------------------------------------------------------------------------------------------


@needs_systemd
@pytest.mark.parametrize("minutes", [5, 15, 60])
@pytest.mark.parametrize("name", ["own", "人民医院 影像", "100%$HOME'\"\\"])
def test_systemd_finds_nothing_wrong_with_the_units(units: Timer, tmp_path: Path, minutes: int, name: str) -> None:
    state = tmp_path / "state % of $x" / "own"
    site = Site(name, units.site.folder, state)
    assert verified(replace(units, site=site, minutes=minutes), tmp_path) == ""


@needs_systemd
def test_what_systemd_would_refuse_is_not_installed(
    units: Timer, called: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(MachineError, match="/nowhere/python"):
        install(units, dry_run=False)
    assert not (called / "root").exists()
    assert not (called / "systemctl").exists()


def test_the_service_says_what_a_tick_needs(units: Timer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", "/srv/sites")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "/root/.vault")
    monkeypatch.setenv("WECOM_URL", "wecombot://secret")
    service, timer = units.files().values()
    lines = service.splitlines()
    assert f"WorkingDirectory={PROJECT}" in lines
    assert {'Environment="WEIBAO_SITES=/srv/sites"', 'Environment="ANSIBLE_VAULT_PASSWORD_FILE=/root/.vault"'} <= {
        *lines
    }
    assert any(line.startswith("ExecStart=") and line.endswith('"schedule" "tick"') for line in lines)
    assert "secret" not in service
    assert {"OnCalendar=*:0/15", "Persistent=true"} <= {*timer.splitlines()}


def test_root_runs_it_as_whom_the_state_belongs_to(units: Timer, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = units.site.state.owner()
    assert (f"User={owner}\n" in next(iter(units.files().values()))) == (owner != "root")
    monkeypatch.setattr(Path, "owner", lambda _path: "ops")
    assert "User=ops\n" in next(iter(units.files().values()))
    assert "User=" not in next(iter(replace(units, user="ops").files().values()))


def test_installed_twice_it_is_written_once_and_removed_without_a_trace(units: Timer, called: Path) -> None:
    assert install(units, dry_run=True)
    assert not (called / "root").exists()
    assert install(units, dry_run=False)
    assert [path.read_text() for path in units.files()] == list(units.files().values())
    assert not install(units, dry_run=False)
    assert not install(units, dry_run=True)
    assert install(replace(units, minutes=30), dry_run=False)
    assert remove(units, dry_run=True)
    assert remove(units, dry_run=False)
    assert not any(path.exists() for path in units.files())
    assert not remove(units, dry_run=False)
    asked = (called / "systemctl").read_text().splitlines()
    enabled, disabled = f"enable --now {units.name}.timer", f"disable --now {units.name}.timer"
    assert asked == [*["daemon-reload", enabled] * 3, disabled, "daemon-reload"]


def test_what_a_half_made_installation_left_is_removed(units: Timer, called: Path) -> None:
    service, timer = units.files()
    install(units, dry_run=False)
    timer.unlink()
    assert remove(units, dry_run=False)
    assert not service.exists()
    assert "disable" not in (called / "systemctl").read_text()


@needs_systemd
def test_a_program_of_any_path_is_found(units: Timer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "100% of $x" / "python"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    monkeypatch.setattr("sys.executable", str(program))
    assert verified(units, tmp_path) == ""


def test_a_user_installs_units_of_their_own(units: Timer, called: Path) -> None:
    own = replace(units, user="ops")
    install(own, dry_run=False)
    assert all(path.is_relative_to(own.home / ".config/systemd/user") for path in own.files())
    assert (called / "systemctl").read_text().splitlines()[0] == "--user daemon-reload"
    assert not lingers(own)
    (own.root / "var/lib/systemd/linger").mkdir(parents=True)
    (own.root / "var/lib/systemd/linger/ops").touch()
    assert lingers(own)
    assert lingers(units)


def test_a_systemd_that_refuses_is_told(units: Timer, called: Path) -> None:
    (called / "broken").touch()
    with pytest.raises(MachineError, match="systemctl daemon-reload"):
        install(units, dry_run=False)


# -- cron ----------------------------------------------------------------------------------------------------


def test_the_line_of_a_crontab_calls_the_tick(table: Timer, tmp_path: Path) -> None:
    """Run as cron would: what is behind the five fields, with \\% for %, by sh."""
    site = Site("100% own", table.site.folder, tmp_path / "state %x" / "100% own")
    seen = tmp_path / "seen"
    (tmp_path / "logger").write_text(f'#!/bin/sh\necho "$@" > {seen}; cat >> {seen}\n')
    (tmp_path / "logger").chmod(0o755)
    (text,) = replace(table, site=site).files().values()
    comment, line = text.splitlines()
    assert comment.startswith("# weibao-100_")
    assert line.startswith("*/15 * * * * cd ")
    command = line.split(" ", 5)[5].replace("\\%", "%")
    subprocess.run(["sh", "-c", command], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/"}, check=True)
    # The site is not to be found from there, which only the program itself can say.
    assert "no site named '100% own'" in seen.read_text()
    assert seen.read_text().startswith("-t weibao-100_")


def test_a_crontab_keeps_its_other_lines(table: Timer, called: Path) -> None:
    assert install(table, dry_run=False)
    (only,) = table.files().values()
    assert (called / "table").read_text() == only
    (called / "table").write_text("0 1 * * * backup\n" + only + "0 2 * * * other\n")
    assert not install(table, dry_run=False)
    assert install(replace(table, minutes=30), dry_run=False)
    (changed,) = replace(table, minutes=30).files().values()
    assert (called / "table").read_text() == "0 1 * * * backup\n0 2 * * * other\n" + changed
    assert remove(table, dry_run=False)
    assert (called / "table").read_text() == "0 1 * * * backup\n0 2 * * * other\n"
    assert not remove(table, dry_run=False)


def test_what_people_wrote_between_the_lines_of_a_crontab_stays(table: Timer, called: Path) -> None:
    install(table, dry_run=False)
    comment, call = (called / "table").read_text().splitlines(keepends=True)
    (called / "table").write_text(comment + "MAILTO=ops\n" + call + "0 2 * * * other")
    assert not install(table, dry_run=False)
    assert remove(table, dry_run=False)
    assert (called / "table").read_text() == "MAILTO=ops\n0 2 * * * other\n"


def test_a_line_that_cron_would_cut_off_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIBAO_SITES", "/srv/人民医院" * 60)
    with pytest.raises(BadInput, match=r"the line for cron has \d{4} bytes, and cron takes 998: move .*WEIBAO_SITES"):
        timer_of(site, "zh", 15, "x", "cron")
    timer_of(site, "zh", 15, "x", "systemd")


def test_a_crontab_that_cannot_be_read_is_not_written_over(table: Timer, called: Path) -> None:
    (called / "broken").touch()
    with pytest.raises(MachineError, match="must be privileged"):
        install(table, dry_run=False)
    assert not (called / "table").exists()


def test_for_the_machine_a_file_names_the_user(units: Timer, called: Path) -> None:
    machine = replace(units, system="cron")
    assert install(machine, dry_run=False)
    (path,) = machine.files()
    assert path == called / "root/etc/cron.d/weibao-own"
    assert path.stat().st_mode & 0o777 == 0o644
    assert f"* * * * {machine.account} cd " in path.read_text()


def test_cron_takes_names_of_plain_letters_only(units: Timer) -> None:
    names = {replace(units, site=replace(units.site, name=name)).name for name in ("a.b", "a_b", "a b", "人民")}
    assert len(names) == 4
    assert all(name.replace("-", "").replace("_", "").isalnum() and name.isascii() for name in names)


# -- both ----------------------------------------------------------------------------------------------------


def test_a_path_that_would_break_out_of_a_line_is_refused(site: Site) -> None:
    bad = Site("own", site.folder, Path("/srv/a\nExecStart=/bin/evil/own"))
    with pytest.raises(BadInput):
        timer_of(bad, "zh", 15, "x", "systemd")


def test_a_machine_without_either_is_told_so(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs here")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="neither systemd nor cron"):
        timer_of(site, "zh", 15, "x", None)
