from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.host import processes
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.processes import DeletedFile, Process, Snapshot, Usage
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS


def test_a_name_may_hold_spaces_and_parentheses():
    stat = "4242 (tmux: (server) x) S 1 4242 4242 0 -1 4194624 100"
    assert processes.parse_stat(stat) == Process(4242, "tmux: (server) x", "S", 1)


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13", "vm"])
def test_the_soft_limit_of_open_files(captured, suite):
    assert processes.parse_open_limit(captured(suite + "/limits")) in (1024, 20000, 524288, 1048576)


def test_no_limit_is_no_limit():
    assert (
        processes.parse_open_limit("Max open files            unlimited            unlimited            files\n")
        is None
    )


def context(**walk):
    made = Context(Inputs(DEFAULT_THRESHOLDS))
    walk = {
        "processes": [],
        "usages": [],
        "deleted": [],
        "sockets": {},
        **walk,
    }
    made._answers[processes.snapshot] = Snapshot(**walk)
    return made


JAVA = Process(7, "java", "S", 1)


def test_the_worst_process_counts():
    usages = [
        Usage(JAVA, 800, 1000),
        Usage(Process(8, "nginx", "S", 1), 5000, 100000),
        Usage(Process(9, "x", "S", 1), 9, None),
    ]
    (seen,) = processes.descriptors(context(usages=usages))
    assert (seen.level, seen.value) == ("warning", 80.0)
    assert seen.detail == {"process": "java", "pid": 7, "open": 800, "limit": 1000}


@pytest.mark.parametrize(("size", "level"), [(0, "unknown"), (200 << 20, "unknown"), (2 << 30, "warning")])
def test_where_processes_are_hidden_fine_is_not_known_but_bad_is(size, level):
    deleted = [DeletedFile(7, "java", "/var/log/x.log", size)]
    (seen,) = processes.deleted_open(context(deleted=deleted, hidden=3))
    assert seen.level == level
    assert seen.detail["hidden_processes"] == 3
    if level == "unknown":
        assert seen.reason["code"] == "not_permitted"
        assert seen.detail["seen"] == size


def test_paths_of_patients_are_masked():
    deleted = [DeletedFile(7, "java", "/data/110101199003078515.dcm", 4096)]
    (seen,) = processes.deleted_open(context(deleted=deleted))
    assert seen.detail["holders"][0]["path"] == "/data/[identity].dcm"


def test_where_the_kernel_shows_no_processes_of_others_none_is_known(monkeypatch):
    own = str(os.getpid())
    monkeypatch.setattr(processes.os, "listdir", lambda path: [own] if path == "/proc" else [])
    host = Context(Inputs(DEFAULT_THRESHOLDS))
    host.privileged = False
    for measure in (processes.zombies, processes.deleted_open):
        (seen,) = measure(host)
        assert (seen.level, seen.reason["code"]) == ("unknown", "not_permitted")


def test_zombies_are_counted_with_their_parents():
    walk = [Process(1, "init", "S", 0), JAVA, *(Process(number, "sh", "Z", 7) for number in range(20, 26))]
    (seen,) = processes.zombies(context(processes=walk))
    assert (seen.value, seen.level) == (6, "warning")
    assert seen.detail["parents"] == [{"parent": 7, "process": "java", "count": 6}]


def test_a_deleted_file_counts_once_however_many_hold_it_and_memory_does_not(tmp_path):
    path = tmp_path / "gone away"
    script = (
        "import os, sys; f = open(sys.argv[1], 'wb'); f.write(b'x' * 3000000); f.flush(); os.fsync(f.fileno());"
        "g = os.dup(f.fileno()); os.unlink(sys.argv[1]); m = open('/dev/shm/weibao-%d' % os.getpid(), 'wb');"
        "m.write(b'y' * 1000000); m.flush(); os.unlink(m.name); print('ready', flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", script, str(path)], **pipes) as holder:
        assert holder.stdout.readline() == b"ready\n"
        walk = processes.snapshot(Context(Inputs({})))
        holder.stdin.close()
    held = [file for file in walk.deleted if file.pid == holder.pid]
    assert [file.path for file in held] == [str(path)]
    assert 3_000_000 <= held[0].bytes < 3_100_000
    assert next(usage.open for usage in walk.usages if usage.process.pid == holder.pid) >= 6


@pytest.fixture
def held(tmp_path):
    """Hold a deleted file open."""
    with (tmp_path / "gone").open("wb") as stream:
        stream.write(b"x" * 100_000)
        stream.flush()
        (tmp_path / "gone").unlink()
        yield f"{tmp_path}/gone"


def test_a_deleted_file_on_a_network_mount_is_not_asked_but_counted(held, monkeypatch):
    asked = []
    real = os.stat

    def stat(path, *args, **options):
        asked.append(str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(processes, "is_network", lambda _mount: True)
    monkeypatch.setattr(processes.os, "stat", stat)
    host = Context(Inputs(DEFAULT_THRESHOLDS))
    (seen,) = processes.deleted_open(host)
    walk = host.once(processes.snapshot)
    assert not [path for path in asked if "/fd/" in path]
    assert not walk.deleted
    assert seen.detail["not_asked"] == walk.served >= 1


def test_a_deleted_file_on_a_disk_is_asked(held):
    walk = processes.snapshot(Context(Inputs({})))
    assert held in [file.path for file in walk.deleted]


def test_a_real_zombie_is_seen():
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        walk = processes.snapshot(Context(Inputs({})))
    finally:
        os.waitpid(child, 0)
    assert [process.parent for process in walk.processes if process.pid == child and process.state == "Z"] == [
        os.getpid()
    ]


def test_programs_are_told_by_name_and_only_those_of_this_host():
    context = Context(Inputs({}))
    own = processes.parse_stat(Path("/proc/self/stat").read_text()).name
    assert processes.running(context, [own, "no such program"]) == [own]
    nested = processes.files.optional
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes.files, "optional", lambda path: (nested(path) or "").replace("NSpid:", "NSpid:\t7"))
        assert processes.running(context, [own]) == []


def test_without_a_check_that_needs_them_no_descriptor_is_looked_at():
    walk = processes.snapshot(Context(Inputs({}, checks=["process.zombies"])))
    assert walk.processes
    assert not walk.usages
    assert not walk.hidden


def test_the_kernels_own_limit():
    (seen,) = processes.system_descriptors(Context(Inputs(DEFAULT_THRESHOLDS)))
    assert 0 < seen.detail["open"] < seen.detail["limit"]
