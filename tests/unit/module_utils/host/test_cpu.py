from __future__ import annotations

from ansible.module_utils.host import cpu


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
