from __future__ import annotations

import json

import pytest
from ansible.module_utils.host import cpu, sysstat
from ansible.module_utils.host.container import Surroundings
from ansible.module_utils.host.context import Context, Inputs, _surroundings
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable


def test_the_load_averages(captured):
    load = cpu.parse_loadavg(captured("vm/loadavg"))
    assert [f"{average:.2f}" for average in load] == captured("vm/loadavg").split()[:3]


def test_cpu_times_and_cpus_of_a_real_machine(captured):
    stat = cpu.parse_stat(captured("vm/stat"))
    assert stat.cpus == 2
    assert stat.times.idle > stat.times.user > 0


def test_old_kernels_know_fewer_kinds_of_time():
    stat = cpu.parse_stat("cpu  10 0 5 80 5\ncpu0 10 0 5 80 5\nintr 1\n")
    assert stat == cpu.Stat(cpu.CpuTimes(10, 0, 5, 80, 5, 0, 0, 0), 1)


def test_shares_count_only_what_passed_between_the_readings():
    before = cpu.CpuTimes(1000, 0, 0, 1000, 0, 0, 0, 0)
    after = cpu.CpuTimes(1010, 5, 10, 1050, 10, 3, 2, 10)
    assert cpu.shares(before, after) == cpu.Shares(busy=30.0, steal=10.0, iowait=10.0)


def test_no_time_passed_is_no_share():
    times = cpu.CpuTimes(1, 2, 3, 4, 5, 6, 7, 8)
    assert cpu.shares(times, times) is None


def test_iowait_that_runs_backwards_is_not_negative():
    before = cpu.CpuTimes(0, 0, 0, 0, 50, 0, 0, 0)
    after = cpu.CpuTimes(10, 0, 0, 90, 45, 0, 0, 0)
    assert cpu.shares(before, after) == cpu.Shares(10.0, 0.0, 0.0)


def test_the_averages_of_a_real_sysstat(captured):
    averages = sysstat.parse_cpu(captured("debian12/sadf-cpu.json"))
    assert (averages.span, averages.until) == (3, 1795311498)
    assert averages.busy == pytest.approx(0.5 / 3)
    assert (averages.steal, averages.iowait) == (0, 0)


def record(interval, iowait, **moment):
    row = {"cpu": "all", "user": 1, "nice": 0, "system": 2, "iowait": iowait, "steal": 0.5, "idle": 0}
    moment = {"date": "2026-11-22", "time": "00:10:00", "utc": 1, "interval": interval, **moment}
    return {"timestamp": moment, "cpu-load": [row]}


def sadf(*records):
    return json.dumps({"sysstat": {"hosts": [{"statistics": list(records)}]}})


def test_long_intervals_weigh_more():
    averages = sysstat.parse_cpu(sadf(record(600, 40), record(1800, 0, time="00:40:00")))
    assert averages == (3, 0.5, 10, 2400, 1795308000)


@pytest.mark.parametrize("text", ["", "{}", sadf(), sadf({"timestamp": {}, "cpu-load": []}), sadf(record(0, 1))])
def test_anything_else_from_sadf_is_no_answer(text):
    with pytest.raises(Unmeasurable):
        sysstat.parse_cpu(text)


@pytest.fixture
def spent(monkeypatch):
    """Inspect a machine or a container, where sysstat says something: spent(sadf(...), now) → observations."""

    def inspect(text, now, container=False):
        monkeypatch.setattr(sysstat.commands, "run", lambda *_, **__: sysstat.commands.Completed(0, text, ""))
        context = Context(Inputs(DEFAULT_THRESHOLDS, sample_seconds=0.1))
        context.now = now
        context._answers[_surroundings] = Surroundings(container, "", 0, {})
        return {seen.check: seen for seen in cpu.spent(context)}

    return inspect


DAY = sadf(record(600, 40), record(600, 20, time="00:20:00"))


def test_where_sysstat_has_the_day_its_averages_are_graded(spent):
    found = spent(DAY, 1795306800 + 900)
    assert {check: seen.value for check, seen in found.items()} == {"cpu.busy": 3, "cpu.steal": 0.5, "cpu.iowait": 30}
    assert found["cpu.iowait"].level == "warning"
    assert found["cpu.iowait"].detail == {"source": "sysstat", "span_seconds": 1200}


@pytest.mark.parametrize(
    ("text", "now", "container"),
    [
        ("no data", 1795306800, False),
        (sadf(record(300, 40)), 1795306800, False),  # shortly after midnight
        (DAY, 1795306800 + 5 * 3600, False),  # it stopped keeping them
        (DAY, 1795306800, True),  # it would be the machine's
    ],
)
def test_else_a_sample_is_and_says_so(spent, text, now, container):
    found = spent(text, now, container)
    assert {seen.detail["source"] for seen in found.values()} == {"sample"}
    assert 0.1 <= found["cpu.busy"].detail["sample_seconds"] < 1
