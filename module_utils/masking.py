"""Masks personal data and secrets in text that leaves a host: log messages, errors, statements, names of files.

What is masked: identity numbers of mainland China (GB 11643: 18 digits, and the older 15), bank cards of UnionPay,
mobile and landline phone numbers, e-mail addresses, user names and passwords and query strings of URLs, values of keys
that name a person or a secret (English, Chinese, pinyin), passwords of command lines, Chinese names behind such words,
in quotes and in paths, segments of HL7 about persons, and string literals of SQL statements and of the database errors
that repeat a row's values. Network addresses and host names stay: without them a log says nothing. Names in Latin
letters without a key cannot be told from other words, and stay.
"""

import re
from functools import lru_cache
from typing import Callable, List, Match, Pattern, Tuple, Union

from .personal_words import (
    CHINESE_SUFFIX,
    CREDENTIAL_KEYS,
    CREDENTIAL_KEYS_CHINESE,
    HAN,
    IS_CHINESE,
    NAME_KEYS,
    NAME_KEYS_CHINESE,
    PERSON_KEYS,
    PERSON_KEYS_CHINESE,
    RECORDS,
    RECORDS_CHINESE,
    SURNAME,
)

#: Longer text is cut before masking, at a space, so that no number is cut in two and slips through.
LONGEST = 4000

_FULL_WIDTH = {0xFF10 + digit: ord("0") + digit for digit in range(10)}
_FULL_WIDTH.update({0xFF20: ord("@"), 0xFF0D: ord("-"), 0xFF38: ord("X"), 0xFF58: ord("x")})
_FULL_WIDTH.update({0xFF1A: ord(":"), 0xFF1D: ord("=")})

_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_UNITS = r"(?!(?:service|socket|timer|mount|automount|scope|slice|target|path|device|swap)\b)"

#: Between a key and its value: = : => in plain text and JSON, even where it is escaped, and > in XML.
_SEPARATOR = r"[\"'\\]{0,3}(?:\s*[:=]>?\s*|>)"
_QUOTED = r"\\{1,3}[\"'][^\"'\\]*|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?"
_END = r"\s,}\])<\u3001\u3002\uff0c\uff1b\uff09"
_VALUE = r"(?:%s|[^;&%s]+)" % (_QUOTED, _END)
_SECRET = r"(?:%s|[^\"'%s]+)" % (_QUOTED, _END)
_PREFIX = r"(?<![a-z0-9])((?:[a-z0-9]{1,20}[_.-]){0,4}"

#: The beginning of a value that is Chinese, also as a URL or JSON writes it.
_CHINESE_VALUE = r"(?=[\"'\\]{0,3}[^\"'\\%s]{0,60}?(?:%s|%%e[4-9]%%|\\u[4-9]))" % (_END, HAN)
_NAME = r"%s%s{1,2}" % (SURNAME, HAN)

#: Figures of the kernel and of programs that are as long as a phone number.
_FIGURE = (
    r"\b(?:inode|total[_-]vm|size|offset|sector|block)[ :=#]{1,3}[0-9]+|(?<![0-9])[0-9]+ ?(?:bytes\b|[kKMGT]i?B\b)"
)
_MOBILE = r"(?<![0-9])(?:\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])"


def _phone(match: Match[str]) -> str:
    return match.group("figure") or "[phone]"


def _literal(match: Match[str]) -> str:
    """Return what takes a literal's place; paths are left to the other rules."""
    return match.group() if match.group()[1:2] == "/" else "'[text]'"


_Replacement = Union[str, Callable[[Match[str]], str]]


def _rule(pattern: str, replacement: _Replacement, flags: int = re.IGNORECASE) -> Tuple[str, _Replacement, int]:
    return pattern, replacement, flags


