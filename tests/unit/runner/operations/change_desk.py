"""A site whose people have keys, and the steps that they take of changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from runner.changes import Change
from runner.execution.progress import Lines
from runner.operations.book import open_book
from runner.operations.change_application import apply_for
from runner.operations.change_entries import ChangeRefused, known_changes
from runner.operations.change_steps import (
    Proof,
    Stepped,
    attend,
    decide,
    to_sign,
    verify,
)
from runner.operations.check_site import CheckedSite, check_site
from runner.site import Site
from tests.changing import login, public, signature

ZONE = ZoneInfo("Asia/Shanghai")

CONTRACT = """
schema_version: 1
number: HT-1
title: 维保合同
system: 示教系统
provider: {name: 甲}
purchaser: {name: 乙}
timezone: Asia/Shanghai
changes: %s
obligations:
  - {id: A36, kind: record, clause: 书面批准, cadence: on event, opened_by: [planned], case: upgrade}
  - {id: A37, kind: record, clause: 现场监督, cadence: on event, opened_by: [started], case: upgrade}
"""

PEOPLE = {
    "钱批准": ("purchaser approver", "purchaser"),
    "吴批准": ("purchaser approver", "purchaser"),
    "赵监督": ("supervisor", "purchaser"),
    "孙审计": ("auditor", "purchaser"),
    "张三": ("engineer", "provider"),
    "李四": ("project manager", "provider"),
}


@dataclass
class Desk:
    """A site whose people have keys, and the steps that they take."""

    site: Site
    folder: Path
    checked: CheckedSite
    keys: dict[str, Path]

    def ask(self, number: str = "C-1", **more: Any) -> Change:
        now = datetime.now(ZONE)
        asked = {
            "number": number,
            "procedure": "restart-services",
            "hosts": ["localhost"],
            "variables": {"service_restart_services": [{"name": "nginx"}]},
            **dict.fromkeys(("content", "reason", "risk", "impact", "backup", "rollback"), "如实填写"),
            "steps": [{"name": "重启", "minutes": 5}],
            "window": {"from": str(now - timedelta(minutes=1)), "to": str(now + timedelta(hours=2))},
            "supervisor": "赵监督",
            **more,
        }
        path = self.folder / f"{number}.yml"
        path.write_text(yaml.safe_dump(asked, allow_unicode=True))
        return apply_for(self.checked, path, Lines, preview=False).change

    def signed(self, by: str, content: bytes) -> Proof:
        path = self.folder / f"{by}.sig"
        path.write_text(signature(self.keys[by], content))
        return Proof(signature=path)

    def approve(self, by: str = "钱批准", number: str = "C-1", reason: str = "同意", **told: Any) -> Stepped:
        asked = to_sign(self.checked, number, "approved", told.get("as_", by), reason=reason)
        proof = self.signed(told.get("key", by), asked.content)
        return decide(self.checked, number, "approved", by, reason, proof, "en", at=told.get("at", asked.at))

    def sign_in(self, by: str = "赵监督", number: str = "C-1") -> Stepped:
        asked = to_sign(self.checked, number, "signed-in", by)
        return attend(self.checked, number, "signed-in", by, self.signed(by, asked.content), "en", at=asked.at)

    def sign_out(self, proof: Proof | None = None, at: str | None = None) -> Stepped:
        return attend(self.checked, "C-1", "signed-out", "赵监督", proof or Proof(), "en", at=at)

    def verify(self, by: str = "赵监督", *, passed: bool = True) -> Stepped:
        asked = to_sign(self.checked, "C-1", "verified", by, passed=passed, text="正常")
        proof = self.signed(by, asked.content)
        return verify(self.checked, "C-1", by, "正常", proof, "en", passed=passed, at=asked.at)

    def as_login_of(self, name: str) -> Desk:
        """Return the desk as it is where another person is logged in."""
        told = yaml.safe_load(self.site.people_file.read_text())
        for one in told["people"]:
            one["login"] = login() if one["name"] == name else None
        self.site.people_file.write_text(yaml.safe_dump(told, allow_unicode=True))
        return replace(self, checked=check_site(self.site))

    def change(self, number: str = "C-1") -> Change:
        return known_changes(self.site)[number]

    def refused(self, error: pytest.ExceptionInfo[ChangeRefused]) -> list[str]:
        """Return the codes, after a look that the ledger tells of them."""
        last = self.change(error.value.change).steps[-1]
        assert (last.name, last.sequence) == ("refused", error.value.entry)
        codes = [one.code for one in error.value.reasons]
        assert [one["code"] for one in last.body["reasons"]] == codes
        assert not any(f"  {code}" in str(error.value).splitlines() for code in codes), "every code is worded"
        return codes

    def run(self, outcome: str = "done") -> None:
        """Let an execution end, as its entries tell it."""
        book, change = open_book(self.site), self.change()
        base = {
            key: value for key, value in change.steps[0].body.items() if key in ("schema_version", "case", "operator")
        }
        base |= {"change": change.number, "obligations": [], "period": None, "attachments": []}
        told = {"at": datetime.now(ZONE).isoformat(), "run": "run-1"}
        book.append("change", {**base, **told, "step": "started", "event": "started", "digest": change.digest})
        hosts = {"done": ["localhost"], "failed": [], "left": [], "unreachable": [], "rolled_back": []}
        book.append("change", {**base, **told, "step": "executed", "event": None, "outcome": outcome, "hosts": hosts})


def desk_of(site: Site, folder: Path, keys: dict[str, Path], terms: str, **more: tuple[str, str]) -> Desk:
    people = [
        {
            "name": name,
            "duty": duty,
            "organisation": organisation,
            "keys": [public(keys[name])],
            "login": login() if name == "张三" else None,
        }
        for name, (duty, organisation) in {**PEOPLE, **more}.items()
    ]
    site.people_file.write_text(yaml.safe_dump({"schema_version": 1, "people": people}, allow_unicode=True))
    site.contract_file.write_text(CONTRACT % terms)
    return Desk(site, folder, check_site(site), keys)
