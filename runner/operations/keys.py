"""Use case: keys change, are lost, and people come into force; every step is an entry of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.contract.load import load_people
from runner.errors import BadInput, MachineError
from runner.evidence.canonical import timestamp
from runner.evidence.index import entry_lines
from runner.evidence.keys import BEGINNING, KINDS, SITE, ConsentError, Keyring, consent_bytes
from runner.evidence.ledger import Ledger
from runner.evidence.signers import keyring_of
from runner.evidence.signing import OWN_KEY, SITE_KEY, SshSigner, key_of, next_signer, own_signer, take_next
from runner.evidence.trust import PURCHASER, of_purchaser
from runner.operations.attachments import examine, keep, writing
from runner.operations.book import Book, changed_names, digest_of, open_book
from runner.public_key import parse_public_key

if TYPE_CHECKING:
    from pathlib import Path

    from runner.evidence.ledger import Entry
    from runner.evidence.trust import Person
    from runner.public_key import PublicKey
    from runner.site import Site


@dataclass(frozen=True)
class Shown:
    """The keys of a ledger, the people in force, and the changes that wait for the purchaser's consent.

    ``at_hand`` tells whether the private half of the site's key lies here.
    """

    keyring: Keyring
    in_force: tuple[Person, ...]
    waiting: tuple[str, ...]
    at_hand: bool


@dataclass(frozen=True)
class Request:
    """What a purchaser's person is to sign, and whose change it is about."""

    content: bytes
    people_sha256: str
    changed: tuple[str, ...]
    added: tuple[Person, ...] = ()
    removed: tuple[Person, ...] = ()


@dataclass(frozen=True)
class Loss:
    """What a person tells of a key: ``fingerprint`` None is the site's; ``stolen``, somebody else may have it."""

    reason: str
    fingerprint: str | None = None
    since: str | None = None
    stolen: bool = False
    adopt: bool = False


def show_keys(site: Site) -> Shown:
    """Return what the ledger says of keys and people; raises MachineError where it cannot be read."""
    keyring = keyring_of(Ledger(site.ledger_folder, site.name), site.cache_folder)
    at_hand = (site.keys_folder / SITE_KEY).exists()
    return Shown(keyring, keyring.in_force() or (), _waiting(keyring), at_hand)


def _waiting(keyring: Keyring) -> tuple[str, ...]:
    if not keyring.waits:
        return ()
    return tuple(changed_names(keyring.in_force() or (), keyring.trusts[-1].people))


# -- keys of people ---------------------------------------------------------------------------------------


def add_key(site: Site, name: str, path: Path) -> Entry:
    """Tell the ledger that a person of people.yml has a key now, and return the entry.

    Raises BadInput where the file holds no public key, another person has it, or people.yml does not give it to them:
    then the message has the line to put there.
    """
    key = _given_key(path)
    people = load_people(site).people
    if not any(one.name == name for one in people):
        raise BadInput(f"NAME {name}: is not in {site.people_file}")
    holders = {one.name for one in people if key in map(parse_public_key, one.keys)}
    if holders - {name}:
        raise BadInput(f"FILE {path}: is the key of {holders.pop()}")
    if not holders:
        line = f"{key.line} {key.comment}".strip()
        raise BadInput(f"{site.people_file}: {name} does not have this key yet; put it there: keys: [{line}]")
    book = open_book(site)
    if book.keyring().given_up(key.fingerprint):
        raise BadInput(f"FILE {path}: {key.fingerprint} was given up as lost; make another key")
    _check_teller(book, own_signer(), name)
    return book.tell_key("created", key, holder=name)