#: Each pattern and what takes its place; the order matters: what is wider goes first.
_RULES: List[Tuple[str, _Replacement, int]] = [
    _rule(r"\b((?:PID|NK1|IN1|GT1)\|)[^\r\n]+", r"\1[person]", 0),
    _rule(r"([a-z][a-z0-9+.-]{1,20}://)[^\s/@]*@", r"\1[user]@"),
    _rule(r"((?:[a-z][a-z0-9+.-]{1,20}:/)?/[^\s?\"'<>]*)\?[^\s\"'<>]+", r"\1?[query]"),
    _rule(r"\?(?=[\w.%\[\]-]{1,64}=)[^\s\"'<>]+", "?[query]"),
    # passwords of command lines
    _rule(
        r"(\b(?:mysql|mariadb|mydumper|xtrabackup|innobackupex)[\w-]*\b.{0,300}?\s-p)(?!\[secret\])\S+",
        r"\1[secret]",
        0,
    ),
    _rule(r"(\b(?:sshpass\s.{0,40}?-p|redis-cli\s.{0,200}?-a)\s*)(?!\[secret\])\S+", r"\1[secret]", 0),
    _rule(r"(\bcurl\s.{0,300}?(?:-[uU]|--(?:proxy-)?user)[\s=]*[^\s:]{1,100}:)(?!\[secret\])\S+", r"\1[secret]", 0),
    _rule(r"(--(?:[\w-]{0,20}-)?(?:%s)\s+)(?!-|\[secret\])\S+" % CREDENTIAL_KEYS, r"\1[secret]"),
    _rule(
        r"((?:thin:|oci:|\b(?:sqlplus|expdp|impdp|exp|imp|rman|sqlldr|conn(?:ect)?)\s(?:.{0,100}?[\s=])??)[a-z][\w$#]{0,30}/)"
        r"[^\s@/]+(?=@)",
        r"\1[secret]",
    ),
    # secrets and persons behind their keys
    _rule(r"\b((?:proxy-)?authorization[\"']?\s*[=:]\s*)[\"']?(?:[a-z]+\s+)?[^\s\"',]+", r"\1[secret]"),
    _rule(r"\b((?:bearer|basic)\s+)[a-z0-9._~+/-]{8,}=*", r"\1[secret]"),
    _rule(
        r"%s(?!(?-i:(?:OLD)?PWD=/))(?:%s)%s)(?!\[secret\]|(?:YES|NO)\))%s"
        % (_PREFIX, CREDENTIAL_KEYS, _SEPARATOR, _SECRET),
        r"\1[secret]",
    ),
    _rule(r"((?:%s)%s)(?!\[secret\])%s" % (CREDENTIAL_KEYS_CHINESE, _SEPARATOR, _SECRET), r"\1[secret]"),
    _rule(r"((?:%s)\s*%s\s*)[!-~]+" % (CREDENTIAL_KEYS_CHINESE, IS_CHINESE), r"\1[secret]"),
    _rule(r"(\bpass(?:word|wd|phrase)\b.{0,40}?\s(?:is|was|to)\s+)(?=[^\s]*[0-9!@#$%^&*])[^\s\[]\S*", r"\1[secret]"),
    _rule(r"%s(?:%s)%s)(?!\[person\])%s" % (_PREFIX, PERSON_KEYS, _SEPARATOR, _VALUE), r"\1[person]"),
    _rule(r"((?:%s)%s%s)(?!\[person\])%s" % (PERSON_KEYS_CHINESE, CHINESE_SUFFIX, _SEPARATOR, _VALUE), r"\1[person]"),
    _rule(r"(%s%s?\s*)[A-Z]{0,3}[0-9]{4,}" % (RECORDS_CHINESE, CHINESE_SUFFIX), r"\1[person]"),
    _rule(r"(\b(?:%s)(?: (?:no|number)\b\.?)?[\s#:=]*)[A-Z]{0,3}[0-9]{4,}" % RECORDS, r"\1[person]"),
    _rule(r"%s%s%s)%s%s" % (_PREFIX, NAME_KEYS, _SEPARATOR, _CHINESE_VALUE, _VALUE), r"\1[person]"),
    _rule(r"((?:%s)%s)%s%s" % (NAME_KEYS_CHINESE, _SEPARATOR, _CHINESE_VALUE, _VALUE), r"\1[person]"),
    # Chinese names without a key
    _rule(r"(\b(?:patient|user|name)\s+)%s{2,4}" % HAN, r"\1[person]"),
    _rule(r"((?:%s)\s*%s?\s*)%s" % (NAME_KEYS_CHINESE, IS_CHINESE, _NAME), r"\1[person]"),
    _rule(r"([\"'])%s{2,4}\1" % HAN, r"\1[person]\1"),
    _rule(r"(/(?:patients?|huanzhe)/)[^\s/?\"'<>]+", r"\1[person]"),
    _rule(r"(?<=[/_=-])%s(?!%s)" % (_NAME, HAN), "[person]"),
    # what tells itself by its form
    _rule(r"[\w.%%+-]{1,64}@(?:[\w-]{1,63}\.)+%s[^\W\d_][\w-]*" % _UNITS, "[e-mail]"),
    _rule(
        r"(?<![0-9])[1-9][0-9]{5}[ -]?(?:18|19|20)[0-9]{2}%s[ -]?[0-9]{3}[0-9Xx](?![0-9])" % _MONTH_DAY, "[identity]"
    ),
    _rule(r"(?<![0-9])[1-9][0-9]{7}%s[0-9]{3}(?![0-9])" % _MONTH_DAY, "[identity]"),
    _rule(r"(?<![0-9])62[0-9]{2}(?:[ -]?[0-9]{4}){3}(?:[ -]?[0-9]{1,3})?(?![0-9])", "[card]"),
    _rule(r"(?P<figure>%s)|%s" % (_FIGURE, _MOBILE), _phone, 0),
    _rule(r"(?<![0-9])(?<![0-9]\.)\(?0[1-9][0-9]{1,2}(?:\)|[ -]|\) )?[2-9][0-9]{6,7}(?![0-9])", "[phone]"),
]

