"""Whom a trust entry changed, held against the people in force before it."""

from __future__ import annotations

from typing import Any

from runner.operations.entry_words import changes_of_people
from tests.unit.runner.evidence.test_keys import SITE, Told, person, trust_body

PAPER = {"paper": {"name": "p.pdf", "sha256": "e" * 64, "bytes": 3}, "vouched_by": "甲"}


def changes(told: Told) -> list[dict[str, Any]]:
    return list(changes_of_people(told.keyring).values())


def test_a_change_of_the_purchasers_people_waits_and_the_consent_tells_it_once_more() -> None:
    told = Told().key(SITE)
    first, both = (person("主任", "purchaser"),), (person("主任", "purchaser"), person("新人", "purchaser"))
    our = (person("甲", "provider"),)
    told.tell("trust", trust_body(*first, *our))
    told.tell("trust", trust_body(*both, *our))
    told.tell("trust", trust_body(*both, *our, person("乙", "provider")))
    told.tell("trust", trust_body(*both, *our, person("乙", "provider"), consent=PAPER))
    added = {"added": ["新人"], "removed": [], "changed": []}
    assert changes(told) == [
        {"state": "first"},
        {"state": "waits", "changes": {**added, "others": []}},
        {"state": "waits", "changes": {**added, "others": ["乙"]}},
        {"state": "in_force", "changes": {**added, "others": []}},
    ]


def test_who_goes_or_has_another_duty_is_told_apart() -> None:
    told = Told().key(SITE)
    told.tell("trust", trust_body(person("主任", "purchaser"), person("旧人", "purchaser"), person("甲", "provider")))
    other = {**person("主任", "purchaser"), "valid_to": "2027-01-01"}
    told.tell("trust", trust_body(other, person("甲", "provider"), consent=PAPER))
    told.tell("trust", trust_body(other, person("甲", "provider")))
    _, second, third = changes(told)
    assert second["changes"] == {"added": [], "removed": ["旧人"], "changed": ["主任"], "others": []}
    assert third == {"state": "in_force", "changes": {"nobody": ["—"]}}
