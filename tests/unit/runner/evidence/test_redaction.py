from __future__ import annotations

import base64
import json
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.evidence.redaction import MINIMUM_LENGTH, Redactor, compact

SECRET = 'pä"ss/wörd+\n1'
secrets = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=MINIMUM_LENGTH, max_size=40)
padding = st.binary(max_size=8)


@pytest.mark.parametrize(
    "hidden",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps({"inner": SECRET}),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode()).decode(),
        base64.urlsafe_b64encode(b"xy" + SECRET.encode() + b"tail").decode(),
        SECRET.encode().hex(),
        repr(SECRET),
    ],
)
def test_every_form_of_a_secret_is_replaced(hidden: str) -> None:
    redactor = Redactor({"db_password": SECRET})
    line = redactor.line({"res": {"stdout": f"before {hidden} after"}})
    assert hidden not in json.loads(line)["res"]["stdout"]
    assert "[redacted: db_password]" in line
    assert redactor.counts["db_password"] >= 1


def test_keys_lists_and_numbers_are_redacted_and_the_line_stays_json() -> None:
    line = Redactor({"pin": "12345678"}).line({"12345678": [12345678, 12345678.5], "other": 1234})
    assert json.loads(line) == {"[redacted: pin]": ["[redacted: pin]", "[redacted: pin].5"], "other": 1234}


def test_a_long_line_of_a_secret_is_redacted_alone() -> None:
    key = "-----BEGIN KEY-----\nMIIBVAIBADANBgkqhkiG\n-----END KEY-----"
    assert "MIIBVAIB" not in Redactor({"key": key}).line("error near MIIBVAIBADANBgkqhkiG")


def test_short_secrets_are_named_and_leave_words_alone() -> None:
    redactor = Redactor({"password": "root", "empty": ""})
    assert redactor.line({"user": "root"}) == '{"user":"root"}'
    assert redactor.too_short == ("password",)


@given(secrets, padding, padding)
def test_base64_hides_a_secret_at_no_offset(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    assert Redactor({"s": secret}).text(encoded) != encoded


@given(st.dictionaries(st.sampled_from(string.ascii_letters), secrets, max_size=3), st.text(), st.text())
def test_redacting_never_fails_and_leaves_no_secret(known: dict[str, str], before: str, after: str) -> None:
    redactor = Redactor(known)
    for secret in known.values():
        value = json.loads(redactor.line({"text": before + secret + after}))["text"]
        if not any(secret in f"[redacted: {name}]" for name in known):
            assert secret not in value


def test_what_json_cannot_say_becomes_text() -> None:
    assert json.loads(compact({"nan": float("nan"), "object": {1, 2}.__class__, "lone": "\ud800"})) == {
        "nan": "nan",
        "object": "<class 'set'>",
        "lone": "?",
    }
