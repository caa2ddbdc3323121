"""What entries tell beyond their own bodies: whom a trust entry changed, and whether that came into force with it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from reports.audit_site.ledger_page import about
from reports.audit_site.scripts import Tongues
from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.errors import MachineError
from runner.evidence.ledger import Ledger
from runner.evidence.signers import keyring_of
from runner.evidence.trust import PURCHASER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.evidence.keys import Keyring
    from runner.evidence.ledger import Entry
    from runner.evidence.trust import Person
    from runner.site import Site


@dataclass(frozen=True)
class ToldEntry:
    """An entry, its content or what is wrong with it as ``problem``, and in a line what it is about."""

    entry: Entry
    content: Mapping[str, Any]
    about: str


def newest_entries(site: Site, last: int, language: str) -> list[ToldEntry]:
    """Return the newest entries of a site's ledger, newest first, in the words of a language."""
    ledger = Ledger(site.ledger_folder, site.name)
    entries = list(islice(ledger.newest_first(), last))
    trusted = any(one.kind == "trust" for one in entries)
    changes = changes_of_people(keyring_of(ledger, site.cache_folder)) if trusted else {}
    tongues = Tongues((Wording(load_catalogue(language, site.catalogue_overlay)),))
    found = []
    for entry in entries:
        try:
            content: Mapping[str, Any] = entry.content
        except MachineError as error:
            found.append(ToldEntry(entry, {"problem": str(error)}, str(error)))
            continue
        body = {**content["body"], **changes.get(entry.sequence, {})}
        found.append(ToldEntry(entry, content, str(about(entry.kind, body, tongues))))
    return found


def changes_of_people(keyring: Keyring) -> dict[int, dict[str, Any]]:
    """Return, by its number, what each trust entry that counts changed of the people in force before it.

    ``state`` is ``first``, ``in_force`` or ``waits``; ``changes`` has names of the purchaser's people who were added,
    removed and changed, and of the provider's people who were any of it.
    """
    found: dict[int, dict[str, Any]] = {}
    for trust in keyring.trusts:
        before, after = keyring.in_force(trust.sequence - 1), keyring.in_force(trust.sequence)
        if before is None:
            found[trust.sequence] = {"state": "first"}
            continue
        old, new = _by_name(before, purchaser=True), _by_name(trust.people, purchaser=True)
        others, their = _by_name(before, purchaser=False), _by_name(trust.people, purchaser=False)
        changes = {
            "added": sorted(new.keys() - old.keys()),
            "removed": sorted(old.keys() - new.keys()),
            "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
            "others": sorted(name for name in others.keys() | their.keys() if others.get(name) != their.get(name)),
        }
        found[trust.sequence] = {
            "changes": changes if any(changes.values()) else {"nobody": ["—"]},
            "state": "in_force" if _by_name(after or (), purchaser=True) == new else "waits",
        }
    return found


def _by_name(people: Iterable[Person], *, purchaser: bool) -> dict[str, set[Person]]:
    """Return the people of one side by name: one may have several duties."""
    found: dict[str, set[Person]] = {}
    for one in people:
        if (one.organisation == PURCHASER) == purchaser:
            found.setdefault(one.name, set()).add(one)
    return found