def _given_key(path: Path) -> PublicKey:
    try:
        return parse_public_key(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"FILE {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"FILE {path}: {error}") from error


# -- the site's key ---------------------------------------------------------------------------------------


def replace_key(site: Site, reason: str | None) -> Entry:
    """Make a new key for the site, told by the old one, which is gone afterwards; return the entry.

    Raises MachineError where the old key cannot sign, or the disk does not take it: then the old one goes on.
    """
    book = Book(site)
    book.check()
    old = book.site_key()
    following = next_signer(site.keys_folder)
    entry = book.tell_key("replaced", following.public_key, reason=reason, replaces=old.fingerprint)
    take_next(site.keys_folder)
    return entry


def lose_key(site: Site, loss: Loss) -> list[Entry]:
    """Tell that a key is lost or stolen: nothing that it signs from then on is believed; return the entries.

    A site's key has a successor at once. The old one tells it where it can; else an engineer's own key, in
    WEIBAO_SIGNING_KEY; else the new one itself, which ``ledger verify`` finds until the auditor was told its
    fingerprint by other means. Where a program died between the two, the loss that is missing is told, and the new key
    goes on. Raises BadInput for a key that the ledger does not know.
    """
    book = Book(site)
    keyring = book.keyring()
    now = datetime.now(UTC)
    known = {one.holder.key.fingerprint: one.holder for one in keyring.spans()}
    fingerprint = loss.fingerprint or _unfinished(book) or (keyring.site_key.fingerprint if keyring.site_key else "")
    if fingerprint not in known:
        raise BadInput(f"--key {fingerprint or SITE}: is not in the ledger; see weibao ledger keys show")
    if keyring.given_up(fingerprint):
        raise BadInput(f"--key {fingerprint}: was given up already")
    holder = known[fingerprint]
    told: dict[str, Any] = {
        "reason": loss.reason,
        "holder": holder.name,
        "since": timestamp(_moment(loss.since, now)) if loss.since else None,
        "adopts": book.head_told() if loss.adopt else None,
    }
    entries = []
    if keyring.site_key and fingerprint == keyring.site_key.fingerprint:
        entries.append(_succeed(book, keyring.site_key, loss))
    entries.append(book.tell_key("revoked" if loss.stolen else "lost", holder.key, **told))
    return entries


def _unfinished(book: Book) -> str | None:
    """Return the site's key that was lost, where it has a successor and a program died before it told the loss."""
    keyring = book.keyring()
    for _, kind, _, body, _ in entry_lines(book, book.state.cache_folder, KINDS):
        key = keyring.site_key
        if kind == "key" and key and (body.get("fingerprint"), body.get("step")) == (key.fingerprint, BEGINNING[0]):
            old = body.get("replaces")
            return old if isinstance(old, str) and not keyring.given_up(old) else None
    return None


def _succeed(book: Book, old: PublicKey, loss: Loss) -> Entry:
    """Give the site a new key in the place of one that is lost."""
    folder = book.state.keys_folder
    following = next_signer(folder)
    # What somebody else may have vouches for nothing.
    teller = _own(book) or (_old(book, old) if not (loss.stolen or loss.since) else None) or following
    # By "created", and no "replaced", a program that goes on after this one died knows that a loss is to be told.
    entry = book.tell_key(
        BEGINNING[0], following.public_key, reason=loss.reason, replaces=old.fingerprint, signer=teller
    )
    take_next(folder)
    return entry


def _old(book: Book, old: PublicKey) -> SshSigner | None:
    """Return the signer with the old key, where it is still there."""
    path = book.state.keys_folder / SITE_KEY
    try:
        return SshSigner(path, old, alone=True) if key_of(path) == old else None
    except MachineError:
        return None


def _own(book: Book) -> SshSigner | None:
    """Return the signer with the engineer's own key, if the environment names one; raises BadInput if nobody's is."""
    own = own_signer()
    if own:
        book.check_believed(own)
    _check_teller(book, own, SITE)
    return own


def _check_teller(book: Book, own: SshSigner | None, name: str) -> None:
    """Raise BadInput where a person of the purchaser would tell of another's key: nobody would believe that entry."""
    holder = book.keyring().valid_at(own.fingerprint(), datetime.now(UTC)) if own else None
    if own and holder and holder.organisation == PURCHASER and holder.name != name:
        place = f"{OWN_KEY}: {own.key_file}"
        raise BadInput(f"{place}: {holder.name} is of the purchaser, and tells of no keys but their own")


def _moment(text: str, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f'--since {text}: is no time; write 2026-03-04 or "2026-03-04 10:15"') from None
    found = found.astimezone(UTC)
    if found > now:
        raise BadInput(f"--since {text}: lies in the future")
    return found


# -- the purchaser's people -------------------------------------------------------------------------------


def request_consent(site: Site) -> Request:
    """Tell the ledger what changed, and return what a purchaser's person in force is to sign.

    Raises BadInput where nothing waits for consent.
    """
    book = open_book(site)
    book.tell_due()
    return _request(site, book)


def save_request(request: Request, path: Path) -> None:
    """Write what is to be signed to a new file.

    Raises BadInput where the file is there already, MachineError where it cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(request.content)
    except FileExistsError:
        raise BadInput(f"--output {path}: is there already; nothing is overwritten") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror}") from error


def _request(site: Site, book: Book) -> Request:
    keyring = book.keyring()
    newest = keyring.trusts[-1] if keyring.trusts else None
    if newest is None or not keyring.waits:
        raise BadInput("nothing waits for the purchaser's consent")
    if newest.people_sha256 is None or newest.people_sha256 != digest_of(site.people_file):
        raise BadInput(f"{site.people_file}: is not in order, or changes right now; see weibao site check")
    content = consent_bytes(newest.people_sha256, newest.sha256)
    before, after = of_purchaser(keyring.in_force() or ()), of_purchaser(newest.people)
    added, removed = (one for one in after if one not in before), (one for one in before if one not in after)
    return Request(content, newest.people_sha256, _waiting(keyring), tuple(added), tuple(removed))


def accept_signature(site: Site, name: str, path: Path) -> Entry:
    """Put the purchaser's people in force whom one of them signed for, and return the entry.

    Raises BadInput where nothing waits, or the signature is not theirs over what waits.
    """
    try:
        signature = path.read_bytes().replace(b"\r\n", b"\n").strip() + b"\n"
    except OSError as error:
        raise BadInput(f"--signature {path}: cannot be read: {error.strerror}") from error
    book = open_book(site)
    request = _pending(site, book)
    try:
        key, previous = book.keyring().check_consent(name, signature, request.people_sha256, datetime.now(UTC))
    except ConsentError as error:
        raise BadInput(f"--signature {path}: {error}") from error
    told = {"by": name, "public_key": key.line, "signature": signature.decode(), "previous": previous}
    return _accepted(site, book, request, told)


def accept_paper(site: Site, path: Path, vouched_by: str) -> Entry:
    """Put the purchaser's people in force for whom there is a signed paper, which is kept, and return the entry.

    Raises BadInput where nothing waits, or who vouches for it is not a person of people.yml.
    """
    given = examine((path,), "--paper")
    if not any(one.name == vouched_by for one in load_people(site).people):
        raise BadInput(f"--vouched-by {vouched_by}: is not in {site.people_file}")
    book = open_book(site)
    request = _pending(site, book)
    with writing(site):
        paper = keep(given, site.attachments_folder)[0]
    return _accepted(site, book, request, {"paper": paper, "vouched_by": vouched_by})


def _pending(site: Site, book: Book) -> Request:
    """Return what waits, the files as they are now told; a change that nobody was asked about is asked about first."""
    book.tell_due()
    return _request(site, book)


def _accepted(site: Site, book: Book, request: Request, consent: dict[str, Any]) -> Entry:
    entry = book.tell_consent(consent, request.people_sha256)
    if entry is None:
        raise BadInput(f"{site.people_file}: changes right now; ask for consent again")
    return entry
