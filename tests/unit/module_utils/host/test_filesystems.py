from __future__ import annotations

import errno
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


SERVED = mounts.Mount("0:60", "/", "/mnt/dead", ("rw",), "nfs4", "server:/x", ("rw",))
LOCAL = mounts.Mount("8:17", "/", "/data", ("rw",), "xfs", "/dev/sdb1", ("rw",))


def mounted(monkeypatch, *found):
    monkeypatch.setattr(filesystems, "storage", lambda *_: list(found))


def failing(monkeypatch, code):
    """Let the kernel answer every question about /data with an error."""
    real = os.stat

    def stat(path, *args, **options):
        if path == "/data":
            raise OSError(code, os.strerror(code))
        return real(path, *args, **options)

    monkeypatch.setattr(filesystems.os, "stat", stat)


def test_many_servers_and_disks_that_never_answer_cost_no_more_than_one(monkeypatch):
    monkeypatch.setattr(filesystems, "look", lambda _point: time.sleep(60))
    mounted(
        monkeypatch, *(SERVED._replace(device_number=f"0:{each}", point=f"/mnt/{each}") for each in range(50)), LOCAL
    )
    started = time.monotonic()
    found = inspect(filesystems.usage, command_timeout=0.5)
    assert time.monotonic() - started < 3
    assert len(found) == 51
    assert {seen.level for seen in found} == {"unknown"}
    assert found[0].reason == {"code": "timed_out", "parameters": {"path": "/data", "seconds": 0.5}}


def test_one_that_never_answers_does_not_hide_the_others(monkeypatch):
    real = filesystems.look
    monkeypatch.setattr(filesystems, "look", lambda point: time.sleep(60) if "dead" in point else real(point))
    mounted(monkeypatch, SERVED, LOCAL._replace(point="/"))
    usage = inspect(filesystems.usage, command_timeout=1)
    found = {seen.subject: seen for seen in usage if seen.check == "filesystem.used"}
    assert found["/mnt/dead"].reason["code"] == "timed_out"
    assert found["/"].detail["size_bytes"] == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize


def test_a_disk_that_gives_errors_is_reported_and_not_said_to_be_writable(monkeypatch):
    mounted(monkeypatch, LOCAL)
    failing(monkeypatch, errno.EIO)
    (used,) = inspect(filesystems.usage)
    parameters = {"command": "statvfs /data", "message": "Input/output error"}
    assert used.reason == {"code": "command_failed", "parameters": parameters}
    (mode,) = inspect(filesystems.read_only)
    assert (mode.value, mode.reason) == (None, used.reason)


def test_a_mount_below_a_closed_folder_is_reported_with_its_reason(monkeypatch):
    mounted(monkeypatch, LOCAL)
    failing(monkeypatch, errno.EACCES)
    (used,) = inspect(filesystems.usage)
    assert used.reason == {"code": "not_permitted", "parameters": {"path": "/data"}}
    (mode,) = inspect(filesystems.read_only)  # the mount table says it, whoever asks
    assert (mode.value, mode.level) == (0, "ok")


def test_files_that_containers_have_mounted_are_no_file_systems(monkeypatch, tmp_path):
    file = tmp_path / "hosts"
    file.write_text("127.0.0.1 localhost")
    folder = tmp_path / "much" / "longer"
    folder.mkdir(parents=True)
    mounted(monkeypatch, LOCAL._replace(point=str(file)), LOCAL._replace(point=str(folder)))
    assert {seen.subject for seen in inspect(filesystems.usage)} == {str(folder)}


def test_a_mount_point_that_answers_speaks_for_one_that_does_not(monkeypatch, tmp_path):
    mounted(monkeypatch, LOCAL._replace(point="/no"), LOCAL._replace(point=str(tmp_path)))
    assert {seen.subject for seen in inspect(filesystems.usage)} == {str(tmp_path)}


def test_what_is_left_out_is_counted(monkeypatch):
    monkeypatch.setattr(filesystems, "MAXIMUM", 2)
    mounted(monkeypatch, *(LOCAL._replace(point="/", source=f"/dev/sd{each}") for each in "abcde"))
    last = inspect(filesystems.inodes)[-1]
    assert (last.subject, last.reason) == ("", {"code": "left_out", "parameters": {"count": 3}})


def test_a_mount_point_that_vanished_is_unknown(monkeypatch):
    gone = mounts.Mount("8:1", "/", "/no/such/mount", ("rw",), "ext4", "/dev/sda1", ("rw",))
    monkeypatch.setattr(filesystems, "storage", lambda *_: [gone])
    (seen,) = inspect(filesystems.inodes)
    assert seen.reason == {"code": "source_missing", "parameters": {"source": "/no/such/mount"}}
