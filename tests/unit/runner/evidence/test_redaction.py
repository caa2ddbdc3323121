from __future__ import annotations

import base64
import html
import json
import re
import shlex
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from runner.evidence.redaction import MINIMUM_LENGTH, Redactor, compact, forms_of

# Whole groups of three bytes: in base64 too, no character of it says something of a neighbour.
SECRET = "pä\"ss/wörd+'<\n12"
MARK = "[redacted: s]"
secrets = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=MINIMUM_LENGTH, max_size=40).filter(
    lambda text: len(text.strip()) >= MINIMUM_LENGTH
)
padding = st.binary(max_size=8)


def lower(escaped: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)


def inside(text: str) -> str:
    return text[1:-1]


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: lower(quote(text, safe="")),
    "percent, slashes kept": quote,
    "form": quote_plus,
    "json": lambda text: inside(json.dumps(text)),
    "json, not ASCII": lambda text: inside(json.dumps(text, ensure_ascii=False)),
    "json in json": lambda text: inside(json.dumps(inside(json.dumps(text)))),
    "json in json, not ASCII": lambda text: inside(
        json.dumps(inside(json.dumps(text, ensure_ascii=False)), ensure_ascii=False)
    ),
    "python": lambda text: inside(repr(text)),
    "python beside both quotes": lambda text: inside(repr("'\"" + text))[3:],
    "shell": lambda text: inside(shlex.quote(text)),
    "sql": lambda text: text.replace("'", "''"),
    "html by Python": html.escape,
    "html by Jinja": lambda text: str(escape(text)),
    "xml": lambda text: html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_secret_is_replaced_as_a_whole(form: str) -> None:
    hidden = FORMS[form](SECRET)
    redactor = Redactor({"db_password": SECRET})
    line = redactor.line({"res": {"stdout": f"before <{hidden}> after"}})
    assert json.loads(line) == {"res": {"stdout": "before <[redacted: db_password]> after"}}
    assert redactor.text(f"<{hidden}>") == "<[redacted: db_password]>"
    assert redactor.counts == {"db_password": 2}


@pytest.mark.parametrize("around", ["root-word\n", "\n  root-word \n", "root-word"])
def test_space_around_a_secret_is_not_part_of_it(around: str) -> None:
    redactor = Redactor({"s": around})
    encoded = base64.b64encode(b"root-word").decode()
    assert redactor.text(f"-proot-word {encoded}") == f"-p{MARK} {MARK}"


def test_a_secret_that_needs_no_quoting_keeps_its_ends() -> None:
    assert Redactor({"s": "abcdefgh"}).text("bcdefg") == "bcdefg"


def test_keys_and_lists_are_redacted_and_numbers_only_as_a_whole() -> None:
    line = Redactor({"pin": "12345678"}).line(
        {"res": {"12345678": [12345678, 123456789, 0.12345678, "a12345678", True, None]}, "other": 1234}
    )
    assert json.loads(line) == {
        "res": {"[redacted: pin]": ["[redacted: pin]", 123456789, 0.12345678, "a[redacted: pin]", True, None]},
        "other": 1234,
    }


def test_what_makes_a_record_readable_again_is_never_redacted() -> None:
    known = {"a": "critical", "b": "123456", "c": "subject", "d": "event_data", "e": "observations"}
    record = {
        "level": "critical",
        "time": "2026-03-01T10:00:00.123456+00:00",
        "subject": "a subject is critical",
        "limits": {"critical": 95},
        "event_data": {"res": {"observations": 3}},
    }
    line = Redactor(known).line(record, plain=frozenset({"level", "time"}))
    assert json.loads(line) == {**record, "subject": "a [redacted: c] is [redacted: a]"}


def test_a_long_line_of_a_secret_is_redacted_alone() -> None:
    key = "-----BEGIN KEY-----\nMIIBVAIBADANBgkqhkiG\n-----END KEY-----"
    assert Redactor({"s": key}).text("error near MIIBVAIBADANBgkqhkiG") == f"error near {MARK}"


