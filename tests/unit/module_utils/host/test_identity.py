from __future__ import annotations

import os
import platform
import time

import pytest
from ansible.module_utils.host import addresses, antivirus, clock, identity
from ansible.module_utils.host.container import Surroundings
from ansible.module_utils.host.context import Context, Inputs, _surroundings
from ansible.module_utils.measuring.errors import Unmeasurable


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
    tracking = clock.parse_tracking(captured("debian13/chronyc-tracking.txt"))
    assert (tracking.following, tracking.offset, tracking.reference, tracking.stratum) == (False, 0.0, "", 0)


UPDATED = 1795306544.618255
LINE = "0A000001,10.0.0.1,3,1795306544.618255,-0.073000001,0.00002,0.000034,-17.2,0.003,0.5,0.01,0.002,64.7,Normal\n"


def test_chrony_with_a_server():
    assert clock.parse_tracking(LINE) == (True, -0.073000001, "10.0.0.1", 3, UPDATED, 64.7)


@pytest.mark.parametrize(
    ("age", "interval", "synchronised"),
    [(0, 64, True), (3599, 64, True), (3601, 64, False), (3601, 1024, True), (10241, 1024, False), (-60, 64, True)],
)
def test_chrony_whose_sources_are_silent_is_not_synchronised(age, interval, synchronised):
    tracking = clock.parse_tracking(LINE)._replace(interval=interval)
    assert tracking.synchronised(UPDATED + age) is synchronised


def test_chrony_that_follows_only_its_own_clock_is_not_synchronised():
    line = "7F7F0101,127.127.1.1,10,1795306544.6,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,Normal"
    assert not clock.parse_tracking(line).synchronised(UPDATED)


@pytest.mark.parametrize("output", ["", "506 Cannot talk to daemon", ",,,,,,,,,,,,,"])
def test_anything_else_from_chrony_is_no_answer(output):
    with pytest.raises(Unmeasurable):
        clock.parse_tracking(output)


# Format: timedatectl(1), timesync-status.
TIMESYNC = """\
       Server: 192.168.4.1 (192.168.4.1)
Poll interval: 34min 8s (min: 32s; max 34min 8s)
         Leap: normal
Root distance: 47.667ms (max: 5s)
       Offset: {}
        Delay: 5.008ms
"""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-1.666ms", -0.001666), ("+92us", 92e-6), ("1.5s", 1.5), ("+2min 3.5s", 123.5), ("-1h 2min", -3720)],
)
def test_the_offset_of_timesyncd(text, seconds):
    assert clock.parse_timesync(TIMESYNC.format(text)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "output", ["", "Server: n/a (0.pool.ntp.org)\nPacket count: 0\n", "Offset: ages\n", "Offset: 3years\n"]
)
def test_anything_else_from_timesyncd_is_no_offset(output):
    with pytest.raises(Unmeasurable):
        clock.parse_timesync(output)


@pytest.fixture
def timekeeping(monkeypatch):
    """Inspect a clock that a daemon keeps, whose tool says something: timekeeping("chrony", LINE) → flag, offset."""

    def inspect(daemon, output="", synchronised=True, now=UPDATED):
        def run(*_args, **_options):
            if output is None:
                raise Unmeasurable("tool_missing", tool="x")
            return clock.commands.Completed(0, output, "")

        kernel = clock.KernelClock(synchronised, -0.0625, 0.1)
        monkeypatch.setattr(clock, "kernel_clock", lambda: kernel)
        monkeypatch.setattr(clock, "_daemon", lambda _context: daemon)
        monkeypatch.setattr(clock.commands, "run", run)
        limits = {"time.offset": {"warning": 50}, "time.synchronised": {"critical": 1, "below": True}}
        context = Context(Inputs(limits))
        context.now = now
        return tuple(clock.synchronisation(context))

    return inspect


