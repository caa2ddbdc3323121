from __future__ import annotations

import os
import platform
import time

import pytest
from ansible.module_utils.host import antivirus, clock, identity
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.errors import Unmeasurable


@pytest.mark.parametrize(
    ("suite", "name"), [("debian11", "bullseye"), ("debian12", "bookworm"), ("debian13", "trixie")]
)
def test_the_names_of_real_systems(captured, suite, name):
    release = identity.parse_os_release(captured(suite + "/os-release"))
    assert release["PRETTY_NAME"].startswith("Debian GNU/Linux ")
    assert release["VERSION_CODENAME"] == name


def test_names_in_all_kinds_of_quotes():
    text = '# comment\nNAME=\'Kylin\'\nPRETTY_NAME="Kylin Linux \\"V10\\""\nID=kylin\nBROKEN=\'x\n\n'
    assert identity.parse_os_release(text) == {
        "NAME": "Kylin",
        "PRETTY_NAME": 'Kylin Linux "V10"',
        "ID": "kylin",
        "BROKEN": "x",
    }


def test_the_full_name_comes_from_hosts():
    hosts = "127.0.0.1 localhost\n10.0.0.5 his-db.hospital.example his-db # db\n10.0.0.6 other.example other\n"
    assert identity.parse_fqdn(hosts, "his-db") == "his-db.hospital.example"
    assert identity.parse_fqdn(hosts, "his-app") == "his-app"


@pytest.mark.parametrize(
    ("vendor", "product", "flags", "kind"),
    [
        ("QEMU", "Standard PC", "", "kvm"),
        ("VMware, Inc.", "VMware7,1", "hypervisor", "vmware"),
        ("Microsoft Corporation", "Virtual Machine", "hypervisor", "hyperv"),
        ("Alibaba Cloud", "Alibaba Cloud ECS", "", "kvm"),
        ("Dell Inc.", "PowerEdge R740", "fpu vme", "none"),
        ("", "", "fpu hypervisor lahf_lm", "virtual machine"),
        ("", "", "", "none"),
    ],
)
def test_firmware_or_processor_tell_a_virtual_machine(vendor, product, flags, kind):
    assert identity.parse_virtualization(vendor, product, f"processor : 0\nflags : {flags}\n") == kind


def test_this_host():
    (seen,) = identity.identify(Context(Inputs({})))
    assert seen.detail["hostname"] == platform.node()
    assert seen.detail["kernel"] == platform.release()
    assert seen.detail["cpus"] <= os.cpu_count()
    (up,) = identity.uptime(Context(Inputs({})))
    assert 0 < up.value <= time.clock_gettime(time.CLOCK_BOOTTIME) + 1


def test_chrony_of_a_real_host_that_found_no_server(captured):
    assert clock.parse_tracking(captured("debian13/chronyc-tracking.txt")) == (False, 0.0, "", 0)


def test_chrony_with_a_server():
    line = (
        "0A000001,10.0.0.1,3,1795306544.618255,-0.073000001,0.00002,0.000034,-17.2,0.003,0.5,0.01,0.002,64.7,Normal\n"
    )
    assert clock.parse_tracking(line) == (True, -0.073000001, "10.0.0.1", 3)


@pytest.mark.parametrize("output", ["", "506 Cannot talk to daemon", ",,,,,,,,,,,,,"])
def test_anything_else_from_chrony_is_no_answer(output):
    with pytest.raises(Unmeasurable):
        clock.parse_tracking(output)


def test_an_offset_is_told_only_where_something_keeps_time(monkeypatch):
    monkeypatch.setattr(clock, "kernel_clock", lambda: clock.KernelClock(True, -0.0625, 0.1))
    monkeypatch.setattr(clock, "_daemon", lambda _context: "ntp")
    flag, offset = clock.synchronisation(Context(Inputs({"time.offset": {"warning": 50}})))
    assert (flag.value, offset.value, offset.level) == (1, 62.5, "warning")
    monkeypatch.setattr(clock, "kernel_clock", lambda: clock.KernelClock(False, 0.0, 16.0))
    flag, offset = clock.synchronisation(Context(Inputs({"time.synchronised": {"critical": 1, "below": True}})))
    assert (flag.value, flag.level, offset.level) == (0, "critical", "unknown")
    assert offset.reason["code"] == "source_missing"


def test_the_kernels_clock_can_be_asked():
    assert clock.kernel_clock().maximum_error >= 0


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("ClamAV-VDB:22 Nov 2026 08-35 +0000:27000:2070000:90:x", 1795336500),
        ("ClamAV-VDB:22 Nov 2026 16-35 +0800:27000:2070000:90:x", 1795336500),
        ("ClamAV-VDB:22 Nov 2026 03-05 -0530:27000:2070000:90:x", 1795336500),
        ("ClamAV-VDB:22 Foo 2026 03-05 -0530:1", None),
        ("something else", None),
    ],
)
def test_when_virus_signatures_were_built(header, moment):
    assert antivirus.parse_built(header) == moment
