"""A site's ledger with changes in it, their approvals signed by ssh-keygen as people do."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runner.change_fold import changes
from runner.change_rules import Rules
from runner.changes import Change
from runner.contract.facts import EntryLine
from runner.contract.people import People
from runner.evidence.approvals import signed_bytes
from runner.evidence.canonical import canonical, digest
from runner.evidence.keys import Keyring
from runner.evidence.ledger import Entry, Ledger
from runner.evidence.verify import Folders, Verification
from runner.operations.manifest import operator
from tests.signing import signed_ledger, trust_body
from tests.unit.runner.evidence.sealed import events_of, list_run, seal_run

HEAD, SECOND, SUPERVISOR, AUDITOR, ENGINEER, CLERK = (
    "信息科主任",
    "副主任",
    "系统负责人",
    "审计员",
    "工程师甲",
    "工程师乙",
)

DUTIES = {
    HEAD: ("purchaser approver", "purchaser"),
    SECOND: ("purchaser approver", "purchaser"),
    SUPERVISOR: ("supervisor", "purchaser"),
    AUDITOR: ("auditor", "purchaser"),
    ENGINEER: ("engineer", "provider"),
    CLERK: ("engineer", "provider"),
}


def login() -> str:
    """Return the login of whoever runs the tests."""
    return str(operator(People(schema_version=1))["login"])


def key_pair(folder: Path, name: str) -> Path:
    """Make a key pair; return the private file, the public one has its name and .pub."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)), check=True)
    return path


