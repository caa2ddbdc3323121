from __future__ import annotations

import json
import re

import pytest
from ansible.module_utils.host import hardware
from ansible.module_utils.host.container import Surroundings
from ansible.module_utils.host.context import Context, Inputs, _surroundings
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.measuring.taking import take


# Format: smartctl(8) 7.x with --json.
def ata(passed=True, **raw):
    table = [
        {"id": 5, "name": "Reallocated_Sector_Ct", "raw": {"value": raw.get("reallocated", 0), "string": "x"}},
        {"id": 9, "name": "Power_On_Hours", "raw": {"value": 36055, "string": "36055"}},
        {"id": 188, "name": "Command_Timeout", "raw": {"value": 0, "string": "0"}},
        {"id": 197, "name": "Current_Pending_Sector", "raw": {"value": raw.get("pending", 0), "string": "x"}},
    ]
    return {
        "model_name": "ST4000NM0035",
        "smart_status": {"passed": passed},
        "ata_smart_attributes": {"revision": 10, "table": table},
        "power_on_time": {"hours": 36055},
        "temperature": {"current": 36},
    }


def test_a_healthy_drive():
    health = hardware.parse_smart(ata())
    assert health == (True, {}, {"model": "ST4000NM0035", "celsius": 36, "power_on_hours": 36055})


def test_attributes_that_foretell_failure_count_while_the_drive_still_says_passed():
    health = hardware.parse_smart(ata(reallocated=8, pending=16))
    assert (health.passed, health.foretelling) == (True, {"5": 8, "197": 16})


def test_nvme_with_a_critical_warning_and_media_errors():
    log = {"critical_warning": 4, "media_errors": 3, "percentage_used": 104, "temperature": 41}
    health = hardware.parse_smart({"smart_status": {"passed": True}, "nvme_smart_health_information_log": log})
    assert (health.passed, health.foretelling) == (False, {"media_errors": 3})
    assert health.detail == {"percentage_used": 104}


def test_nvme_without_errors_is_measured():
    log = {"critical_warning": 0, "media_errors": 0}
    assert hardware.parse_smart({"nvme_smart_health_information_log": log}).foretelling == {}


SAS = {
    "device": {"name": "/dev/sda", "type": "scsi", "protocol": "SCSI"},
    "scsi_model_name": "SEAGATE ST1200MM0088",
    "smart_status": {"passed": True},
    "scsi_grown_defect_list": 0,
}
COUNTERS = {
    "scsi_error_counter_log": {
        "read": {"total_errors_corrected": 900, "total_uncorrected_errors": 37},
        "write": {"total_errors_corrected": 0, "total_uncorrected_errors": 0},
    }
}


def test_sas_drives_have_defects_and_uncorrected_errors():
    health = hardware.parse_smart(dict(SAS, scsi_grown_defect_list=512, **COUNTERS))
    assert health.foretelling == {"grown_defects": 512, "uncorrected_read": 37}
    assert health.detail["model"] == "SEAGATE ST1200MM0088"
    assert hardware.parse_smart(SAS).foretelling == {}


def test_without_any_figure_nothing_is_measured():
    assert hardware.parse_smart({"smart_status": {"passed": True}}).foretelling is None
    ssd = {"smart_status": {"passed": True}, "ata_smart_attributes": {"table": [{"id": 9, "raw": {"value": 4}}]}}
    assert hardware.parse_smart(ssd).foretelling is None


def test_a_drive_that_says_nothing_has_no_verdict(captured):
    assert hardware.parse_smart(json.loads(captured("debian13/smartctl-no-device.json"))).passed is None


def machine(monkeypatch, devices, answers):
    monkeypatch.setattr(hardware, "disks", lambda: ["/dev/sda"])
    monkeypatch.setattr(hardware, "virtualization", lambda _context: "none")
    monkeypatch.setattr(hardware.commands, "available", lambda _tool: True)
    replies = iter([(0, json.dumps({"devices": devices})), *answers])
    monkeypatch.setattr(hardware.commands, "run", lambda *_, **__: hardware.commands.Completed(*next(replies), ""))
    context = Context(Inputs(DEFAULT_THRESHOLDS))
    context.privileged = True
    return list(hardware.smart(context))