#: Text that is a statement, or a database's error that repeats a row's values.
_STATEMENT = re.compile(
    r"\b(?:select\b.{1,2000}?\bfrom|insert\s+(?:ignore\s+)?into|replace\s+into|update\b.{1,2000}?\bset|delete\s+from"
    r"|values?\s*\(|where\b[\s(]*\S{1,80}?\s*(?:[=<>!]|like\b|in\b|between\b)|call\s+\w+\s*\(|duplicate entry"
    r"|incorrect \w+ value|data too long|near ['\"]|truncated incorrect|failing row|(?:statement|query)\s*[:=]"
    r"|identified\s+(?:by|with))",
    re.I | re.S,
)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|$)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|$)", re.S)
#: How a replica reports a statement of its source: with quotes around it that nothing tells from those within.
_ON_QUERY = re.compile(
    r"(\bError )'.*?'( on query\. Default database: '[^']*'\. Query: )"
    r"'(?:.*'(?P<rest>, (?:Gtid|Internal|Error_code)[^']*)|.*)\Z",
    re.S,
)
_ROW = re.compile(r"(Failing row contains |Key \([^)]*\)=)\([^\n]*?\)(?=[ .]|$)")
_CHINESE_ROW = re.compile(r"\b(values?\s*)\((?=[^)]{0,2000}%s)[^)]*(?:\)|$)" % HAN, re.I)


@lru_cache(maxsize=None)
def _compiled() -> List[Tuple[Pattern[str], _Replacement]]:
    """Return the rules ready for use: compiling them takes longer than all else that a module imports."""
    return [(re.compile(pattern, flags), replacement) for pattern, replacement, flags in _RULES]


def mask(text: str) -> str:
    """Return the text with personal data and secrets replaced by what they were, in brackets.

    Text longer than LONGEST characters is cut.
    """
    if len(text) > LONGEST:
        text = re.sub(r"\S*\Z", "", text[:LONGEST])
    text = _ON_QUERY.sub(r"\1'[text]'\2'[text]'\g<rest>", text.translate(_FULL_WIDTH))
    text = _ROW.sub(r"\1([text])", text)
    if _STATEMENT.search(text):
        text = _LITERAL.sub(_literal, text)
    text = _CHINESE_ROW.sub(r"\1([text])", text)
    for pattern, replacement in _compiled():
        text = pattern.sub(replacement, text)
    return text
