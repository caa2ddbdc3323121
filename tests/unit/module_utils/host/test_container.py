from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.host import container
from ansible.module_utils.host.container import Surroundings

OWN = 4026532767


@pytest.mark.parametrize(
    ("pid", "uts", "mark", "verdict"),
    [
        (container.INITIAL_PID_NAMESPACE, container.INITIAL_UTS_NAMESPACE, "", False),
        (container.INITIAL_PID_NAMESPACE, container.INITIAL_UTS_NAMESPACE, "docker", False),  # a VM made from an image
        (OWN, OWN, "", True),
        (OWN, OWN, "podman", True),
        (container.INITIAL_PID_NAMESPACE, OWN, "docker", True),  # --pid=host
        (container.INITIAL_PID_NAMESPACE, OWN, "", False),  # systemd's PrivateHostname
        (None, None, "lxc", True),
        (None, None, "", False),
    ],
)
def test_namespaces_tell_a_container_where_marks_alone_do_not(pid, uts, mark, verdict):
    assert container.is_container(pid, uts, mark) is verdict


@pytest.mark.parametrize("suite", ["debian11", "debian12", "debian13"])
def test_a_containers_own_folders_are_found_through_its_view_of_cgroup_v1(captured, suite):
    mounts = container.parse_mounts(captured(suite + "/mountinfo"))
    paths = container.parse_paths(captured(suite + "/cgroup"))
    version, folders = container._folders(mounts, paths)
    assert version == 1
    assert folders == {
        "memory": "/sys/fs/cgroup/memory",
        "cpu": "/sys/fs/cgroup/cpu",
        "cpuacct": "/sys/fs/cgroup/cpuacct",
    }


def test_the_unified_hierarchy_of_a_container_is_its_mount(tmp_path):
    mountinfo = f"30 25 0:26 / {tmp_path} ro,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    version, folders = container._folders(container.parse_mounts(mountinfo), container.parse_paths("0::/init.scope\n"))
    assert version == 2
    assert set(folders.values()) == {str(tmp_path)}


def files(folder, contents):
    for name, text in contents.items():
        (folder / name).write_text(text)


def test_figures_of_cgroup_v2(tmp_path):
    files(
        tmp_path,
        {
            "cpu.max": "150000 100000\n",
            "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n",
            "memory.current": "104857600\n",
            "memory.max": "209715200\n",
            "memory.stat": "anon 1\ninactive_file 4857600\n",
            "memory.events": "low 0\noom 3\noom_kill 2\n",
            "memory.swap.current": "4096\n",
            "memory.swap.max": "max\n",
        },
    )
    where = Surroundings(True, "docker", 2, dict.fromkeys(("cpu", "memory"), str(tmp_path)))
    assert container.cpu_quota(where) == 1.5
    assert container.cpu_seconds(where) == 2.5
    assert container.memory(where) == (100_000_000, 209715200, 2, 4096, None)


def test_no_limits_in_cgroup_v2_are_no_limits(tmp_path):
    files(tmp_path, {"cpu.max": "max 100000\n", "memory.current": "5\n", "memory.max": "max\n"})
    where = Surroundings(True, "docker", 2, dict.fromkeys(("cpu", "memory"), str(tmp_path)))
    assert container.cpu_quota(where) is None
    assert container.memory(where).limit is None


def test_figures_of_cgroup_v1(tmp_path):
    files(
        tmp_path,
        {
            "cpu.cfs_quota_us": "50000\n",
            "cpu.cfs_period_us": "100000\n",
            "cpuacct.usage": "1500000000\n",
            "memory.usage_in_bytes": "104857600\n",
            "memory.limit_in_bytes": "209715200\n",
            "memory.memsw.limit_in_bytes": "419430400\n",
            "memory.stat": "inactive_file 1\ntotal_inactive_file 4857600\ntotal_swap 8192\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
        },
    )
    where = Surroundings(True, "lxc", 1, dict.fromkeys(("cpu", "cpuacct", "memory"), str(tmp_path)))
    assert container.cpu_quota(where) == 0.5
    assert container.cpu_seconds(where) == 1.5
    assert container.memory(where) == (100_000_000, 209715200, 1, 8192, 209715200)


def test_no_limits_in_cgroup_v1_are_no_limits(tmp_path):
    files(
        tmp_path,
        {
            "cpu.cfs_quota_us": "-1\n",
            "cpu.cfs_period_us": "100000\n",
            "memory.usage_in_bytes": "1\n",
            "memory.limit_in_bytes": "9223372036854771712\n",
            "memory.memsw.limit_in_bytes": "9223372036854771712\n",
        },
    )
    where = Surroundings(True, "lxc", 1, dict.fromkeys(("cpu", "cpuacct", "memory"), str(tmp_path)))
    assert container.cpu_quota(where) is None
    assert container.memory(where) == (1, None, None, None, None)


def test_this_machine_is_what_its_namespaces_say():
    own = str(Path("/proc/self/ns/pid").readlink()) != f"pid:[{container.INITIAL_PID_NAMESPACE}]"
    assert container.surroundings().container is own