def test_short_secrets_are_named_and_leave_words_alone() -> None:
    redactor = Redactor({"password": "root", "spaced": " root \n", "empty": "", "blank": " " * 8})
    assert redactor.line({"user": "root        "}) == '{"user":"root        "}'
    assert redactor.too_short == ("password", "spaced")


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    redactor = Redactor({"one": "abcdefgh", "two": "efghijkl"})
    assert redactor.text("-abcdefghijkl-") == "-[redacted: one]-"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mysql://root:geheim@db:3306/his", "mysql://root:[redacted: userinfo]@db:3306/his"),
        ("http://:geheim@proxy", "http://:[redacted: userinfo]@proxy"),
        (
            "at https://a:b%40c@d and https://e:f@g",
            "at https://a:[redacted: userinfo]@d and https://e:[redacted: userinfo]@g",
        ),
        ("ssh://git@host:22/path and 10:30 a@b", "ssh://git@host:22/path and 10:30 a@b"),
        (f"mysql://root:{quote(SECRET, safe='')}@db", f"mysql://root:{MARK}@db"),
    ],
)
def test_the_password_of_a_url_is_a_secret_whoever_knows_it(text: str, shown: str) -> None:
    redactor = Redactor({"s": SECRET})
    assert redactor.text(text) == shown
    assert json.loads(redactor.line({"msg": [text]})) == {"msg": [shown]}
    assert ("userinfo" in redactor.counts) == ("userinfo" in shown)


def test_a_lone_surrogate_neither_fails_nor_hides_a_secret() -> None:
    secret = b"caf\xe9-password".decode("utf-8", "surrogateescape")
    redactor = Redactor({"s": secret})
    assert json.loads(redactor.line({"text": f"\ud800 {secret}"})) == {"text": f"? {MARK}"}


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(secret=secrets, before=padding, after=padding)
def test_base64_hides_a_secret_at_no_offset(
    encode: Callable[[bytes], bytes], secret: str, before: bytes, after: bytes
) -> None:
    secret = secret.strip()
    encoded = encode(before + secret.encode() + after).decode()
    # The characters that hold bits of the secret alone.
    core = encoded[-(-8 * len(before) // 6) : 8 * len(before + secret.encode()) // 6]
    redacted = Redactor({"s": secret}).text(encoded)
    assert core not in redacted
    assert len(redacted.replace(MARK, "")) <= len(encoded) - len(core)


few = st.text("ab", min_size=MINIMUM_LENGTH, max_size=13)


@given(st.lists(few, min_size=1, max_size=4), st.text("ab", max_size=60))
def test_exactly_what_belongs_to_a_form_is_replaced(known: list[str], text: str) -> None:
    covered: set[int] = set()
    for form in {form for secret in known for form in forms_of(secret)}:
        for found in re.finditer(f"(?={re.escape(form)})", text):
            covered.update(range(found.start(), found.start() + len(form)))
    redacted = Redactor({string.ascii_letters[place]: secret for place, secret in enumerate(known)}).text(text)
    kept = "".join(one for place, one in enumerate(text) if place not in covered)
    assert re.sub(r"\[redacted: .\]", "", redacted) == kept
    assert ("[redacted" in redacted) == bool(covered)


@given(st.dictionaries(st.sampled_from(string.ascii_letters), secrets, max_size=3), st.text(), st.text())
def test_redacting_never_fails_and_leaves_no_secret(known: dict[str, str], before: str, after: str) -> None:
    redactor = Redactor(known)
    for secret in known.values():
        value = json.loads(redactor.line({"text": before + secret + after}))["text"]
        for piece in re.split(r"\[redacted: [a-zA-Z]\]", value):
            assert secret.strip() not in piece


def test_what_json_cannot_say_becomes_text() -> None:
    assert json.loads(compact({"nan": float("nan"), "object": {1, 2}.__class__, "lone": "\ud800"})) == {
        "nan": "nan",
        "object": "<class 'set'>",
        "lone": "?",
    }
