"""The fold over key and trust entries, told by bodies as the program writes them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.evidence.canonical import canonical, timestamp
from runner.evidence.keys import Keyring, consent_bytes
from runner.evidence.ledger import Entry
from runner.evidence.sshsig import APPROVAL, ENTRY
from tests.signing import QuickSigner, key_body, trust_body

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
SITE, NEXT, THIRD = QuickSigner(b"site"), QuickSigner(b"next"), QuickSigner(b"third")
ENGINEER, DIRECTOR, STRANGER = QuickSigner(b"engineer"), QuickSigner(b"director"), QuickSigner(b"stranger")


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def person(name: str, organisation: str, *signers: QuickSigner, **told: Any) -> dict[str, Any]:
    duty = "purchaser approver" if organisation == "purchaser" else "engineer"
    keys = [one.public_key.line for one in signers]
    spans = {"valid_from": None, "valid_to": None}
    return {"name": name, "duty": duty, "organisation": organisation, "keys": keys, **spans, **told}


class Told:
    """A keyring that is told one entry a day."""

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        self.keyring = Keyring(known)
        self.day = 0
        self.newest = ""

    def tell(self, kind: str, body: dict[str, Any], signer: QuickSigner = SITE) -> Told:
        content = {"time": timestamp(at(self.day)), "signer": signer.fingerprint(), "body": body}
        entry = Entry(Path(f"{self.day + 1:06d}-{kind}.json"), self.day + 1, kind, canonical(content))
        self.keyring.take(entry)
        self.day += 1
        self.newest = entry.digest
        return self

    def key(self, signer: QuickSigner, step: str = "created", by: QuickSigner | None = None, **told: Any) -> Told:
        return self.tell("key", key_body(signer.public_key, step, **told), by or signer)

    def trust(self, *people: dict[str, Any], sha256: str = "a" * 64, consent: Any = None) -> Told:
        body = {"contract_sha256": "c" * 64, "people_sha256": sha256, "people": list(people), "consent": consent}
        return self.tell("trust", body)

    def whose(self, signer: QuickSigner, day: float) -> str | None:
        holder = self.keyring.valid_at(signer.fingerprint(), at(day))
        return holder.name if holder else None

    def consent(self, signer: QuickSigner, name: str, sha256: str, previous: str = "") -> dict[str, Any]:
        content = consent_bytes(sha256, previous or self.newest)
        signature = signer.sign_as(APPROVAL, content).decode()
        return {"by": name, "public_key": signer.public_key.line, "signature": signature}

    def approvers(self) -> list[str]:
        people = self.keyring.in_force()
        assert people is not None
        return [one.name for one in people if one.organisation == "purchaser"]


def problems(told: Told) -> list[str]:
    return [problem for _, problem in told.keyring.problems]


# -- the site's key ---------------------------------------------------------------------------------------


def test_the_first_key_is_believed_from_the_beginning() -> None:
    told = Told().key(SITE)
    assert (told.whose(SITE, -100), told.whose(SITE, 100), told.whose(NEXT, 0)) == ("site", "site", None)
    assert told.keyring.site_key == SITE.public_key
    assert problems(told) == []


def test_a_replaced_key_ends_where_its_successor_begins() -> None:
    told = Told().key(SITE).key(NEXT, "replaced", by=SITE, replaces=SITE.fingerprint())
    assert [told.whose(SITE, day) for day in (0, 1, 1.1)] == ["site", "site", None]
    assert [told.whose(NEXT, day) for day in (0.9, 1, 50)] == [None, "site", "site"]
    assert told.keyring.site_key == NEXT.public_key
    assert problems(told) == []


def test_a_new_key_that_only_vouches_for_itself_is_a_problem_until_the_auditor_was_told_of_it() -> None:
    told = Told().key(SITE).key(NEXT, replaces=SITE.fingerprint())
    assert "is vouched for by no key that was known before" in problems(told)[0]
    assert told.keyring.problems[0][0] == 2
    assert told.whose(NEXT, 2) == "site", "what follows is judged by it, so that the problem is told once"
    assert problems(Told(frozenset((NEXT.fingerprint(),))).key(SITE).key(NEXT)) == []


def test_an_engineer_vouches_for_a_new_key_of_the_site() -> None:
    told = Told().key(SITE).trust(person("甲", "provider", ENGINEER)).key(NEXT, by=ENGINEER)
    assert problems(told) == []


@pytest.mark.parametrize("step", ["lost", "revoked"])
def test_a_key_that_was_given_up_is_not_believed_from_then_on_nor_ever_again(step: str) -> None:
    told = Told().key(SITE).key(NEXT, "replaced", by=SITE).key(SITE, step, by=NEXT, since=timestamp(at(0.5)))
    assert [told.whose(SITE, day) for day in (0.4, 0.6)] == ["site", None]
    assert told.keyring.given_up(SITE.fingerprint())
    told.key(SITE, "replaced", by=NEXT)
    assert "was given up before" in problems(told)[-1]
    assert told.whose(SITE, 10) is None
    told.trust(person("甲", "provider", SITE))
    assert told.whose(SITE, 10) is None


def test_nobody_dates_a_loss_ahead() -> None:
    told = Told().key(SITE).key(NEXT, "replaced", by=SITE).key(SITE, "lost", by=NEXT, since=timestamp(at(90)))
    assert told.whose(SITE, 3) is None


def test_what_was_not_signed_is_vouched_for_up_to_a_number() -> None:
    told = Told()
    told.day = 7
    told.key(SITE, adopts={"sequence": 7, "sha256": "f" * 64})
    adoption = told.keyring.adoption(7)
    assert adoption is not None
    assert (adoption.entry, adoption.by, adoption.since) == (8, "root", at(7))
    assert told.keyring.adoption(8) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"fingerprint": "SHA256:x"},
        {"public_key": "hello"},
        {"public_key": None},
        {"step": "found"},
        {"step": "lost", "since": "yesterday"},
        {"adopts": {"sequence": "x"}},
        {"adopts": 3},
    ],
)
def test_a_key_entry_of_any_content_is_a_problem_not_a_crash(wrong: dict[str, Any]) -> None:
    told = Told().tell("key", {**key_body(SITE.public_key), **wrong})
    assert len(problems(told)) == 1


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"body": {}}', b'{"body": {}, "time": "x", "signer": 1}'])
def test_an_entry_that_is_none_is_a_problem_not_a_crash(raw: bytes) -> None:
    keyring = Keyring()
    keyring.take(Entry(Path("000001-key.json"), 1, "key", raw))
    assert len(keyring.problems) == 1


# -- people -----------------------------------------------------------------------------------------------


def test_an_engineers_key_is_believed_as_long_as_a_trust_entry_tells_of_it() -> None:
    told = Told().key(SITE).trust(person("甲", "provider", ENGINEER)).trust()
    assert [told.whose(ENGINEER, day) for day in (0.5, 1, 2, 2.1)] == [None, "甲", "甲", None]
    told.trust(person("甲", "provider", ENGINEER))
    assert [told.whose(ENGINEER, day) for day in (2.5, 3, 90)] == [None, "甲", "甲"]


def test_a_duty_begins_and_ends_on_its_days() -> None:
    span = {"valid_from": "2026-03-11", "valid_to": "2026-03-20"}
    told = Told().key(SITE).trust(person("甲", "provider", ENGINEER, **span))
    assert [told.whose(ENGINEER, day) for day in (5, 11, 18, 22)] == [None, "甲", "甲", None]
    told.trust(person("甲", "provider", ENGINEER, valid_from="2026-03-11", valid_to="2026-04-20"))
    assert told.whose(ENGINEER, 22) == "甲", "the duty was prolonged before it ended"


def test_the_first_trust_entry_is_the_root() -> None:
    told = Told().key(SITE).trust(person("主任", "purchaser", DIRECTOR))
    assert told.approvers() == ["主任"]
    assert told.whose(DIRECTOR, 2) == "主任"
    assert Keyring().in_force() is None
    assert Keyring().entitled("anybody", 1, START), "before it nobody can tell"


def approver_added() -> Told:
    told = Told().key(SITE).trust(person("主任", "purchaser", DIRECTOR))
    return told.trust(person("主任", "purchaser", DIRECTOR), person("新人", "purchaser", STRANGER), sha256="b" * 64)


def test_a_purchasers_person_whom_nobody_consented_to_is_not_in_force() -> None:
    told = approver_added()
    assert told.approvers() == ["主任"]
    assert told.keyring.waits
    assert told.whose(STRANGER, 3) is None
    assert not told.keyring.entitled("新人", 3, at(3))
    assert told.keyring.entitled("主任", 3, at(3))
    told.trust(person("乙", "provider", ENGINEER), person("主任", "purchaser", DIRECTOR))
    assert not told.keyring.waits, "the change was taken back"
    assert told.whose(ENGINEER, 4) == "乙", "the provider's own people need no consent"


def test_a_purchasers_person_in_force_consents() -> None:
    told = approver_added()
    people = (person("主任", "purchaser", DIRECTOR), person("新人", "purchaser", STRANGER))
    told.trust(*people, sha256="b" * 64, consent=told.consent(DIRECTOR, "主任", "b" * 64))
    assert problems(told) == []
    assert told.approvers() == ["主任", "新人"]
    assert told.whose(STRANGER, 5) == "新人"
    assert not told.keyring.waits
    assert not told.keyring.entitled("新人", 3, at(2)), "before the consent they were not in force"
    assert told.keyring.entitled("新人", 4, at(3))


def test_a_consent_holds_while_only_the_contract_changes() -> None:
    told = approver_added()
    consent = told.consent(DIRECTOR, "主任", "b" * 64)
    people = (person("主任", "purchaser", DIRECTOR), person("新人", "purchaser", STRANGER))
    told.trust(*people, sha256="b" * 64).trust(*people, sha256="b" * 64, consent=consent)
    assert told.approvers() == ["主任", "新人"]


@pytest.mark.parametrize(
    ("signer", "name", "sha256", "reason"),
    [
        (STRANGER, "新人", "b" * 64, "not for 新人 (purchaser)"),
        (DIRECTOR, "新人", "b" * 64, "not for 新人 (purchaser)"),
        (SITE, "主任", "b" * 64, "not for 主任 (purchaser)"),
        (DIRECTOR, "主任", "d" * 64, "does not fit"),
    ],
)
def test_a_consent_of_anybody_else_or_to_anything_else_is_none(
    signer: QuickSigner, name: str, sha256: str, reason: str
) -> None:
    told = approver_added()
    people = (person("主任", "purchaser", DIRECTOR), person("新人", "purchaser", STRANGER))
    told.trust(*people, sha256="b" * 64, consent=told.consent(signer, name, sha256))
    assert reason in problems(told)[0]
    assert told.approvers() == ["主任"]


def test_a_consent_covers_the_people_who_were_told_when_it_was_signed() -> None:
    told = approver_added()
    consent = told.consent(DIRECTOR, "主任", "b" * 64)
    ours = person("我们的人", "purchaser", ENGINEER)
    told.trust(person("主任", "purchaser", DIRECTOR), ours, sha256="b" * 64, consent=consent)
    assert "is to other people, those of entry 3" in problems(told)[0]
    assert told.approvers() == ["主任"]


def test_a_consent_made_for_an_entry_is_none() -> None:
    told = approver_added()
    consent = told.consent(DIRECTOR, "主任", "b" * 64)
    content = consent_bytes("b" * 64, told.newest)
    people = (person("主任", "purchaser", DIRECTOR), person("新人", "purchaser", STRANGER))
    told.trust(*people, sha256="b" * 64, consent={**consent, "signature": DIRECTOR.sign_as(ENTRY, content).decode()})
    assert "was made for 'weibao-entry'" in problems(told)[0]


def test_an_old_consent_is_not_taken_again() -> None:
    told = approver_added()
    consent = told.consent(DIRECTOR, "主任", "b" * 64)
    both = (person("主任", "purchaser", DIRECTOR), person("新人", "purchaser", STRANGER))
    told.trust(*both, sha256="b" * 64, consent=consent)
    told.trust(both[0], sha256="a" * 64)
    gone = told.consent(DIRECTOR, "主任", "a" * 64)
    told.trust(both[0], sha256="a" * 64, consent=gone)
    assert told.approvers() == ["主任"]
    told.trust(*both, sha256="b" * 64, consent=consent)
    assert told.approvers() == ["主任"]
    assert problems(told)


def test_a_signed_paper_counts_as_consent() -> None:
    told = Told().key(SITE).trust().trust(person("主任", "purchaser"), sha256="b" * 64)
    assert told.approvers() == []
    paper = {"paper": {"name": "scan.pdf", "sha256": "e" * 64, "bytes": 1}, "vouched_by": "乙"}
    told.trust(person("主任", "purchaser"), sha256="b" * 64, consent=paper)
    assert "vouched for by '乙', who is none of the people" in problems(told)[0]
    assert told.approvers() == []
    both = (person("主任", "purchaser"), person("乙", "provider"))
    told.tell("trust", trust_body(*both, consent=paper))
    assert told.approvers() == ["主任"]
    ((entry, words, kind),) = told.keyring.remarks
    assert (entry, kind) == (5, "paper")
    assert "SHA-256 eeeeeeeeeeeeeeee…: 乙 vouches for it, root entered it, nobody signed" in words
    how = told.keyring.entering("主任", 5)
    assert how is not None
    assert (how.entry, how.on_paper, how.root) == (5, True, False)


def test_who_else_ends_a_key_of_the_purchasers_is_told() -> None:
    told = Told().key(SITE).trust(person("主任", "purchaser", DIRECTOR)).key(DIRECTOR, "lost", by=SITE, holder="主任")
    ((entry, words, kind),) = told.keyring.remarks
    assert (entry, kind) == (3, "key_ended")
    assert "of 主任, a person of the purchaser, is lost; site signed that, not they" in words
    told = Told().key(SITE).trust(person("主任", "purchaser", DIRECTOR)).key(DIRECTOR, "lost", holder="主任")
    assert told.keyring.remarks == []


@pytest.mark.parametrize("wrong", [{"people": [{"name": "x"}]}, {"people": 3}, {"people": [3]}])
def test_a_trust_entry_of_any_content_is_a_problem_not_a_crash(wrong: dict[str, Any]) -> None:
    body = {"contract_sha256": None, "people_sha256": None, "people": [], "consent": None}
    assert len(problems(Told().tell("trust", {**body, **wrong}))) == 1


# -- for ssh-keygen ---------------------------------------------------------------------------------------


def test_ssh_keygen_judges_by_the_written_file_as_the_fold_does(tmp_path: Path) -> None:
    told = Told().key(SITE).trust(person('甲 "x" *', "provider", ENGINEER, valid_to="2026-03-20"))
    told.key(NEXT, "replaced", by=SITE)
    (tmp_path / "signers").write_text(told.keyring.allowed_signers())
    (tmp_path / "unmarked").write_text(told.keyring.allowed_signers(marked=False))
    judged = 0
    for signer, principal in ((SITE, "site"), (NEXT, "site"), (ENGINEER, "甲 _x_ _"), (STRANGER, "site")):
        (tmp_path / "it.sig").write_bytes(signer.sign(b"x"))
        for day in (0.5, 1.5, 2.5, 40):
            expected = told.keyring.valid_at(signer.fingerprint(), at(day)) is not None
            for name, mark, zone in (("signers", "Z", "Asia/Shanghai"), ("unmarked", "", "UTC0")):
                moment = f"-Overify-time={at(day):%Y%m%d%H%M%S}{mark}"
                arguments = ("-Y", "verify", "-f", name, "-I", principal, "-n", ENTRY, "-s", "it.sig", moment)
                command = ("env", f"TZ={zone}", "ssh-keygen", *arguments)
                result = subprocess.run(command, input=b"x", cwd=tmp_path, capture_output=True, check=False)
                assert (result.returncode == 0) is expected, (principal, day, result.stderr)
                judged += expected
    assert judged == 2 * 6