def test_an_offset_is_told_only_where_something_keeps_time(timekeeping):
    flag, offset = timekeeping("ntp")
    assert (flag.value, offset.value, offset.level) == (1, 62.5, "warning")
    flag, offset = timekeeping("ntp", synchronised=False)
    assert (flag.value, flag.level, offset.level) == (0, "critical", "unknown")
    assert offset.reason["code"] == "source_missing"


def test_chronys_own_word_counts_not_the_kernels(timekeeping):
    flag, offset = timekeeping("chrony", LINE, synchronised=False)
    assert (flag.value, offset.value) == (1, 73.0)
    flag, offset = timekeeping("chrony", LINE, now=UPDATED + 86400)
    assert (flag.level, offset.level) == ("critical", "unknown")
    assert flag.detail["reference_age_seconds"] == 86400


@pytest.mark.parametrize("daemon", ["chrony", "systemd-timesyncd"])
def test_the_kernels_rest_is_no_offset_where_a_daemon_keeps_its_own(timekeeping, daemon):
    flag, offset = timekeeping(daemon, None)
    assert (flag.value, offset.value, offset.reason["code"]) == (1, None, "tool_missing")


def test_timesyncd_tells_the_offset_of_its_last_answer(timekeeping):
    _, offset = timekeeping("systemd-timesyncd", TIMESYNC.format("-1.666ms"))
    assert offset.value == 1.67


def test_the_zone_is_that_of_localtime_whatever_the_other_file_says(tmp_path):
    name = tmp_path / "timezone"
    name.write_text("Etc/UTC\n")
    link = tmp_path / "localtime"
    assert identity.timezone(str(link), str(name)) == "UTC"
    link.symlink_to("/usr/share/zoneinfo/Asia/Shanghai")
    assert identity.timezone(str(link), str(name)) == "Asia/Shanghai"
    link.unlink()
    link.write_text("a copy")
    assert identity.timezone(str(link), str(name)) == "Etc/UTC"
    name.unlink()
    assert identity.timezone(str(link), str(name)).startswith("UTC+")


def test_addresses_of_a_real_host_without_those_of_its_own_containers(captured):
    assert addresses.parse_ip(captured("vm/ip-address")) == ["192.0.2.2", "fd00::2"]
    assert addresses.parse_if_inet6(captured("vm/if-inet6")) == ["fd00::2"]
    assert addresses.parse_fib_trie(captured("vm/fib-trie")) == ["10.89.0.1", "192.0.2.2"]


def test_without_iproute2_the_kernels_tables_tell_the_addresses(monkeypatch):
    found = addresses.addresses(5)
    monkeypatch.setattr(addresses.commands, "SEARCH_PATH", "/nowhere")
    assert set(found) <= set(addresses.addresses(5))
    assert not [address for address in found if address.startswith("127.")]


def test_at_most_eight_addresses(monkeypatch):
    rows = "".join(f"4: eth0    inet 10.0.0.{each}/24 scope global eth0\n" for each in range(1, 30))
    monkeypatch.setattr(addresses.commands, "run", lambda *_: addresses.commands.Completed(0, rows, ""))
    assert addresses.addresses(5) == [f"10.0.0.{each}" for each in range(1, 9)]


def test_a_container_is_up_since_its_first_process_whatever_uptime_says(monkeypatch):
    """lxcfs puts the container's own time into /proc/uptime; PID 1's start counts from the machine's."""
    files = {"/proc/uptime": "50.0 10.0", "/proc/1/stat": "1 (init) S " + " ".join(["0"] * 18 + ["99000"] + ["0"] * 9)}
    monkeypatch.setattr(identity.files, "read", files.__getitem__)
    monkeypatch.setattr(identity.time, "clock_gettime", lambda _clock: 1040.0)
    monkeypatch.setattr(identity.os, "sysconf", lambda _name: 100)
    context = Context(Inputs({}))
    context._answers[_surroundings] = Surroundings(True, "lxc", 0, {})
    assert identity.uptime_seconds(context) == 50.0


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
