from __future__ import annotations

import os
import shutil
import time

from ansible.module_utils.host import filesystems, mounts
from ansible.module_utils.host.context import Context, Inputs


def inspect(function, **inputs):
    return list(function(Context(Inputs({"filesystem.used": {"warning": 80}}, **inputs))))


def test_percent_is_of_what_an_ordinary_user_can_reach():
    # 1000 blocks, 100 free, 50 of them reserved for root: df says 95 %
    space = filesystems.space((4096, 4096, 1000, 100, 50, 0, 0))
    assert round(filesystems.used_percent(space), 1) == 94.7
    assert (space.size, space.used, space.available) == (4096000, 3686400, 204800)


def test_a_file_system_without_space_is_not_full():
    assert filesystems.used_percent(filesystems.space((1, 1, 0, 0, 0, 0, 0))) == 0


def test_the_root_file_system_is_as_the_kernel_says():
    root = next(seen for seen in inspect(filesystems.usage) if seen.check == "filesystem.used" and seen.subject == "/")
    usage = shutil.disk_usage("/")
    assert root.detail["size_bytes"] == usage.total
    assert abs(root.detail["used_bytes"] - usage.used) < 64 * 2**20
    assert abs(root.value - 100 * usage.used / (usage.used + usage.free)) < 0.5
    assert root.limits == {"warning": 80}


def test_when_a_disk_will_be_full_is_left_to_whoever_has_a_history():
    (forecast,) = [
        seen for seen in inspect(filesystems.usage) if (seen.check, seen.subject) == ("filesystem.time_to_full", "/")
    ]
    assert forecast.reason == {"code": "needs_history", "parameters": {}}


def test_a_server_that_never_answers_costs_no_more_than_its_time(monkeypatch):
    hung = mounts.Mount("0:60", "/", "/mnt/dead", ("rw",), "nfs4", "server:/x", ("rw",))
    monkeypatch.setattr(filesystems, "ASK", "import time; time.sleep(60)")
    monkeypatch.setattr(filesystems, "storage", lambda *_: [hung, hung._replace(point="/mnt/dead2")])
    started = time.monotonic()
    found = inspect(filesystems.usage, command_timeout=0.5)
    assert time.monotonic() - started < 3
    assert [(seen.subject, seen.level) for seen in found] == [("/mnt/dead", "unknown"), ("/mnt/dead2", "unknown")]
    assert found[0].reason == {"code": "timed_out", "parameters": {"path": "/mnt/dead", "seconds": 0.5}}


def test_a_served_file_system_is_asked_by_a_process_of_its_own(monkeypatch):
    served = mounts.Mount("0:60", "/", "/", ("rw",), "nfs4", "server:/x", ("rw",))
    monkeypatch.setattr(filesystems, "storage", lambda *_: [served])
    (seen, _) = inspect(filesystems.usage)
    assert seen.detail["size_bytes"] == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize


def test_a_mount_point_that_vanished_is_unknown(monkeypatch):
    gone = mounts.Mount("8:1", "/", "/no/such/mount", ("rw",), "ext4", "/dev/sda1", ("rw",))
    monkeypatch.setattr(filesystems, "storage", lambda *_: [gone])
    (seen,) = inspect(filesystems.inodes)
    assert seen.reason == {"code": "source_missing", "parameters": {"source": "/no/such/mount"}}
