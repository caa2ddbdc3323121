"""What a change would do, as a plan that is approved by its digest; made anew, it tells exactly what differs since.

The plan has the procedure's closure, the digest of each host's effective variables, what people agreed on, and the
contract's terms: who must approve and attend. What is
elsewhere in the project, and what other hosts are given, is no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.change_request import NOT_ITS_OWN, read_request
from runner.contract.changes import knows_case
from runner.evidence.canonical import canonical, digest
from runner.evidence.redaction import Redactor
from runner.evidence.signing import variables_key
from runner.execution.closure import closure_files
from runner.execution.secrets import known_secrets, names_secret
from runner.execution.variables import host_variables
from runner.procedures import load_procedures
from runner.role_inputs import load_specifications, variable_problems
from runner.site import PROJECT
from runner.yaml_source import leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.change_request import Problem, RequestFile
    from runner.execution.frozen import Frozen
    from runner.execution.variables import HostVariables
    from runner.operations.check_site import CheckedSite
    from runner.procedures import Procedure

SCHEMA_VERSION = 1

#: What a plan takes over from the request as it stands there.
_TAKEN_OVER = (
    *("procedure", "variables", "batches", "steps", "supervisor", "automatic", "emergency", "content"),
    *("reason", "risk", "impact", "backup", "rollback"),
)


@dataclass(frozen=True)
class Plan:
    """A plan as entries keep it, and who depends on whom in the whole inventory.

    ``unpinned`` are variables of its hosts that are looked up when they are used: the digest does not tell of them.
    """

    data: Mapping[str, Any]
    depends_on: Mapping[str, tuple[str, ...]]
    unpinned: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return what is approved."""
        return plan_digest(self.data)

    def numbered(self, number: str) -> Plan:
        """Return the plan of the change of a number: what is approved is this change, and none that is the same."""
        return replace(self, data={**self.data, "number": number})


@dataclass(frozen=True)
class Difference:
    """One thing in which two plans differ: what it is, its name, and how it differs.

    ``what`` is file, host, variable, ansible_core or a key of the plan; ``how`` is added, removed or changed. The
    name of a host's own variable is ``host: variable``.
    """

    what: str
    name: str
    how: str
    before: str = ""
    after: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the form that entries keep."""
        told = {"what": self.what, "name": self.name, "how": self.how, "before": self.before, "after": self.after}
        return {**told, "text": str(self)}

    def __str__(self) -> str:
        named = self.name if self.what == self.name else f"{self.what} {self.name}"
        values = f" ({self.before} → {self.after})" if self.what == "ansible_core" else ""
        return f"{named}: {self.how}{values}"


def plan_digest(data: Mapping[str, Any]) -> str:
    """Return the digest of a plan."""
    return digest(canonical(dict(data)))


# -- reading ------------------------------------------------------------------------------------------------


def request_for(checked: CheckedSite, path: Path) -> RequestFile:
    """Return the request in a file, as far as the site's files tell usable; raises BadInput with every problem.

    Whether its hosts are in the inventory is told by plan_of().
    """
    return read_request(path, checked.working.zone, lambda data: _unfit(checked, data))


def _unfit(checked: CheckedSite, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what of a request fits neither the procedures nor the contract."""
    terms = checked.contract.changes
    name, procedures = data.get("procedure"), load_procedures(PROJECT)
    if isinstance(name, str) and name not in procedures:
        yield ("procedure",), f"no procedure named {name!r}; procedures: {', '.join(procedures)}"
    elif isinstance(name, str) and not procedures[name].changes_hosts:
        yield ("procedure",), f"{name} changes nothing and needs no approval: weibao run {name}"
    case = data.get("case")
    if isinstance(case, str) and not knows_case(checked.contract, case.partition(":")[0]):
        yield ("case",), f"no obligation of the contract is about cases of kind {case.partition(':')[0]!r}"
    if data.get("emergency") is True and terms.emergency is None:
        yield ("emergency",), "the contract knows no emergency changes (changes.emergency in contract.yml)"
    if data.get("automatic") is True and terms.supervised and not terms.attendance_beforehand:
        yield ("automatic",), "needs a contract that lets presence be signed beforehand (changes.attendance_beforehand)"
    if data.get("automatic") is True and data.get("emergency") is True:
        yield ("automatic",), "an emergency may start before it is approved, so a person has to start it"
    # What is unknown is told with its name, which must not be a secret.
    secrets = list(_secrets(checked, data))
    yield from secrets or _unknown_variables(procedures.get(str(name)), data.get("variables"))


