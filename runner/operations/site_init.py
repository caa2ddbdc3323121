"""Use case: a new site's folder, from a few answers: complete enough for ``site check`` and a first run."""

from __future__ import annotations

import errno
import json
import re
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from runner.contract.base import FIRST_DAY, LAST_DAY
from runner.contract.working_time import year_after
from runner.errors import BadInput, MachineError
from runner.operations.check_site import check_site
from runner.site import Site, site_names

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A name that is a folder, a word of the shell and part of file names.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: A host by its name, and its address after an equals sign.
_HOST = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:=(?P<address>[A-Za-z0-9:._-]+))?")

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class NewSite:
    """What a new site's files are made from; ``login`` is that of the engineer on the controller."""

    name: str
    system: str
    provider: str
    purchaser: str
    start: date
    end: date | None = None
    signed: date | None = None
    number: str | None = None
    title: str | None = None
    timezone: str = "Asia/Shanghai"
    engineer: str | None = None
    manager: str | None = None
    approver: str | None = None
    login: str | None = None
    hosts: tuple[str, ...] = field(default=())
    user: str | None = None


def create_site(new: NewSite, parent: Path, state: Path) -> Site:
    """Write the folder of a new site below ``parent``, whole or not at all, and return the site.

    Raises BadInput for a name that is taken or cannot be one, and for answers that cannot be meant.
    """
    _refuse(new, parent)
    files = files_of(new)
    folder = parent / new.name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{new.name}-", dir=parent))
    except OSError as error:
        raise MachineError(f"{parent}: cannot write here: {error.strerror}") from error
    try:
        for name, text in files.items():
            (draft / name).write_text(text, encoding="utf-8")
        (draft / "forms").mkdir()
        draft.chmod(0o755)
        _check(Site(new.name, draft, state), draft)
        draft.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):  # it came into being meanwhile
            raise BadInput(f"{folder}: is already there; nothing was changed") from error
        raise MachineError(f"{folder}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Site(new.name, folder, state)


def _refuse(new: NewSite, parent: Path) -> None:
    problems = []
    if not _NAME.fullmatch(new.name):
        problems.append(f"NAME {new.name}: write letters, digits, dots, dashes; it names a folder")
    elif (parent / new.name).exists():
        problems.append(f"{parent / new.name}: is already there; nothing was changed")
    elif new.name in site_names():
        problems.append(f"NAME {new.name}: there is a site of this name, which would share its state")
    for option in ("system", "provider", "purchaser", "number", "title", "engineer", "manager", "approver", "user"):
        problems += [f"--{option}: {why}" for why in _no_text(getattr(new, option))]
    if not FIRST_DAY <= new.start < LAST_DAY:
        problems.append(f"--from {new.start}: is not a day from {FIRST_DAY} to {LAST_DAY}")
    elif new.end and new.end < new.start:
        problems.append(f"--to {new.end}: is before --from {new.start}")
    elif new.signed and new.signed > last_day(new):
        problems.append(f"--signed {new.signed}: is after the term's end, {last_day(new)}")
    names = [host.partition("=")[0] for host in new.hosts]
    problems += [f"--host {host}: write NAME or NAME=ADDRESS" for host in new.hosts if not _HOST.fullmatch(host)]
    if new.user and not new.hosts:
        problems.append("--user: is the login on hosts, so --host names them")
    problems += [f"--host {name}: is given twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise BadInput("\n".join(problems))


def _no_text(text: str | None) -> Iterator[str]:
    """Yield why nobody could read a text, if so."""
    if text is not None and not text.strip():
        yield "is empty"
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in text or ""):
        yield "is no text: it has control characters, or is not UTF-8"


def _check(site: Site, draft: Path) -> None:
    """Raise BadInput, in terms of the files to be, for what ``site check`` would not pass."""
    try:
        check_site(site)
    except BadInput as error:
        raise BadInput(str(error).replace(f"{draft}/", "")) from error


def last_day(new: NewSite) -> date:
    """Return the last day of the term: without another answer a year after its first."""
    return new.end or year_after(new.start, 1) - _DAY


# -- the files ---------------------------------------------------------------------------------------------


def files_of(new: NewSite) -> dict[str, str]:
    """Return the text of each file of a new site."""
    return {
        "contract.yml": _contract(new),
        "people.yml": _people(new),
        "calendar.yml": _CALENDAR,
        "hosts.yml": _hosts(new),
    }


def _contract(new: NewSite) -> str:
    return Template(_CONTRACT).substitute(
        number=_quoted(new.number or new.name),
        title=_quoted(new.title or f"{new.system}维护服务合同"),
        system=_quoted(new.system),
        provider=_quoted(new.provider),
        purchaser=_quoted(new.purchaser),
        timezone=_quoted(new.timezone),
        signed=f"signed: {new.signed}"
        if new.signed
        else "# signed: 2026-01-15   # the day of signature, once it is signed",
        start=new.start,
        end=last_day(new),
    )


def _people(new: NewSite) -> str:
    duties = (
        (new.engineer, "engineer", "provider", new.login),
        (new.manager, "project manager", "provider", None),
        (new.approver, "purchaser approver", "purchaser", None),
    )
    entries = [
        f"  - {{name: {_quoted(name)}, duty: {duty}, organisation: {side}{_login(login)}}}"
        for name, duty, side, login in duties
        if name
    ]
    return _PEOPLE + ("people:\n" + "\n".join(entries) if entries else "people: []") + "\n"


def _login(login: str | None) -> str:
    return f", login: {_quoted(login)}" if login else ""


def _hosts(new: NewSite) -> str:
    if not new.hosts:
        return _THIS_MACHINE
    lines = [
        "---",
        "# The hosts, the Ansible way: groups, and variables in group_vars/ and host_vars/.",
        "all:",
        "  hosts:",
    ]
    for host in new.hosts:
        name, _, address = host.partition("=")
        lines.append(f"    {name}: {{ansible_host: {_quoted(address)}}}" if address else f"    {name}:")
    if new.user:
        root = new.user == "root"
        lines += ["  vars:", f"    ansible_user: {_quoted(new.user)}", *([] if root else ["    ansible_become: true"])]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a text as YAML reads it back, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


_CONTRACT = """---
# The contract as data. Each obligation is a clause of the text; docs/contracts.md tells how to write them.
schema_version: 1
number: $number
title: $title
system: $system
provider: {name: $provider}
purchaser: {name: $purchaser}
timezone: $timezone
$signed
term: {from: $start, to: $end}
year: contract                 # yearly figures count from the term's first day; calendar: from 1 January
service_hours: {days: working, from: "08:00", to: "17:30"}
# grace: {days: 5}             # so long may what is overdue still come late, where the contract says so

procedures:
  inspect: {change: routine}   # changes no host: the schedule may run it

# What the text says, in its own words, one entry a clause. These two are a start: put the text's own in their place.
obligations:
  - id: "1"
    kind: procedure
    procedure: inspect
    title: 月度巡检
    clause: 每月进行一次系统巡检。
    cadence: monthly
  - id: "1.record"
    kind: document
    document: inspection-record
    title: 巡检记录
    clause: 每次巡检后5个工作日内提交巡检记录。
    cadence: monthly
    due: {after: "1", within: {working_days: 5}}

  # What only a person can do:
  # - id: "2"
  #   kind: record
  #   clause: 每季度召开一次服务例会。
  #   cadence: quarterly

  # Clocks, which the events of a case start and stop:
  # - id: "3"
  #   kind: sla
  #   clause: 接到报修后30分钟内响应，4小时内恢复。
  #   case: fault
  #   clocks:
  #     - {name: respond, within: {minutes: 30}, starts: [reported], stops: [responded]}
  #     - {name: restore, within: {hours: 4}, starts: [reported], stops: [restored]}

  # At least, or at most, so many:
  # - id: "4"
  #   kind: quota
  #   clause: 每年培训不少于2次。
  #   quota: {at_least: 2, per: year}
"""

_PEOPLE = """---
# Who has which duty: engineer, project manager, purchaser approver, supervisor, auditor.
# login is the one on the controller; valid_from and valid_to bound a duty.
schema_version: 1
"""

_CALENDAR = """---
# Days that this site works, or does not, whatever the published calendar says:
# days:
#   2026-05-12: {working: no, name: 院庆}
# Years that nobody has published yet, but of which every day off is listed here:
# covers: [2027]
schema_version: 1
"""

_THIS_MACHINE = """---
# This machine, until other hosts are named.
all:
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
