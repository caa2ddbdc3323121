from __future__ import annotations

import pytest
from ansible.module_utils.host import memory
from ansible.module_utils.host.container import Surroundings
from ansible.module_utils.host.context import Context, Inputs, _surroundings
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable


def test_meminfo_in_bytes(captured):
    figures = memory.parse_meminfo(captured("vm/meminfo"))
    assert 20e9 < figures["MemTotal"] < 30e9
    assert 0 < memory.available(figures) < figures["MemTotal"]
    assert figures["HugePages_Total"] == 0


def test_old_kernels_do_not_say_what_is_available():
    figures = memory.parse_meminfo("MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\n")
    assert memory.available(figures) == 35 * 1024


def test_pressure_of_the_last_minute(captured):
    text = "some avg10=1.00 avg60=2.50 avg300=3.00 total=4\nfull avg10=0.00 avg60=0.75 avg300=0.00 total=0\n"
    assert memory.parse_pressure(text, "some") == 2.5
    assert memory.parse_pressure(text, "full") == 0.75
    assert 0 <= memory.parse_pressure(captured("vm/pressure-memory"), "full") <= 100


def test_a_pressure_file_without_the_line_is_not_zero():
    with pytest.raises(Unmeasurable):
        memory.parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", "full")


NOW = 1_795_300_000.0
# The lines of Linux 6 (mm/oom_kill.c), and of 3.10, which announces each kill.
KERNEL_LOG = b"""\
oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,task=java,pid=4242,uid=0
Out of memory: Killed process 4242 (java) total-vm:9999kB, anon-rss:88kB, UID:0 pgtables:1kB oom_score_adj:0
oom_reaper: reaped process 4242 (java), now anon-rss:0kB
Out of memory: Kill process 77 (mysqld) score 800 or sacrifice child
Killed process 77 (mysqld) total-vm:1kB, anon-rss:2kB, file-rss:0kB
"""


@pytest.fixture
def kills(monkeypatch):
    """Inspect a machine that is up for ten days, whose kernel counts and logs kills: kills(count, log, ...)."""

    def inspect(count, log=b"", oldest=NOW - 9 * 86400, since=NOW - 86400, container=False):
        def readable():
            if log is None:
                raise Unmeasurable("not_permitted", path="/var/log/journal")

        monkeypatch.setattr(memory, "machine_seconds", lambda: 864_000.0)
        monkeypatch.setattr(memory, "uptime_seconds", lambda _context: 864_000.0)
        monkeypatch.setattr(memory.files, "read", lambda _path: f"pgfault 7\noom_kill {count}\n")
        monkeypatch.setattr(memory.journal, "require_readable", readable)
        monkeypatch.setattr(memory.journal, "reaches_back_to", lambda _timeout: oldest)
        monkeypatch.setattr(memory.commands, "lines", lambda *_: iter(log.splitlines()))
        context = Context(Inputs(DEFAULT_THRESHOLDS, since=since))
        context.now = NOW
        context._answers[_surroundings] = Surroundings(container, "", 0, {})
        (seen,) = memory.oom_kills(context)
        return seen

    return inspect


def test_kills_before_the_last_inspection_warn_no_more(kills):
    seen = kills(3)
    assert (seen.value, seen.level) == (0, "ok")
    assert seen.detail == {"since_boot": 3, "over_seconds": 86400}


def test_kills_since_the_last_inspection_are_counted_once_each(kills):
    seen = kills(5, KERNEL_LOG)
    assert (seen.value, seen.level, seen.detail["since_boot"]) == (2, "warning", 5)


@pytest.mark.parametrize(
    "told",
    [
        {"log": None},  # it may not be read
        {"oldest": NOW - 3600},  # it was rotated since
        {"oldest": None},
        {"since": NOW - 20 * 86400},  # the kernel started since
        {"container": True},  # it is the machine's
    ],
)
def test_where_the_log_cannot_tell_the_kernels_count_stands(kills, told):
    seen = kills(3, **told)
    assert (seen.value, seen.level) == (3, "warning")
    assert seen.detail["over_seconds"] == 864_000
    assert "since_boot" not in seen.detail