def _unknown_variables(procedure: Procedure | None, variables: object) -> Iterator[Problem]:
    """Yield which variables would do nothing, or not what they say: what is approved has to be what happens."""
    if procedure and isinstance(variables, dict):
        files = (path for path in closure_files(PROJECT, procedure.playbook) if path.suffix in (".yml", ".yaml"))
        asked = {name: value for name, value in variables.items() if not str(name).startswith(NOT_ITS_OWN)}
        for key, problem in variable_problems(load_specifications(PROJECT / "roles"), files, asked):
            yield ("variables", *key), problem


def telling(checked: CheckedSite) -> Callable[[object], bool]:
    """Return what says whether a text tells a secret of the site: entries are read by many, and kept."""
    redactor = Redactor(known_secrets(PROJECT, checked.site.variable_files))
    return lambda text: redactor.text(str(text)) != str(text)


def _secrets(checked: CheckedSite, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what holds a known secret, or is one by its name: what is approved is printed, and kept."""
    told = telling(checked)
    for key, value in leaves(data):
        inside = any(map(told, key[1:]))
        if inside or told(value):
            yield key[:1] if inside else key, "holds a secret of the site, which nobody may read here"
        elif key[0] == "variables" and not isinstance(value, bool) and any(names_secret(str(part)) for part in key[1:]):
            yield key, "is a secret by its name; a request holds none: give it to the hosts, in the inventory"


# -- planning -----------------------------------------------------------------------------------------------


def plan_of(checked: CheckedSite, file: RequestFile, copy: Frozen) -> Plan:
    """Return the plan of a request by a copy of what would run.

    Raises BadInput, with file and line, for hosts that are not in the inventory or that the procedure is not for.
    """
    request = file.request
    told = request.as_dict()
    found = _variables(checked, copy, request.hosts)
    if found.unknown:
        places = {name: ("hosts", request.hosts.index(name)) for name in found.unknown}
        raise file.wrong(*((key, f"{name}: no host that {request.procedure} is for") for name, key in places.items()))
    least = checked.contract.changes.reserve_time.total_seconds() / 60
    data = {
        "schema_version": SCHEMA_VERSION,
        **{key: told[key] for key in _TAKEN_OVER},
        "window": {"from": request.window.start.isoformat(), "to": request.window.end.isoformat()},
        "reserve_minutes": max(request.reserve_minutes or 0, least),
        **_looked_at(checked, copy, found),
    }
    return Plan(data, found.depends_on, found.unpinned)


def plan_again(checked: CheckedSite, plan: Mapping[str, Any], hosts: Sequence[str], copy: Frozen) -> Plan:
    """Return a plan as it would be made now: what people agreed on stays, what would run is looked at anew.

    ``hosts`` are those that the request names, by themselves or by groups.
    """
    found = _variables(checked, copy, hosts)
    return Plan({**plan, **_looked_at(checked, copy, found)}, found.depends_on, found.unpinned)


def _variables(checked: CheckedSite, copy: Frozen, hosts: Sequence[str]) -> HostVariables:
    return host_variables(copy, hosts, variables_key(checked.site.keys_folder))


def _looked_at(checked: CheckedSite, copy: Frozen, found: HostVariables) -> dict[str, Any]:
    """Return the part of a plan that files decide."""
    return {
        "site": checked.site.name,
        # With another key every variable differs; this tells why.
        "variables_key": digest(variables_key(checked.site.keys_folder))[:16],
        "closure": copy.closure.as_dict(),
        "hosts": {host: dict(variables) for host, variables in found.hosts.items()},
        "terms": checked.contract.changes.rules().as_dict(),
    }


# -- comparing ----------------------------------------------------------------------------------------------


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return everything in which two plans differ, each thing by its name; none where they are the same."""
    return tuple(_differences(old, new))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = old["closure"], new["closure"]
    yield from _between("file", before["files"], after["files"])
    if before["ansible_core"] != after["ansible_core"]:
        versions = str(before["ansible_core"]), str(after["ansible_core"])
        yield Difference("ansible_core", "ansible_core", "changed", *versions)
    yield from _between("host", dict.fromkeys(old["hosts"]), dict.fromkeys(new["hosts"]))
    for host in sorted(old["hosts"].keys() & new["hosts"].keys()):
        yield from _between("host", old["hosts"][host], new["hosts"][host], of=host)
    yield from _between("variable", old["variables"], new["variables"])
    for key in sorted({*old, *new} - {"closure", "hosts", "variables"}):
        if old.get(key) != new.get(key):
            yield Difference(key, key, "changed")


def _between(what: str, old: Mapping[str, Any], new: Mapping[str, Any], of: str = "") -> Iterator[Difference]:
    """Yield what was added, removed or changed, by name; ``of`` is the host whose variables they are."""
    for key in sorted({*old, *new}):
        name = f"{of}: {key}" if of else key
        if key not in new:
            yield Difference(what, name, "removed")
        elif key not in old:
            yield Difference(what, name, "added")
        elif old[key] != new[key]:
            yield Difference(what, name, "changed")
