"""The keys of people.yml: told wrong with file and line, before any signature depends on them."""

from __future__ import annotations

import base64

import pytest

from runner.contract.load import load_people
from runner.errors import BadInput
from runner.site import Site


def key(letter: str, comment: str = "") -> str:
    blob = b"".join(len(one).to_bytes(4) + one for one in (b"ssh-ed25519", letter.encode() * 32))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {comment}".strip()


def write(site: Site, *people: tuple[str, str, str]) -> None:
    lines = [
        f'  - {{name: {name}, duty: engineer, organisation: provider, keys: ["{text}"]{more}}}\n'
        for name, text, more in people
    ]
    site.people_file.write_text("schema_version: 1\npeople:\n" + "".join(lines))


def test_a_key_may_have_a_comment(site: Site) -> None:
    write(site, ("甲", key("a", "甲 的 笔记本"), ""))
    assert load_people(site).people[0].keys == (key("a", "甲 的 笔记本"),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "begins with 'hello'"),
        ("no-pty " + key("a"), "has options before ssh-ed25519"),
        (key("a")[:-4], "ends too early"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "is a certificate"),
        ("", "is empty"),
    ],
)
def test_a_text_that_is_no_key_is_told_with_its_place(site: Site, text: str, reason: str) -> None:
    write(site, ("甲", key("a"), ""), ("乙", text, ""))
    with pytest.raises(BadInput, match=rf"people\.yml:4: people.*keys.*: .*{reason}"):
        load_people(site)


def test_one_key_is_of_one_person_at_any_time(site: Site) -> None:
    write(site, ("甲", key("a", "x"), ", valid_to: 2020-01-01"), ("乙", key("a", "y"), ", valid_from: 2021-01-01"))
    with pytest.raises(BadInput, match=r"people\.yml:4: .*乙: 甲 has the same key"):
        load_people(site)


def test_a_person_with_two_duties_has_one_key(site: Site) -> None:
    write(site, ("甲", key("a"), ""), ("甲", key("a"), ", valid_from: 2021-01-01"))
    text = site.people_file.read_text()
    site.people_file.write_text(text[::-1].replace("reenigne", "rotidua", 1)[::-1])
    assert [one.duty for one in load_people(site).people] == ["engineer", "auditor"]
