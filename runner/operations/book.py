"""The one place where a site's ledger is opened to be written: every entry signed, keys and people told before others.

Before the first entry the site's key is made and told. Before any entry, contract.yml and people.yml are told where
they changed since. Nothing of that happens as long as nothing is appended: a look costs nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.contract.load import load_people
from runner.errors import BadInput, MachineError, Refused
from runner.evidence.canonical import digest
from runner.evidence.keys import KINDS, SITE, Keyring
from runner.evidence.ledger import LOG, Ledger
from runner.evidence.signers import keyring_of
from runner.evidence.signing import (
    NEXT_KEY,
    OWN_KEY,
    SITE_KEY,
    SshSigner,
    check_private,
    key_of,
    own_signer,
    require_ssh_keygen,
    site_signer,
    started_early,
    take_next,
)
from runner.evidence.trust import PURCHASER, Person, of_purchaser
from runner.operations.manifest import operator
from runner.public_key import parse_public_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.contract.people import People
    from runner.evidence.ledger import Entry
    from runner.evidence.signing import EarlyCall
    from runner.public_key import PublicKey
    from runner.site import Site

SCHEMA_VERSION = 1


def open_book(site: Site) -> Book:
    """Return the ledger of a site to append to what a person does.

    An engineer whose key WEIBAO_SIGNING_KEY names signs with it, everybody else with the site's.
    Raises BadInput where the engineer's key is not one that people.yml gives a person valid today, MachineError where
    the ledger names a key of the site that is gone.
    """
    book = Book(site, own_signer(), with_people=True)
    book.check()
    return book


class Book(Ledger):
    """A site's ledger that signs what it is given, and tells its key before that.

    ``with_people``, files that people wrote are told, too; what the program does by itself needs none of them, and the
    site's key signs it. Whoever opens one checks nothing: an append raises MachineError where the key is gone.
    """

    def __init__(self, site: Site, own: SshSigner | None = None, *, with_people: bool = False) -> None:
        super().__init__(site.ledger_folder, site.name)
        self.state = site
        self._own = own
        self._with_people = with_people
        self._keyring: Keyring | None = None
        self._seen = 0
        self._early: EarlyCall | None = None

    def check(self) -> None:
        """Raise BadInput or MachineError where an entry could not be signed: told before anything is done."""
        require_ssh_keygen()
        path = self.state.keys_folder / SITE_KEY
        if path.exists():
            check_private(path)
        elif self.keyring().site_key:
            self._check_site_key(self.keyring())
        if self._own:
            check_private(self._own.key_file)
            self._check_own(self._own)

    def keyring(self) -> Keyring:
        """Return what the ledger says of keys and people, up to its newest entry."""
        if self._keyring is not None:
            for sequence, kind, _ in self.paths(self._seen):
                self._take(sequence, kind)
        if self._keyring is None:
            self._seen = self.head().sequence
            self._keyring = keyring_of(self, self.state.cache_folder)
        return self._keyring

    def _take(self, sequence: int, kind: str) -> None:
        """Go on to an entry; one of a key or of people may change what those before it are worth: all is read anew."""
        if kind in KINDS:
            self._keyring = None
        self._seen = sequence

    # -- signing ------------------------------------------------------------------------------------------

    def append(self, kind: str, body: dict[str, Any]) -> Entry:
        """Add one entry as a ledger does; where the site's key signs it, ssh-keygen starts before the turn comes."""
        if self._own:
            return super().append(kind, body)
        with started_early(self.state.keys_folder / SITE_KEY) as self._early:
            return super().append(kind, body)

    def _ready(self) -> SshSigner:
        """Tell what is due, and return who signs the entry after it."""
        keyring = self.keyring()
        signer = self._sites_signer(keyring)
        if self._with_people:
            self._tell_people(signer, self.keyring())
        if self._own is None:
            return signer
        self.check_believed(self._own)
        return self._own

    def check_believed(self, own: SshSigner) -> None:
        """Raise BadInput where the ledger makes an engineer's own key nobody's now."""
        if self.keyring().valid_at(own.fingerprint(), datetime.now(UTC)) is None:
            raise BadInput(f"{OWN_KEY}: {own.key_file}: is not in force for anybody in the ledger")

    def _sites_signer(self, keyring: Keyring) -> SshSigner:
        """Return the signer with the site's key; in a ledger that names none, the key is told first."""
        if keyring.site_key is None:
            signer = site_signer(self.state.keys_folder)
            # Entries from before there were signatures are vouched for; damage of a key's entry is no reason to.
            told = any(kind == "key" for _, kind, _ in self.paths())
            adopts = None if told else self.head_told()
            self._tell_key("created", signer.public_key, signer, adopts=adopts)
            return signer
        self._check_site_key(keyring)
        return SshSigner(self.state.keys_folder / SITE_KEY, keyring.site_key, alone=True, early=self._early)

    def _check_site_key(self, keyring: Keyring) -> None:
        """Raise MachineError where the site's private key is not the one that the ledger names."""
        folder, known = self.state.keys_folder, keyring.site_key
        path = folder / SITE_KEY
        if known and (folder / NEXT_KEY).exists() and key_of(folder / NEXT_KEY) == known:
            # A program died after it had told the new key.
            take_next(folder)
        if known and not path.exists():
            raise MachineError(
                f"{path}: the site's key {known.fingerprint} is gone; put it back from where it was saved, "
                "or say so: weibao ledger keys lost"
            )
        if known and key_of(path) != known:
            raise MachineError(
                f"{path}: is {key_of(path).fingerprint}, but the ledger names {known.fingerprint} as the site's key; "
                "put that one back, or say that it is gone: weibao ledger keys lost"
            )

    def _check_own(self, own: SshSigner) -> None:
        """Raise BadInput where an engineer's key is nobody's: it may come into force with the next entry."""
        keyring, now = self.keyring(), datetime.now(UTC)
        if keyring.valid_at(own.fingerprint(), now):
            return
        today = now.astimezone().date()
        known = [one for one in load_people(self.state).people if own.public_key in map(parse_public_key, one.keys)]
        place = f"{OWN_KEY}: {own.key_file}"
        if not known:
            raise BadInput(f"{place}: {own.fingerprint()} is nobody's in {self.state.people_file}")
        if not any(one.valid_on(today) for one in known):
            raise BadInput(f"{place}: {known[0].name} is not valid in people.yml on {today}")
        if keyring.given_up(own.fingerprint()):
            raise BadInput(f"{place}: {own.fingerprint()} was given up as lost; use another key")
        if keyring.trusts and all(one.organisation == PURCHASER for one in known):
            raise BadInput(f"{place}: {known[0].name} waits for the purchaser's consent: weibao ledger keys request")

    def check_in_force(self, name: str, moment: datetime, option: str) -> None:
        """Raise Refused where a purchaser's person could not consent: the purchaser has not put them in force yet."""
        newest = next(reversed(self.keyring().trusts), None)
        if newest and not self.keyring().entitled(name, newest.sequence, moment):
            raise Refused(f"{option} {name}: waits for the purchaser's consent: weibao ledger keys request")

    # -- telling ------------------------------------------------------------------------------------------

    def tell_due(self) -> None:
        """Tell keys and people now, where that is due, without another entry after it."""
        with self._appending():
            self._ready()

    def tell_consent(self, consent: dict[str, Any], people_sha256: str) -> Entry | None:
        """Tell that the purchaser consents to people.yml of a digest; None where it is another one by now."""
        with self._appending():
            self._ready()
            if digest_of(self.state.people_file) != people_sha256:
                return None
            keyring = self.keyring()
            return self._tell_people(self._sites_signer(keyring), keyring, consent)

    def tell_key(self, step: str, key: PublicKey, *, signer: SshSigner | None = None, **told: Any) -> Entry:
        """Append an entry about a key, after what is due; a signer that is given signs it, and nothing else is told."""
        with self._appending():
            return self._tell_key(step, key, signer or self._ready(), **told)

    def site_key(self) -> PublicKey:
        """Return the site's key, made and told where there is none yet."""
        self.tell_due()
        key = self.keyring().site_key
        if key is None:
            raise MachineError(f"{self.folder}: the site's key cannot be told; see weibao ledger verify")
        return key

    def head_told(self) -> dict[str, Any] | None:
        """Return the newest entry as others name it, None in an empty ledger."""
        head = self.head()
        return {"sequence": head.sequence, "sha256": head.digest} if head.sequence else None

    def _append(self, kind: str, body: dict[str, Any], signer: Any) -> Entry:
        entry = super()._append(kind, body, signer)
        self._take(entry.sequence, entry.kind)
        return entry

    def _tell_key(self, step: str, key: PublicKey, signer: SshSigner, **told: Any) -> Entry:
        """Append an entry about a key; ``told`` is what differs from the body of a key that was merely made."""
        body = {
            "schema_version": SCHEMA_VERSION,
            "step": step,
            "fingerprint": key.fingerprint,
            "public_key": key.line,
            "holder": SITE,
            "reason": None,
            "replaces": None,
            "since": None,
            "adopts": None,
            "operator": operator(self._people()),
        }
        return self._append("key", {**body, **told}, signer)

    def _people(self) -> People:
        """Return the people of the site; nobody where the file is not in order, which is told elsewhere."""
        from runner.contract.people import People  # noqa: PLC0415 - pydantic's models take time

        try:
            return load_people(self.state)
        except BadInput:
            return People(schema_version=1)

    def _tell_people(self, signer: SshSigner, keyring: Keyring, consent: dict[str, Any] | None = None) -> Entry | None:
        """Append an entry about contract and people, where their files changed or a consent is given.

        A people.yml that is not in order, or changes right now, is told with a later entry, and those told before go
        on; contract.yml does not wait for it.
        """
        newest = keyring.trusts[-1] if keyring.trusts else None
        contract, people = digest_of(self.state.contract_file), digest_of(self.state.people_file)
        if newest and not consent and (newest.contract_sha256, newest.people_sha256) == (contract, people):
            return None
        try:
            found: People | None = load_people(self.state)
        except BadInput as error:
            LOG.warning("the ledger is not told of these people: %s", str(error).splitlines()[0])
            found = None
        if found and digest_of(self.state.people_file) == people:
            told = people_told(found)
        elif newest is None or consent or newest.contract_sha256 == contract:
            return None
        else:
            told, people = newest.people, newest.people_sha256
        body = {
            "schema_version": SCHEMA_VERSION,
            "contract_sha256": contract,
            "people_sha256": people,
            "people": [one.as_dict() for one in told],
            "changed": changed_names(newest.people, told) if newest else [],
            "consent": consent,
            "operator": operator(found or self._people()),
        }
        return self._append("trust", body, signer)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file that people wrote, None where there is none."""
    try:
        return digest(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MachineError(f"{path}: cannot be read: {error.strerror}") from error


def people_told(people: People) -> tuple[Person, ...]:
    """Return the people as a trust entry tells of them: each key without its comment."""
    return tuple(
        Person(
            *(one.name, one.duty, one.organisation, tuple(parse_public_key(key).line for key in one.keys)),
            *(one.valid_from, one.valid_to),
        )
        for one in people.people
    )


def changed_names(before: Iterable[Person], after: Iterable[Person]) -> list[str]:
    """Return the names of the purchaser's people who were added, removed or changed, sorted."""
    return sorted({one.name for one in set(of_purchaser(before)) ^ set(of_purchaser(after))})