def test_drives_behind_one_controller_are_told_apart(monkeypatch):
    devices = [{"name": "/dev/bus/0", "type": "megaraid,0"}, {"name": "/dev/bus/0", "type": "megaraid,1"}]
    # exit bit 3: the drive is failing; not an error of smartctl's
    answers = [(0, json.dumps(ata())), (8, json.dumps(ata(passed=False)))]
    found = {(seen.check, seen.subject): seen.level for seen in machine(monkeypatch, devices, answers)}
    assert found["disk.smart", "/dev/bus/0 megaraid,0"] == "ok"
    assert found["disk.smart", "/dev/bus/0 megaraid,1"] == "critical"


def test_a_drive_that_cannot_be_asked_is_unknown(monkeypatch, captured):
    answers = [(1, captured("debian13/smartctl-no-device.json"))]
    (seen,) = machine(monkeypatch, [{"name": "/dev/sda", "type": "scsi"}], answers)
    assert seen.level == "unknown"
    assert "Unable to detect device type" in seen.reason["parameters"]["message"]


def test_a_sas_drive_is_asked_for_its_error_counters(monkeypatch):
    answers = [(0, json.dumps(SAS)), (0, json.dumps(COUNTERS))]
    found = {seen.check: seen for seen in machine(monkeypatch, [{"name": "/dev/sda", "type": "scsi"}], answers)}
    assert found["disk.smart_attributes"].detail["raw"] == {"uncorrected_read": 37}
    assert (found["disk.smart"].level, found["disk.smart_attributes"].level) == ("ok", "warning")


def test_a_sas_drive_without_error_counters_still_has_its_defects(monkeypatch):
    answers = [(0, json.dumps(SAS)), (4, "{}")]
    found = {seen.check: seen.level for seen in machine(monkeypatch, [{"name": "/dev/sda"}], answers)}
    assert found == {"disk.smart": "ok", "disk.smart_attributes": "ok"}


def test_figures_that_a_drive_does_not_have_are_unknown_not_zero(monkeypatch):
    report = {"smart_status": {"passed": True}}
    found = {seen.check: seen for seen in machine(monkeypatch, [{"name": "/dev/sda"}], [(0, json.dumps(report))])}
    assert found["disk.smart"].level == "ok"
    assert found["disk.smart_attributes"].value is None
    assert found["disk.smart_attributes"].reason["code"] == "not_supported"


@pytest.mark.parametrize("code", [1, 2, 4, 4 | 64])
def test_what_smartctl_could_not_do_is_unknown(monkeypatch, code):
    (seen,) = machine(monkeypatch, [{"name": "/dev/sda"}], [(code, json.dumps(ata()))])
    assert (seen.check, seen.level) == ("disk.smart", "unknown")
    assert seen.reason["parameters"]["message"] == f"exit code {code}"


def test_a_drive_that_says_that_it_fails_is_believed_whatever_else_went_wrong(monkeypatch):
    found = machine(monkeypatch, [{"name": "/dev/sda"}], [(4 | 8, json.dumps(ata(passed=False)))])
    assert {seen.check: seen.level for seen in found}["disk.smart"] == "critical"


def test_a_smartctl_too_old_for_json_is_not_supported(monkeypatch):
    found = machine(monkeypatch, [{"name": "/dev/sda", "type": "sat"}], [(1, "smartctl 6.5 UNRECOGNIZED OPTION")])
    assert [seen.reason["code"] for seen in found] == ["not_supported"]


