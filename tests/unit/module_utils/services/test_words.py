"""Whatever a service can do wrong has words that a person understands."""

from __future__ import annotations

import re
from pathlib import Path

import module_utils.services
from module_utils.services import connecting, tls
from reports.catalogue import LANGUAGES, load_catalogue

TABLES = load_catalogue("zh").tables
SOURCES = "".join(path.read_text() for path in Path(module_utils.services.__file__).parent.glob("*.py"))


def test_every_problem_is_worded():
    given = set(re.findall(r'Unanswered\("([a-zA-Z ]+)"\)', SOURCES)) | set(re.findall(r'step = "([a-z ]+)"', SOURCES))
    given |= set(re.findall(r'return Unanswered\("([^"]+)" if \w+ else "([^"]+)"', SOURCES))
    given |= {*connecting.PROBLEMS.values(), *tls.PROBLEMS.values(), *tls.OF_AUTHORITIES}
    given |= {"unknown host name", "name servers gave no answer", "too old for today's clients"}
    assert {"no answer in time", "not an HTTP answer"} <= given
    for problem in given:
        assert set(TABLES["names"][problem]) == set(LANGUAGES), problem


def test_every_reason_is_worded():
    given = set(re.findall(r'\["(\w+)", \{', SOURCES))
    assert {"no_answer", "not_trusted", "too_large"} <= given
    assert given <= set(TABLES["reasons"])


def test_states_of_units_are_worded():
    for state in ("active", "inactive", "failed", "activating", "not-found", "masked", "auto-restart", "exit-code"):
        assert set(TABLES["names"][state]) == set(LANGUAGES), state
