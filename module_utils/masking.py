"""Masks personal data and secrets in text that leaves a host: log messages and statements.

What is masked: identity numbers of mainland China (GB 11643: 18 digits, and the older 15), mobile and landline phone
numbers, e-mail addresses, user names and passwords and query strings of URLs, values of keys that name a person or a
secret, and string literals of SQL statements and of the database errors that repeat a row's values. Network addresses
and host names stay: without them a log says nothing.
"""

import re
from typing import List, Pattern, Tuple

#: Longer text is cut before masking, at a space, so that no number is cut in two and slips through.
LONGEST = 4000

_FULL_WIDTH = {0xFF10 + digit: ord("0") + digit for digit in range(10)}
_FULL_WIDTH.update({0xFF20: ord("@"), 0xFF0D: ord("-"), 0xFF38: ord("X"), 0xFF58: ord("x")})

_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_UNITS = r"(?!(?:service|socket|timer|mount|automount|scope|slice|target|path|device|swap)\b)"

_SECRETS = (
    r"pass(?:word|wd|phrase)?|pwd|secret|client_secret|token|access_token|refresh_token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|credentials?|session_?id|j?sessionid|cookie"
)
_PERSONS = (
    r"patient_?(?:name|id)?|(?:real|full|user|contact|guardian|doctor)_?name|name_cn|xing_?ming"
    r"|id_?(?:card|no|number)(?:_?(?:no|number))?|card_?no|cert_?no|sfzh|phone(?:_?(?:no|number))?|mobile|telephone|tel"
    r"|address|addr_detail|birth(?:day|date|_?day|_?date)?"
)
_VALUE = r"(?:\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s,;&}\])]+)"

#: Each pattern and what takes its place; the order matters: what is wider goes first.
_RULES: List[Tuple[Pattern[str], str]] = [
    (re.compile(r"([a-z][a-z0-9+.-]{1,20}://)[^\s/@]*@", re.I), r"\1[user]@"),
    (re.compile(r"((?:[a-z][a-z0-9+.-]{1,20}:/)?/[^\s?\"'<>]*)\?[^\s\"'<>]+", re.I), r"\1?[query]"),
    (re.compile(r"\b((?:proxy-)?authorization[\"']?\s*[=:]\s*)[\"']?(?:[a-z]+\s+)?[^\s\"',]+", re.I), r"\1[secret]"),
    (re.compile(r"\b((?:bearer|basic)\s+)[a-z0-9._~+/-]{8,}=*", re.I), r"\1[secret]"),
    (
        re.compile(
            r"(?<![a-z0-9])((?:[a-z0-9]{1,20}[_.-]){0,4}(?:%s)[\"']?\s*[=:]\s*)(?!\[secret\])%s" % (_SECRETS, _VALUE),
            re.I,
        ),
        r"\1[secret]",
    ),
    (
        re.compile(
            r"(?<![a-z0-9])((?:[a-z0-9]{1,20}[_.-]){0,4}(?:%s)[\"']?\s*[=:]\s*)(?!\[person\])%s" % (_PERSONS, _VALUE),
            re.I,
        ),
        r"\1[person]",
    ),
    (re.compile(r"[a-z0-9._%%+-]+@(?:[a-z0-9-]+\.)+%s[a-z][a-z0-9-]*" % _UNITS, re.I), "[e-mail]"),
    (re.compile(r"(?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}%s[0-9]{3}[0-9Xx](?![0-9])" % _MONTH_DAY), "[identity]"),
    (re.compile(r"(?<![0-9])[1-9][0-9]{7}%s[0-9]{3}(?![0-9])" % _MONTH_DAY), "[identity]"),
    (re.compile(r"(?<![0-9])(?:\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])"), "[phone]"),
    (re.compile(r"(?<![0-9.])\(?0[1-9][0-9]{1,2}(?:\)|[ -]|\) )?[2-9][0-9]{6,7}(?![0-9])"), "[phone]"),
]

#: Text that is a statement, or a database's error that repeats a row's values.
_STATEMENT = re.compile(
    r"\b(?:select\b.{1,2000}?\bfrom|insert\s+(?:ignore\s+)?into|replace\s+into|update\b.{1,2000}?\bset|delete\s+from"
    r"|values?\s*\(|where|call\s+\w+\s*\(|duplicate entry|incorrect \w+ value|data too long|near ['\"]"
    r"|truncated incorrect|failing row|already exists|is not present in table|statement|query"
    r"|identified\s+(?:by|with))",
    re.I | re.S,
)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|$)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|$)", re.S)
_ROW = re.compile(r"(Failing row contains |Key \([^)]*\)=)\([^\n]*?\)(?=[ .]|$)")


def mask(text: str) -> str:
    """Return the text with personal data and secrets replaced by what they were, in brackets.

    Text longer than LONGEST characters is cut.
    """
    if len(text) > LONGEST:
        text = re.sub(r"\S*\Z", "", text[:LONGEST])
    text = text.translate(_FULL_WIDTH)
    if _STATEMENT.search(text):
        text = _ROW.sub(r"\1([text])", text)
        text = _LITERAL.sub("'[text]'", text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
