"""Makes what servers say fit to leave the host: statements without literals, errors without rows and passwords."""

import re
from typing import Match

from ..masking import mask

STATEMENT_LENGTH = 300
MESSAGE_LENGTH = 300

_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|\Z)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|\Z)", re.S)
#: What may hold quotes: names, comments, texts. Whichever begins first ends first.
_TOKEN = re.compile(r"(?P<name>`[^`]*(?:`|\Z))|(?P<comment>/\*.*?(?:\*/|\Z)|(?:--\s|#)[^\n]*)|" + _TEXT.pattern, re.S)
_NUMBER = re.compile(r"(?<![\w`.])(?:0x[0-9a-f]+|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)(?![\w`])", re.I)
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")

#: How replication reports a statement: it quotes the error and the statement without escaping the quotes in them.
_ON_QUERY = re.compile(
    r"Error '(?P<error>.*?)' on query\. Default database: '(?P<schema>.*?)'\. Query: '(?P<statement>.*)", re.S
)


def skeleton(statement: str) -> str:
    """Return a statement without its comments, each literal replaced by ``?``, cut to STATEMENT_LENGTH."""
    bare = _NUMBER.sub("?", _TOKEN.sub(_without_text, statement))
    bare = _LIST.sub("?, ...", " ".join(bare.split()))
    return mask(bare)[:STATEMENT_LENGTH]


def _without_text(token: Match[str]) -> str:
    return token.group("name") or (" " if token.group("comment") else "?")


def error(text: str) -> str:
    """Return a server's error on one line, masked, a statement in it without its literals, cut to MESSAGE_LENGTH."""
    found = _ON_QUERY.search(text)
    if found is None:
        return " ".join(mask(text).split())[:MESSAGE_LENGTH]
    before = " ".join(mask(text[: found.start()]).split())
    # An error that names a row's value or an account quotes it: no quotes, no literals.
    cause = _TEXT.sub("?", found.group("error"))
    parts = [before, "Error: %s." % mask(cause)[:MESSAGE_LENGTH], "Statement: %s" % skeleton(found.group("statement"))]
    return " ".join(part for part in parts if part)[: MESSAGE_LENGTH + STATEMENT_LENGTH]
