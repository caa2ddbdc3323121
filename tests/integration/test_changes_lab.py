"""The whole path on real hosts: what a hospital would see of a restart of its services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docx
import pytest

from tests.integration.changing import Changing, changing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab import Lab

pytestmark = pytest.mark.lab

HOSTS = ("app1", "app2", "jump")
UNITS = {"app1": "nginx", "app2": "nginx", "jump": "chrony"}


def main_processes(lab: Lab) -> dict[str, str]:
    """The main process of a service on each host."""
    return {name: lab.shell(name, f"systemctl show --property=MainPID {unit}") for name, unit in UNITS.items()}


def words(path: Path) -> str:
    """All that a Word document says."""
    document = docx.Document(str(path))
    cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def site_of(lab: Lab, folder: Path) -> Changing:
    variables = {
        f"group_vars__{path.stem}": path.read_text(encoding="utf-8")
        for path in (lab.inventory.parent / "group_vars").iterdir()
    }
    return changing(folder, lab.inventory.read_text(encoding="utf-8"), **variables)


def test_services_of_three_hosts_are_restarted_as_approved_and_reported(lab: Lab, tmp_path: Path) -> None:
    site = site_of(lab, tmp_path)
    before = main_processes(lab)
    asked = site.apply_for(
        "U-1", *HOSTS, preview=True, procedure="restart-services", variables={"service_restart_when": "always"}
    )
    assert {one["passed"] for one in asked["feasibility"]} == {True}
    assert main_processes(lab) == before, "the preview touches nothing"
    site.approve("U-1")
    site.sign_in("U-1")
    tasks = site.program.project / "roles" / "service_restart" / "tasks" / "main.yml"
    text = tasks.read_text(encoding="utf-8")
    tasks.write_text(text.replace("Restart the services", "Restart the services, and more"), encoding="utf-8")
    assert site.refused("change", "execute", "U-1") == ["differs"]
    assert main_processes(lab) == before
    tasks.write_text(text, encoding="utf-8")

    done = site.program.json("change", "execute", "U-1")
    assert (done["outcome"], done["hosts"]["done"], done["remainder"]) == ("done", sorted(HOSTS), [])
    after = main_processes(lab)
    assert all(after[name] != before[name] for name in HOSTS)

    signed = site.sign("U-1", "verify", "赵监督", "--passed", "--text", "业务正常")
    site.program.json("change", "verify", "U-1", *signed)
    site.program.json("change", "close", "U-1", "--text", "完成")
    documents = site.program.state / "documents"
    application, report = (words(documents / f"upgrade-{kind}-U-1.docx") for kind in ("request", "report"))
    for told in ("升级申请", asked["digest"][:16], *HOSTS):
        assert told in application
    for told in (
        "升级实施报告",
        "实施已完成",
        "第 2 批",
        "停止 nginx.service",
        "启动 chrony.service",
        "钱批准",
        "赵监督",
        *HOSTS,
    ):
        assert told in report
    assert list(documents.glob("restart-record-*"))
    assert site.program.json("ledger", "verify")["findings"] == []
