from __future__ import annotations

import os

import pytest
from ansible.module_utils.measuring.commands import Completed
from ansible.module_utils.measuring.errors import Unmeasurable
from ansible.module_utils.measuring.observer import Observer
from ansible.module_utils.restarting import assessing
from ansible.module_utils.restarting.assessing import Running, replaced_files, resident_kilobytes
from ansible.module_utils.restarting.thresholds import DEFAULT_THRESHOLDS, UNITS

#: As /proc/PID/maps of a process whose libraries were replaced; a JIT's memory and a data file are none.
MAPS = """\
55d0c8a00000-55d0c8a2c000 r-xp 00002000 fd:00 1311 /usr/sbin/nginx
7f1a00000000-7f1a00021000 r-xp 00000000 fd:00 1312 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
7f1a00021000-7f1a00022000 r--p 00021000 fd:00 1312 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
7f1a00030000-7f1a00031000 r-xp 00000000 fd:00 1313 /opt/with space/libhis.so (deleted)
7f1a00040000-7f1a00041000 rwxp 00000000 00:01 2050 /memfd:jit (deleted)
7f1a00050000-7f1a00051000 rw-p 00000000 fd:00 1314 /var/cache/data (deleted)
7f1a00060000-7f1a00061000 r-xp 00000000 00:00 0 [vdso]
7f1a00070000-7f1a00090000 rwxp 00000000 00:0f 2051 /anon_hugepage (deleted)
7f1a000a0000-7f1a000b0000 rwxp 00000000 00:0f 2052 anon_inode:i915.gem (deleted)
"""


def test_replaced_files_are_those_that_run_and_have_no_name():
    assert replaced_files(MAPS) == ["/opt/with space/libhis.so", "/usr/lib/x86_64-linux-gnu/libssl.so.3"]


def test_memory_is_what_a_process_has_for_itself():
    assert resident_kilobytes("VmRSS:\t   900 kB\nRssAnon:\t   300 kB\n") == 300
    assert resident_kilobytes("VmRSS:\t   900 kB\n") == 900
    assert resident_kilobytes("Name:\tkthreadd\n") == 0


def assess(monkeypatch, running, uptime=1000.0, **limits):
    monkeypatch.setattr(assessing, "look", lambda _: running)
    observer = Observer(UNITS, {**DEFAULT_THRESHOLDS, **limits})
    found, due = assessing.assess(observer, ["a.service"], uptime)
    return {one.check: one for one in found}, due

    return os.getpid()


def test_a_young_service_is_not_due(monkeypatch):
    found, due = assess(monkeypatch, Running(100.0, [os.getpid()]))
    assert due == []
    levels = {check: one.level for check, one in found.items()}
    assert (found["restart.present"].value, levels["restart.present"]) == (1, "ok")
    assert levels.pop("restart.memory_growth") == "unknown", "one look cannot tell, and that alone makes nothing due"
    assert set(levels.values()) == {"ok"}
    assert found["restart.memory"].detail["used_bytes"] > 0


def test_any_figure_at_its_warning_makes_it_due(monkeypatch):
    found, due = assess(monkeypatch, Running(0.0, [os.getpid()]), uptime=200 * 86400.0)
    assert due == ["a.service"]
    assert (found["restart.due"].value, found["restart.due"].level) == (1, "warning")
    assert found["restart.due"].detail == {"due_for": ["restart.uptime"]}


def test_much_memory_is_no_cause_since_a_restart_may_not_change_it(monkeypatch):
    found, due = assess(monkeypatch, Running(100.0, [os.getpid()]), **{"restart.memory": {"notice": 0}})
    assert due == []
    assert (found["restart.memory"].level, found["restart.due"].value) == ("notice", 0)
    assert "warning" not in DEFAULT_THRESHOLDS["restart.memory"]


def test_what_cannot_be_measured_is_neither_due_nor_fine(monkeypatch):
    found, due = assess(monkeypatch, Running(100.0, []))
    assert due == []
    assert (found["restart.due"].level, found["restart.due"].reason["code"]) == ("unknown", "source_missing")


def test_a_service_that_does_not_run_is_unknown(monkeypatch):
    found, due = assess(monkeypatch, Running(None, [], "inactive"))
    present = found.pop("restart.present")
    assert (present.value, present.level, present.detail) == (0, "critical", {"state": "inactive"})
    assert due == []
    assert {one.level for one in found.values()} == {"unknown"}
    assert {(one.reason or {})["code"] for one in found.values()} == {"not_running"}


@pytest.mark.parametrize(
    ("told", "running"),
    [
        ("LoadState=not-found\nActiveState=inactive\n", Running(None, [], "not-found")),
        ("LoadState=loaded\nActiveState=failed\n", Running(None, [], "failed")),
        ("LoadState=loaded\nActiveState=active\nActiveEnterTimestampMonotonic=2000000\n", Running(2.0, [])),
    ],
)
def test_a_service_is_what_systemd_says_of_it(monkeypatch, told, running):
    monkeypatch.setattr(assessing.commands, "run", lambda *_: Completed(0, told, ""))
    assert assessing.look("a.service") == running


def test_a_dead_systemd_is_unknown(monkeypatch):
    def dead(_):
        raise Unmeasurable("tool_missing", tool="systemctl")

    monkeypatch.setattr(assessing, "look", dead)
    found, due = assessing.assess(Observer(UNITS, DEFAULT_THRESHOLDS), ["a.service"], 1.0)
    assert (due, {one.level for one in found}) == ([], {"unknown"})