def public(path: Path) -> str:
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def signature(path: Path, data: bytes, namespace: str = "weibao-approval") -> str:
    """Return what ssh-keygen makes of data with a private key."""
    command = ("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(path))
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode()


def paper(sha256: str = "e" * 64, vouched_by: str = CLERK, operator: str = CLERK) -> dict[str, Any]:
    """What an entry tells of a paper for which whoever enters it vouches."""
    attached = [{"name": "批准.pdf", "sha256": sha256, "bytes": 3}]
    told = {"attachments": attached, "vouched_by": vouched_by, "operator": {"login": "x", "name": operator}}
    return {**told, "signature": None, "public_key": None}


class Story:
    """A ledger in which people are told, and what happens to changes; every step can be told otherwise."""

    def __init__(self, folder: Path, keys: dict[str, Path], ledger: Ledger | None = None) -> None:
        self.folder, self.keys = folder, keys
        self.now = datetime.now(UTC)
        self.digest = ""
        self.ledger = ledger or signed_ledger(folder / "ledger")
        if ledger is None:
            self.tell_people(*DUTIES)

    def person(self, name: str, **told: Any) -> dict[str, Any]:
        duty, organisation = DUTIES.get(name, ("purchaser approver", "purchaser"))
        spans = {"valid_from": None, "valid_to": None}
        return {
            "name": name,
            "duty": duty,
            "organisation": organisation,
            "keys": [public(self.keys[name])] if name in self.keys else [],
            **spans,
            **told,
        }

    def tell_people(self, *names: str, **told: Any) -> Entry:
        return self.ledger.append("trust", trust_body(*(self.person(name) for name in names), **told))

    # -- steps --------------------------------------------------------------------------------------------

    def plan(self, **told: Any) -> dict[str, Any]:
        window = {"from": self.at(-1), "to": self.at(3)}
        return {
            "schema_version": 1,
            "procedure": "restart-services",
            "closure": {"digest": "c" * 64, "files": {"playbooks/restart-services.yml": "a" * 64}, "ansible_core": "2"},
            "hosts": {host: {"one": digit * 64} for host, digit in (("app1", "1"), ("app2", "2"), ("legacy", "3"))},
            "variables": {"service_restart_services": ["nginx"]},
            "window": window,
            "reserve_minutes": 30,
            "batches": [1, "100%"],
            "steps": [{"name": "停止 nginx", "minutes": 5}],
            "supervisor": SUPERVISOR,
            "automatic": False,
            "emergency": False,
            **dict.fromkeys(("content", "reason", "risk", "impact", "backup", "rollback"), "…"),
            **told,
        }

    def at(self, hours: float) -> str:
        """Return a moment so many hours from now."""
        return (self.now + timedelta(hours=hours)).isoformat()

    def step(self, name: str, number: str = "SJ-1", **told: Any) -> Entry:
        body = {
            "schema_version": 1,
            "change": number,
            "step": name,
            "obligations": [],
            "event": None,
            "period": None,
            "case": {"kind": "upgrade", "id": "SJ-1"},
            "at": datetime.now(UTC).isoformat(),
            "attachments": [],
            "operator": {"login": "engineer", "name": ENGINEER},
            **told,
        }
        return self.ledger.append("change", body)

    def request(self, number: str = "SJ-1", rules: Rules | None = None, **told: Any) -> Entry:
        """Apply for a change; what is told otherwise is of the plan, or of the body where it has the key."""
        own = {key: told.pop(key) for key in ("digest", "requester", "event", "operator", "at") if key in told}
        plan = self.plan(terms=(rules or Rules()).as_dict(), **told)
        self.digest = str(own.get("digest", digest(canonical(plan))))
        body = {"request": {}, "plan": plan, "digest": self.digest}
        body |= {"requester": ENGINEER, "preview": None, "feasibility": [], "event": "planned"}
        return self.step("requested", number, **{**body, **own})

    def sign(self, name: str, by: str, number: str, body: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        """Return the body of a step that a person signs, with another one's key (``key``), or told otherwise since."""
        key = self.keys[told.pop("key", by)]
        body = {"digest": self.digest, "at": told.pop("at", None) or datetime.now(UTC).isoformat(), **body}
        signed = signature(key, signed_bytes(number, name, by, body))
        return {**body, "signature": signed, "public_key": public(key), **told}

    def approve(self, by: str = HEAD, number: str = "SJ-1", decision: str = "approved", **told: Any) -> Entry:
        """Approve a change with the person's own key over what is told; other words are told afterwards."""
        return self.step(decision, number, **self.sign(decision, by, number, {"by": by, "reason": "同意"}, told))

    def sign_in(self, who: str = SUPERVISOR, number: str = "SJ-1", **told: Any) -> Entry:
        return self.step("signed-in", number, **self.sign("signed-in", who, number, {"supervisor": who}, told))

    def sign_out(self, who: str = SUPERVISOR, number: str = "SJ-1", **told: Any) -> Entry:
        """Sign somebody out, which nothing has to prove."""
        return self.step("signed-out", number, **{"supervisor": who, "digest": self.digest, **told})

    def verify(self, by: str = SUPERVISOR, number: str = "SJ-1", run: str = "run-1", **told: Any) -> Entry:
        """Say that all is well with what was executed."""
        said = {"run": run, "by": by, "passed": told.pop("passed", True), "text": "运行稳定"}
        return self.step("verified", number, **self.sign("verified", by, number, said, told))

    def start(self, number: str = "SJ-1", run: str = "run-1", **told: Any) -> Entry:
        return self.step("started", number, **{"run": run, "digest": self.digest, "event": "started", **told})

    def end(self, number: str = "SJ-1", run: str = "run-1", outcome: str = "not begun", **told: Any) -> Entry:
        hosts = {"left": ["app1", "app2", "legacy"]} if outcome == "not begun" else {"done": ["app1", "app2", "legacy"]}
        return self.step("executed", number, **{"run": run, "outcome": outcome, "hosts": hosts, **told})

    def seal(self, run: str = "run-1", number: str = "SJ-1", **told: Any) -> Entry:
        """Seal and list a run under a change, on the hosts of its plan, with what the manifest is to say otherwise."""
        change = self.change(number)
        made: dict[str, Any] = {
            "procedure": change.procedure,
            "closure": change.plan["closure"],
            "approval": {"change": number, "digest": change.digest},
            "obligations": [],
        }
        events = events_of(*told.pop("hosts", change.hosts))
        return list_run(self.ledger, seal_run(self.folder / "runs", run, events, **{**made, **told}))

    # -- what is known -------------------------------------------------------------------------------------

    def verification(self) -> Verification:
        return Verification(self.ledger, Folders(self.folder / "runs"), processes=1)

    def problems(self) -> list[str]:
        """Return what ledger verify finds."""
        return [one.problem for one in self.verification().findings()]

    def remarks(self) -> list[str]:
        """Return what ledger verify remarks."""
        found = self.verification()
        list(found.findings())
        return [one.problem for one in found.remarks]

    def change(self, number: str = "SJ-1") -> Change:
        return changes(self.lines())[number]

    def lines(self) -> list[EntryLine]:
        """Return the entries as commands read them."""
        found = [(one, one.content) for one in self.ledger.entries()]
        return [EntryLine(one.sequence, one.kind, told["time"], one.body, told["signer"]) for one, told in found]

    def keyring(self) -> Keyring:
        found = self.verification()
        list(found.findings())
        return found.signers.keyring
