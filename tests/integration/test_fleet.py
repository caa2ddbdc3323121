"""A fleet in one run: every name is accounted for, and the record stays readable."""

from __future__ import annotations

import re
from pathlib import Path

import pypdf
import pytest

from benchmarks.lab import lab_hosts, lab_site
from module_utils.host.thresholds import UNITS
from tests.lab import Lab
from tests.program import Program
from tests.texts import text_of

pytestmark = pytest.mark.lab

#: All but apt's own simulation of an upgrade, which is most of the time that a host takes; the benchmark has it, too.
CHECKS = sorted({f"{check.partition('.')[0]}.*" for check in UNITS} - {"packages.*"})


@pytest.mark.parametrize("names", [48, pytest.param(2000, marks=pytest.mark.long)])
def test_a_fleet_is_one_record_that_can_be_read(lab: Lab, tmp_path: Path, names: int) -> None:
    hosts = lab_hosts()
    group, variables = hosts["app1"]
    hosts["gone"] = (group, {**variables, "ansible_port": 1})  # every eighth name leads nowhere
    program = Program(tmp_path / "home", tmp_path / "sites", site="fleet")
    site = lab_site(program.sites / program.site, names, hosts, host_inspection_checks=CHECKS)
    gone = [f"name-{number:04d}" for number in range(7, names, 8)]

    printed = program.json("run", "inspect", "--format", "html,pdf", "--fail-on", "never", code=4, timeout=7200)
    assert printed["verdict"]["state"] == "partial"
    assert printed["verdict"]["missed"] == gone
    outcomes = {name: result["outcome"] for name, result in printed["hosts"].items()}
    assert outcomes == {f"name-{number:04d}": "unreachable" if number % 8 == 7 else "ok" for number in range(names)}
    assert all(result["observations"] > 30 for result in printed["hosts"].values() if result["outcome"] == "ok")

    html, pdf = (Path(path) for path in printed["documents"])
    pages = [re.sub(r"\s", "", page.extract_text()) for page in pypdf.PdfReader(pdf).pages]
    assert f"应检{names}台主机，实检{names - len(gone)}台，漏检{len(gone)}台" in pages[0]
    assert "等，共" in pages[0], "what many hosts share stands in one row"
    assert f"共{names}台主机，按资产分组汇总" in "".join(pages)
    assert len(pages) <= 40
    shown = text_of(html)
    assert all(re.search(rf"(?<![a-z]){name}(?![a-z])", shown) for name in site_groups(site)), shown[:3000]
    assert program.json("ledger", "verify")["findings"] == []


def site_groups(site: Path) -> list[str]:
    """The groups that the record sums up."""
    return sorted(set(re.findall(r"^    (\w+):$", (site / "hosts.yml").read_text(), re.MULTILINE)))