def through_sudo(monkeypatch, *answers):
    """Return the checks of a machine whose login is no root, and the commands that were run."""
    asked = []
    replies = iter(answers)

    def run(argv, *_, **__):
        asked.append(" ".join(argv))
        return hardware.commands.Completed(*next(replies))

    monkeypatch.setattr(hardware, "disks", lambda: ["/dev/sda"])
    monkeypatch.setattr(hardware, "virtualization", lambda _context: "none")
    monkeypatch.setattr(hardware.commands, "available", lambda _tool: True)
    monkeypatch.setattr(hardware.commands, "run", run)
    context = Context(Inputs(DEFAULT_THRESHOLDS, sudo=True))
    context.privileged = False
    context._answers[_surroundings] = Surroundings(False, "", 0, {})
    return take(context, ("disk.smart", "disk.smart_attributes"), hardware.smart), asked


SMARTCTL = "sudo -n -- /usr/bin/timeout -k 5 60 /usr/sbin/smartctl --json "


def test_an_ordinary_user_asks_drives_through_sudo_in_the_words_that_it_allows(monkeypatch):
    devices = [{"name": "/dev/sda", "type": "scsi"}, {"name": "/dev/bus/0", "type": "sat+megaraid,8"}]
    answers = [{"devices": devices}, SAS, COUNTERS, ata()]
    found, asked = through_sudo(monkeypatch, *((0, json.dumps(answer), "") for answer in answers))
    assert {(seen.check, seen.subject): seen.level for seen in found} == {
        ("disk.smart", "/dev/sda"): "ok",
        ("disk.smart_attributes", "/dev/sda"): "warning",
        ("disk.smart", "/dev/bus/0"): "ok",
        ("disk.smart_attributes", "/dev/bus/0"): "ok",
    }
    assert [re.sub(r"\S*smartctl", "/usr/sbin/smartctl", command) for command in asked] == [
        SMARTCTL + "--scan-open",
        SMARTCTL + "-i -H -A -d auto /dev/sda",
        SMARTCTL + "-l error -d auto /dev/sda",
        SMARTCTL + "-i -H -A -d sat+megaraid,8 /dev/bus/0",
    ]


def test_a_drive_that_no_sudoers_file_names_is_not_asked_for(monkeypatch):
    devices = [{"name": "/dev/sg3", "type": "cciss,0"}]
    found, asked = through_sudo(monkeypatch, (0, json.dumps({"devices": devices}), ""))
    assert {seen.reason["code"] for seen in found} == {"not_permitted"}
    assert len(asked) == 1


def test_drives_that_sudo_does_not_let_be_asked_are_unknown(monkeypatch):
    found, asked = through_sudo(monkeypatch, (1, "", "sudo: a password is required\n"))
    assert [(seen.check, seen.level, seen.reason["code"]) for seen in found] == [
        ("disk.smart", "unknown", "not_permitted"),
        ("disk.smart_attributes", "unknown", "not_permitted"),
    ]
    assert found[0].reason["parameters"] == {"command": "sudo /usr/sbin/smartctl"}
    assert len(asked) == 1


def test_sensors_have_the_limits_of_their_chip_and_a_site_may_lay_its_own_over_them(tmp_path, monkeypatch):
    for chip in ("hwmon0", "hwmon1"):
        folder = tmp_path / chip
        folder.mkdir()
        for name, text in {
            "name": "coretemp", "temp1_input": "91000", "temp1_label": "Package id 0", "temp1_max": "90000",
            "temp1_crit": "100000", "temp2_input": "40000", "temp2_crit": "65261000", "fan1_input": "1200",
        }.items():  # fmt: skip
            (folder / name).write_text(text + "\n")
    monkeypatch.setattr(hardware, "HWMON", str(tmp_path))
    names = ["coretemp/Package id 0", "coretemp/temp2", "coretemp/Package id 0 #2", "coretemp/temp2 #2"]
    context = Context(Inputs({"sensor.temperature": {"subjects": {"*#2": {"warning": 95}}}}))
    context._answers = {}
    found = {seen.subject: seen for seen in hardware.temperatures(context)}
    assert list(found) == names
    assert found[names[0]].limits == {"warning": 90.0, "critical": 100.0}
    assert [found[name].level for name in names] == ["warning", "ok", "ok", "ok"]
    assert found[names[1]].limits == {}
