"""What is broken on a host for real is found as what it is, and nothing else is; once mended, it is told as gone."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest
import yaml

from reports.catalogue import load_catalogue
from reports.wording import Wording
from tests.integration import planting
from tests.integration.planting import Finding, Findings
from tests.lab import Lab
from tests.program import PROJECT, Program
from tests.texts import text_of

pytestmark = pytest.mark.lab

Plant = Callable[[Lab, str], AbstractContextManager[Findings]]

#: What the lab's hosts share with each other, or what comes and goes by itself, must not be taken for a planted
#: failure: the machine's processor, memory and disk, how late everything is on two busy cores, Debian's own updates.
OFF = {"warning": None, "critical": None}
QUIET: dict[str, Any] = {
    **dict.fromkeys(("cpu.load_per_core", "cpu.steal", "cpu.iowait", "pressure.memory"), OFF),
    **dict.fromkeys(("memory.used", "memory.swap_used", "packages.security", "packages.metadata_age"), OFF),
    **{check: {"subjects": {"/": OFF}} for check in ("filesystem.used", "filesystem.inodes")},
}
SERVICES = {
    "tcp.connect_time": OFF,
    "dns.time": OFF,
    "http.time": {"warning": planting.SLOW_PAGE, "critical": None},
}
DATABASES = {"database.datadir": OFF, "database.transaction": {"warning": planting.LONG_TRANSACTION}}

#: What is planted where, and which hosts show it. All of it can be there at once: what is mended by starting the host
#: anew comes first and so goes last, the database stops after its replication broke. A flapping unit comes last of its
#: host, see LOGGED.
CASES: tuple[tuple[Plant, str, tuple[str, ...]], ...] = (
    (planting.memory_kill, "legacy", ("legacy",)),
    (planting.full_file_system, "legacy", ("legacy",)),
    (planting.failed_unit, "app2", ("app2",)),
    (planting.stale_backup, "db1", ("db1",)),
    (planting.broken_replication, "db2", ("db2",)),
    (planting.expired_certificate, "app1", ("app1",)),
    (planting.exhausted_inodes, "legacy", ("legacy",)),
    (planting.unexpected_port, "app2", ("app2",)),
    (planting.shrunken_backup, "db1", ("db1",)),
    (planting.long_transaction, "db2", ("db2",)),
    (planting.clock_astray, "app1", ("app1",)),
    (planting.deleted_but_open, "legacy", ("legacy",)),
    (planting.wrong_text, "app2", ("app2",)),
    (planting.damaged_backup, "db1", ("db1",)),
    (planting.interrupted_dpkg, "app1", ("app1",)),
    (planting.slow_page, "app1", ("app1",)),
    (planting.stopped_database, "db1", ("app1", "db1", "db2")),
    (planting.flapping_unit, "app2", ("app2",)),
)

#: What the log tells of: it is read from the last inspection of the whole site on, so these are still there in the
#: next one, and gone in the one after it.
LOGGED = {("app2", "unit.restarts", "his-gateway.service")}


class Hospital:
    """The lab as a site that is inspected again and again, and what the next inspection must tell as gone."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.mended: set[Finding] = set()
        self.lasting: set[Finding] = set()

    def inspect(self, new: Findings, *arguments: str, hosts: tuple[str, ...], code: int) -> dict[str, Any]:
        """Inspect hosts, and hold what is new, still there and gone against what was planted and mended there."""
        printed = self.program.json("run", "inspect", *arguments, code=code)
        found: dict[str, set[Finding]] = defaultdict(set)
        for change in printed["changes"]:
            found[change["change"]].add((change["host"], change["check"], change["subject"]))
        gone = {finding for finding in self.mended - self.lasting if finding[0] in hosts}
        same = {finding for finding in self.lasting if finding[0] in hosts}
        self.mended = self.mended - gone | set(new)
        self.lasting = (self.lasting | self.mended & LOGGED) - same
        levels = dict(self._levels(printed))
        assert {finding: levels[finding] for finding in found.pop("new", set()) | found.pop("first", set())} == new
        assert found == {change: which for change, which in (("gone", gone), ("same", same)) if which}
        return printed

    def observations(self, printed: dict[str, Any]) -> list[dict[str, Any]]:
        with gzip.open(Path(printed["folder"]) / "observations.jsonl.gz", "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def _levels(self, printed: dict[str, Any]) -> Iterator[tuple[Finding, str]]:
        for one in self.observations(printed):
            yield (one["host"], one["check"], one["subject"]), one["level"]


def squeezed(text: str) -> str:
    """Return a text without its spaces and line breaks, which differ between formats."""
    return "".join(text.split())


def row(words: Wording, finding: Finding) -> str:
    """Return how the row of a finding begins in the table of exceptions: its host, and what was checked."""
    host, check, subject = finding
    return squeezed(host + words.title(check, subject))


@pytest.fixture(scope="module")
def hospital(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """Give a site of all hosts as the lab declares them, inspected once and found to be fine."""
    for host in lab.names:
        if host != "jump":  # the time source itself
            planting.set_clock(lab, host)
    folder = tmp_path_factory.mktemp("hospital")
    program = Program(folder / "home", folder / "sites", site="hospital")
    site = program.sites / program.site
    shutil.copytree(PROJECT / "inventories" / "lab", site)
    inventory = yaml.safe_load((site / "hosts.yml").read_text(encoding="utf-8"))
    # What other tests have done to these hosts before is none of this one's.
    since = f"{{{{ weibao_since | default('{datetime.now(UTC).isoformat(timespec='seconds')}') }}}}"
    for group in inventory["lab"]["children"].values():
        for variables in group["hosts"].values():
            variables["host_inspection_thresholds"] = {**QUIET, **variables.get("host_inspection_thresholds", {})}
            variables |= {"host_inspection_since": since, "database_inspection_since": since}
            variables |= {"service_inspection_thresholds": SERVICES, "database_inspection_thresholds": DATABASES}
    (site / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False, allow_unicode=True), encoding="utf-8")
    found = Hospital(program)
    found.inspect({}, "--format", "none", hosts=lab.names, code=0)
    return found


def test_a_driver_that_is_missing_is_told_as_such(lab: Lab, hospital: Hospital) -> None:
    with planting.kept(lab, "db2", "/usr/lib/python3/dist-packages/pymysql") as path:
        lab.podman("db2", "rm", "-r", path)
        printed = hospital.inspect({}, "--limit", "db2", "--format", "none", hosts=("db2",), code=0)
    # What the server logs is in a file, which needs no driver.
    told = {"database.error_log"}
    untold = [one for one in hospital.observations(printed) if one["check"].startswith("database.")]
    untold = [one for one in untold if one["check"] not in told]
    assert "database.reachable" in {one["check"] for one in untold}
    assert {one["level"] for one in untold} == {"unknown"}
    assert {(one["reason"]["code"], *one["reason"]["parameters"].values()) for one in untold} == {
        ("tool_missing", "PyMySQL")
    }


@pytest.mark.parametrize(("plant", "host", "hosts"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_planted_failure_is_found_and_nothing_else(
    lab: Lab, hospital: Hospital, plant: Plant, host: str, hosts: tuple[str, ...]
) -> None:
    with plant(lab, host) as planted:
        expected = {finding: level for finding, level in planted.items() if finding[0] in hosts}
        code = 1 if "critical" in expected.values() else 0
        hospital.inspect(expected, "--limit", ",".join(hosts), "--format", "none", hosts=hosts, code=code)


def test_what_was_mended_is_gone(lab: Lab, hospital: Hospital) -> None:
    for _ in ("what the log tells of is still there", "all of it is gone"):
        hospital.inspect({}, "--format", "none", hosts=lab.names, code=0)


def test_everything_at_once_is_on_the_first_page(lab: Lab, hospital: Hospital) -> None:
    with ExitStack() as stack:
        planted: Findings = {}
        for plant, host, _ in CASES:
            if plant is not planting.damaged_backup:  # the newest backup, which is shrunken already
                planted |= stack.enter_context(plant(lab, host))
        stack.enter_context(planting.no_way_in(lab, "jump"))
        printed = hospital.inspect(planted, "--format", "html,pdf", hosts=lab.names, code=4)
    assert printed["verdict"]["state"] == "partial"
    assert printed["verdict"]["missed"] == ["inner", "jump"]
    html, pdf = (Path(path) for path in printed["documents"])
    _contents, section, _unmeasured = text_of(html).split("二、未测得的项目及原因")
    words = Wording(load_catalogue("zh"))
    # Where ssh ends while Ansible still writes to it, Ansible tells no cause, and the page none.
    untold = {name for name in ("inner", "jump") if printed["hosts"][name]["message"].endswith("Broken pipe")}
    for page in map(squeezed, (section, pypdf.PdfReader(pdf).pages[0].extract_text())):
        missing = {finding for finding in planted if row(words, finding) not in page}
        assert not missing
        assert "应检7台主机，实检5台，漏检2台" in page
        assert page.count("无法连接网络不通或SSH登录失败") == (1 if untold == {"inner", "jump"} else 2)
        assert ("port22025:Connectionrefused" in page) == ("jump" not in untold)
    hospital.inspect({}, "--format", "none", hosts=lab.names, code=0)
