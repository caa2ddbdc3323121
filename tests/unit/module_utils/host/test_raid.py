from __future__ import annotations

import json
import shutil

import pytest
from ansible.module_utils.host import raid
from ansible.module_utils.host.container import Surroundings
from ansible.module_utils.host.context import Context, Inputs, _surroundings
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.errors import Unmeasurable

# Formats: drivers/md/md.c of Linux (md_seq_show), storcli 7 with J.
MDSTAT = """\
Personalities : [raid1] [raid6] [raid5] [raid4] [raid0]
md2 : active raid0 sdd1[1] sdc1[0]
      1953260544 blocks super 1.2 512k chunks

md1 : active (auto-read-only) raid1 sdb2[1] sda2[0]
      976630464 blocks super 1.2 [2/2] [UU]
      bitmap: 0/8 pages [0KB], 65536KB chunk

md0 : active raid1 sdb1[2](F) sda1[0]
      1046528 blocks super 1.2 [2/1] [U_]

md127 : active raid5 sde1[4] sdd2[1] sdc2[0]
      3906764800 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
      [=>...................]  recovery =  9.4% (184320000/1953382400) finish=180.2min speed=163000K/sec

md9 : inactive sdf1[0](S)
      1046528 blocks super 1.2

unused devices: <none>
"""


def test_arrays_and_what_they_lack():
    arrays = {array.name: array for array in raid.parse_mdstat(MDSTAT)}
    assert {name for name, array in arrays.items() if array.degraded} == {"md0", "md127", "md9"}
    assert arrays["md0"] == raid.Array("md0", "raid1", "active", 2, 1, ["sdb1"], "")
    assert arrays["md127"].progress == "recovery 9.4%"
    assert arrays["md1"].level == "raid1"
    assert arrays["md2"].level == "raid0"


def test_no_arrays_owe_nothing():
    assert raid.parse_mdstat("Personalities : \nunused devices: <none>\n") == []


def storcli(*states, status="Success", description="None"):
    """Return what storcli answers of one controller with virtual drives in these states."""
    rows = [{"DG/VD": f"{each}/{each}", "TYPE": "RAID5", "State": state} for each, state in enumerate(states)]
    data = {"Response Data": {"Virtual Drives": rows}} if rows else {}
    command = {"Controller": 0, "Status": status, "Description": description}
    return {"Controllers": [{"Command Status": command, **data}]}


def test_virtual_drives_of_a_controller():
    assert raid.parse_storcli(storcli("Optl", "Dgrd")) == [("/c0/v0", "RAID5", "Optl"), ("/c0/v1", "RAID5", "Dgrd")]


@pytest.mark.parametrize("status", ["Success", "Failure"])
def test_a_controller_without_virtual_drives_owes_nothing(status):
    assert raid.parse_storcli(storcli(status=status, description="No VDs have been configured")) == []


@pytest.mark.parametrize("report", [{}, [], {"Controllers": [{}]}, {"Controllers": [{"Command Status": "x"}]}])
def test_anything_else_is_unparsable(report):
    with pytest.raises(Unmeasurable) as caught:
        raid.parse_storcli(report)
    assert caught.value.code == "unparsable"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make a machine with these drivers bound to a device: machine(drivers, tools, answer) → its observations."""

    def inspect(drivers, tools=(), *, answer="", mdstat="", kind="none", privileged=True, sudo=False, asked=None):
        shutil.rmtree(tmp_path)
        for driver in raid.CONTROLLERS:
            (tmp_path / driver).mkdir(parents=True)
            (tmp_path / driver / ("0000:03:00.0" if driver in drivers else "new_id")).touch()
        monkeypatch.setattr(raid, "DRIVERS", str(tmp_path))
        monkeypatch.setattr(raid, "virtualization", lambda _context: kind)
        monkeypatch.setattr(raid.files, "optional", lambda _path: mdstat)
        monkeypatch.setattr(raid.commands, "available", lambda tool: tool in tools)

        def run(argv, *_, **__):
            if asked is not None:
                asked.append(argv)
            return raid.commands.Completed(0, answer, "")

        monkeypatch.setattr(raid.commands, "run", run)
        context = Context(Inputs(DEFAULT_THRESHOLDS, sudo=sudo))
        context.privileged = privileged
        context._answers[_surroundings] = Surroundings(kind == "podman", "", 0, {})
        return list(raid.arrays(context))

    return inspect


def test_a_controller_that_nobody_can_ask_is_unknown(machine):
    (seen,) = machine(["megaraid_sas"])
    assert (seen.subject, seen.reason) == (
        "megaraid_sas",
        {"code": "tool_missing", "parameters": {"tool": "storcli64"}},
    )
    (seen,) = machine(["hpsa"], tools=["ssacli"])
    assert seen.reason["code"] == "not_supported"
    (seen,) = machine(["megaraid_sas"], tools=["perccli64"], privileged=False)
    assert seen.reason == {"code": "not_permitted", "parameters": {"command": "perccli64"}}


def test_a_controller_that_can_be_asked_is_graded(machine):
    found = machine(["megaraid_sas", "mpt3sas"], tools=["storcli64"], answer=json.dumps(storcli("Optl", "Pdgd")))
    assert [(seen.subject, seen.level) for seen in found] == [("/c0/v0", "ok"), ("/c0/v1", "critical")]


def test_an_ordinary_user_asks_a_controller_through_sudo(machine):
    asked, answer, tool = [], json.dumps(storcli("Optl")), "/opt/MegaRAID/perccli/perccli64"
    options = {"answer": answer, "privileged": False, "sudo": True, "asked": asked}
    (seen,) = machine(["megaraid_sas"], tools=["sudo", tool], **options)
    assert (seen.subject, seen.level) == ("/c0/v0", "ok")
    bound = ["/usr/bin/timeout", "-k", "5", "60"]
    assert asked == [["sudo", "-n", "--", *bound, tool, "/call/vall", "show", "J", "nolog"]]
    (seen,) = machine(["megaraid_sas"], tools=["perccli", "sudo"], **options)
    assert seen.reason == {"code": "not_permitted", "parameters": {"command": "perccli"}}


def test_an_answer_that_is_no_json_is_unknown(machine):
    (seen,) = machine(["megaraid_sas"], tools=["storcli"], answer="syntax error")
    assert seen.reason["code"] == "unparsable"


def test_software_arrays_speak_for_the_drives_of_their_controller(machine):
    assert {seen.subject for seen in machine(["mpt3sas"], mdstat=MDSTAT)} == {"md0", "md1", "md2", "md9", "md127"}


@pytest.mark.parametrize("kind", ["kvm", "podman"])
def test_virtual_machines_and_containers_owe_nothing(machine, kind):
    assert machine(["megaraid_sas"], kind=kind) == []


def test_drivers_without_a_device_owe_nothing(machine):
    assert machine([]) == []
