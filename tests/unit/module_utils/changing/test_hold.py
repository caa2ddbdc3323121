from __future__ import annotations

import json
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible.module_utils.changing import hold
from ansible.module_utils.changing.hold import Held, Hold, Moment, standing

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
PROJECT = Path(__file__).resolve().parents[4]


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "weibao")


def take(folder, run, seconds=100.0):
    with Hold(run, folder, patience=0) as held:
        held.take(seconds, "SJ-1")


def lease(folder):
    return json.loads(Path(folder, "change.json").read_text())


@pytest.mark.parametrize(
    ("lease", "means"),
    [
        (None, "free"),
        ({"run": "mine", "boot": "b", "until": 0}, "ours"),
        ({"run": "other", "boot": "b", "until": 101}, "foreign"),
        ({"run": "other", "boot": "b", "until": 100}, "void"),
        ({"run": "other", "boot": "former", "until": 1e9}, "void"),
    ],
)
def test_what_a_lease_means(lease, means):
    assert standing(lease, "mine", Moment("b", 100.0)) == means


def test_a_host_is_taken_by_one_run_renewed_by_it_and_given_free(folder):
    take(folder, "one", 100)
    first = lease(folder)
    assert (first["run"], first["change"], first["boot"]) == ("one", "SJ-1", BOOT)
    take(folder, "one", 500)
    assert lease(folder)["until"] > first["until"] + 300
    with pytest.raises(Held, match="run one holds this host, for"):
        take(folder, "two")
    with Hold("two", folder) as held, pytest.raises(Held):
        held.release()
    with Hold("one", folder) as held:
        assert held.release()
        assert not held.release()
    take(folder, "two")


def test_a_later_call_of_the_run_shortens_nothing_unless_the_host_started_anew(folder):
    take(folder, "one", 1300)
    until = lease(folder)["until"]
    take(folder, "one", 10)
    assert lease(folder)["until"] == until
    path = Path(folder, "change.json")
    path.write_text(json.dumps({**lease(folder), "boot": "another"}))
    take(folder, "one", 10)
    assert lease(folder)["until"] < until


def test_an_expired_lease_gives_way(folder):
    take(folder, "one", 0)
    take(folder, "two")
    assert lease(folder)["run"] == "two"


def test_a_lease_of_an_earlier_start_of_the_host_is_void(folder):
    take(folder, "one", 1e6)
    path = Path(folder, "change.json")
    path.write_text(json.dumps({**lease(folder), "boot": "another"}))
    take(folder, "two")
    assert lease(folder)["run"] == "two"


def test_setting_the_clock_changes_nothing(folder):
    take(folder, "one", 1000)
    assert lease(folder)["until"] - hold.now().uptime == pytest.approx(1000, abs=10)


def test_a_lease_that_is_damaged_is_no_free_host(folder):
    take(folder, "one")
    Path(folder, "change.json").write_text('{"run": ')
    with pytest.raises(Held, match="damaged: see that no change is running"):
        take(folder, "two")


@pytest.mark.parametrize("until", ["Infinity", "-Infinity", "NaN", "1" + "0" * 400, '"soon"', "[" * 50_000])
def test_a_lease_with_an_end_that_no_moment_is_is_damaged(folder, until):
    take(folder, "one")
    Path(folder, "change.json").write_text(f'{{"run": "one", "boot": "{BOOT}", "until": {until}}}')
    for run in ("one", "two"):
        with pytest.raises(Held, match="damaged"):
            take(folder, run)


def test_what_a_run_noted_is_there_for_its_next_call_until_the_host_is_given_free(folder):
    with Hold("one", folder) as held:
        held.take(100)
        assert held.noted() is None
        held.note({"services": ["a"]})
    with Hold("one", folder) as held:
        held.take(100)
        assert held.noted() == {"services": ["a"]}
        held.release()
    with Hold("one", folder) as held:
        held.take(0)
        assert held.noted() is None
        held.note([])
    with Hold("two", folder) as held:
        held.take(100)
        assert held.noted() is None, "another run's is none of ours"
    assert sorted(path.name for path in Path(folder).iterdir()) == ["change.json", "lock"]


def test_a_process_at_work_holds_the_host_past_the_end_of_its_lease(folder):
    with Hold("one", folder) as held:
        held.take(0)
        with pytest.raises(Held, match="run one is at work"):
            take(folder, "two")
    take(folder, "two")


def test_a_process_that_is_killed_lets_go_of_the_lock_and_its_lease_stays(folder):
    program = (
        "import sys, time\nfrom module_utils.changing.hold import Hold\n"
        "held = Hold('one', sys.argv[1]); held.take(100); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, folder], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
    with pytest.raises(Held, match="run one holds"):
        take(folder, "two")
    take(folder, "one")


@pytest.mark.parametrize("name", ["lock", "change.json", "change.json.new"])
def test_a_symlink_in_its_place_is_not_followed(folder, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    Path(folder).mkdir(0o700)
    Path(folder, name).symlink_to(victim)
    if name == "change.json.new":
        take(folder, "one")  # merely replaced
    else:
        with pytest.raises(Held, match=r"cannot be opened|no plain file"):
            take(folder, "one")
    assert victim.read_text() == "precious"


def test_a_hard_link_or_a_pipe_in_its_place_is_refused(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text('{"run": "x"}')
    Path(folder).mkdir(0o700)
    os.link(victim, Path(folder, "change.json"))
    with pytest.raises(Held, match="no plain file of ours"):
        take(folder, "one")
    Path(folder, "change.json").unlink()
    os.mkfifo(Path(folder, "change.json"))
    started = time.monotonic()
    with pytest.raises(Held):
        take(folder, "one")
    assert time.monotonic() - started < 5, "nobody waits for whoever writes into a pipe"


def test_a_folder_that_is_a_link_or_that_others_may_write_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    Path(folder).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Held, match="no folder of ours"):
        take(folder, "one")
    Path(folder).unlink()
    Path(folder).mkdir()
    Path(folder).chmod(0o777)
    with pytest.raises(Held, match="others may write there"):
        take(folder, "one")


def test_a_disk_that_takes_nothing_leaves_the_lease_as_it_was(folder):
    take(folder, "one")
    before = lease(folder)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            take(folder, "one")
        except Held as error:
            code = 0 if "cannot be written" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lease(folder) == before
    assert sorted(path.name for path in Path(folder).iterdir()) == ["change.json", "lock"]


def test_an_account_without_root_holds_in_its_own_home_which_other_hosts_may_mount(monkeypatch):
    account = next(one for one in pwd.getpwall() if one.pw_uid)
    monkeypatch.setenv("HOME", "/elsewhere")
    monkeypatch.setattr(os, "geteuid", lambda: account.pw_uid)
    assert hold.folder_of_account() == f"{account.pw_dir}/.weibao-{socket.gethostname()}"
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    with pytest.raises(Held, match="has no home"):
        hold.folder_of_account()
