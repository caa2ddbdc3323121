"""The facts of a site's ledger, as compliance and the schedule read them."""

from __future__ import annotations

import gc
from datetime import datetime
from typing import TYPE_CHECKING

from runner.changes import KIND
from runner.contract.facts import KINDS, Fact, facts
from runner.errors import MachineError
from runner.evidence.index import entry_lines
from runner.evidence.ledger import Ledger
from runner.evidence.signers import keyring_of
from runner.operations.change_facts import counting_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.change_fold import Line
    from runner.evidence.keys import Keyring
    from runner.site import Site


def counting(site: Site, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the entries that count: of waivers, those that somebody consented to whom the purchaser had put in force.

    Of changes what counts of each, as counting_changes() tells. What does not count stays in the ledger, is listed, and
    is found by ``ledger verify``.
    """
    known = list(lines)
    judged = [line for line in known if line[1] in (KIND, "waiver")]
    if not judged:
        yield from known
        return
    keyring = keyring_of(Ledger(site.ledger_folder, site.name), site.cache_folder)
    bodies = counting_changes(judged, keyring)
    for line in known:
        if line[0] in bodies:
            yield (*line[:3], bodies[line[0]])
        elif line[1] != "waiver" or _consented(line, keyring):
            yield line


def _consented(line: Line, keyring: Keyring) -> bool:
    """Return whether a waiver names somebody in force; what is no waiver of ours is told elsewhere."""
    try:
        moment = datetime.fromisoformat(line[3]["at"])
        return keyring.entitled(str(line[3]["consent_by"]), line[0], moment)
    except (KeyError, TypeError, ValueError):
        return True


def facts_of(site: Site, until: datetime) -> list[Fact]:
    """Return the facts that the site's ledger holds at a moment; raises MachineError where it cannot be read."""
    lines = counting(site, entry_lines(Ledger(site.ledger_folder, site.name), site.cache_folder, KINDS))
    # Looking through a hundred thousand facts for garbage, again and again, takes longer than all that is done with
    # them; none of them is in a circle that only a look could end.
    gc.disable()
    try:
        found = known_facts(lines, until)
        gc.freeze()
    finally:
        gc.enable()
    return found


def known_facts(lines: Iterable[Line], until: datetime) -> list[Fact]:
    """Return the facts of entries; raises MachineError naming the first entry that is not what this program writes."""
    read: Line | None = None

    def reading() -> Iterator[Line]:
        nonlocal read
        for line in lines:
            read = line
            yield line

    try:
        return facts(reading(), until)
    except (KeyError, TypeError, ValueError) as error:
        name = f"{read[0]:06d}-{read[1]}.json" if read else "the ledger"
        raise MachineError(f"{name}: is not what weibao writes ({error}); see weibao ledger verify") from error
