"""When the certificates that the host's services show will expire."""

import base64
import binascii
import calendar
import glob
import hashlib
import os
import re
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from ..measuring import files
from ..measuring.asking import ask
from ..measuring.errors import Unmeasurable
from ..observations import Observation
from . import journal
from .context import Context, Measures

MAXIMUM = 100

#: Where web servers and databases keep theirs; looked at where a site names none.
USUAL = (
    "/etc/letsencrypt/live/*/fullchain.pem",
    "/etc/nginx/**/*.crt",
    "/etc/nginx/**/*.pem",
    "/usr/local/nginx/conf/**/*.crt",
    "/usr/local/nginx/conf/**/*.pem",
    "/etc/apache2/**/*.crt",
    "/etc/apache2/**/*.pem",
    "/etc/httpd/**/*.crt",
    "/etc/httpd/**/*.pem",
    "/etc/haproxy/**/*.pem",
    "/etc/tomcat*/**/*.crt",
    "/etc/mysql/**/*.pem",
    "/var/lib/mysql/*.pem",
    "/etc/pki/tls/certs/localhost.crt",
)

#: A file with more certificates than this is a list of authorities, not what a service shows.
LONGEST_CHAIN = 10

_BLOCK = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.+?)-----END ", re.S)
_COMMON_NAME = b"\x06\x03\x55\x04\x03"


class Certificate(NamedTuple):
    """What matters of an X.509 certificate; ``expires`` in seconds of the epoch."""

    common_name: str
    expires: float


def _element(data: bytes, start: int) -> Tuple[int, int, int]:
    """Return the tag of a DER element and where its content begins and ends (X.690, 8.1). Raises ValueError."""
    try:
        tag, length = data[start], data[start + 1]
    except IndexError:
        raise ValueError("cut short") from None
    begin = start + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[begin : begin + size], "big")
        begin += size
    if begin + length > len(data):
        raise ValueError("cut short")
    return tag, begin, begin + length


def parse_der(data: bytes) -> Certificate:
    """Return an X.509 certificate (RFC 5280, 4.1). Raises ValueError for anything else."""
    _, begin, _ = _element(data, 0)
    tag, begin, end = _element(data, begin)
    if tag != 0x30:
        raise ValueError("not a certificate")
    parts: List[Tuple[int, int, int]] = []
    while begin < end:
        parts.append(_element(data, begin))
        begin = parts[-1][2]
    if parts and parts[0][0] == 0xA0:  # the version, absent in version 1
        parts = parts[1:]
    if len(parts) < 6:
        raise ValueError("not a certificate")
    _serial, _algorithm, _issuer, validity, subject = parts[:5]
    _, _, end_of_not_before = _element(data, validity[1])
    tag, begin, end = _element(data, end_of_not_before)
    return Certificate(_common_name(data[subject[1] : subject[2]]), _time(tag, data[begin:end].decode("ascii")))


def _common_name(subject: bytes) -> str:
    place = subject.rfind(_COMMON_NAME)
    if place < 0:
        return ""
    _, begin, end = _element(subject, place + len(_COMMON_NAME))
    return subject[begin:end].decode("utf-8", "replace")


def _time(tag: int, text: str) -> float:
    """Return UTCTime (two-digit years until 2049) or GeneralizedTime as seconds of the epoch."""
    if tag == 0x17:
        text = ("20" if text[:2] < "50" else "19") + text
    return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))


def parse_file(data: bytes) -> List[Certificate]:
    """Return the certificates in a PEM or DER file, in their order; none in a file of keys. Raises ValueError."""
    if data[:1] == b"\x30":
        return [parse_der(data)]
    found = []
    for block in _BLOCK.findall(data):
        try:
            found.append(parse_der(base64.b64decode(block)))
        except binascii.Error as error:
            raise ValueError(str(error)) from error
    return found


def forbidden(pattern: str) -> str:
    """Return the folder above a glob pattern that may not be looked into; empty if all may."""
    folder = "/"
    for part in pattern.split("/")[1:-1]:
        if glob.has_magic(part):
            break
        if os.path.isdir(folder) and not os.access(folder, os.X_OK):
            return folder
        folder = os.path.join(folder, part)
    return folder if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK) else ""


def look(pattern: str) -> Dict[str, Any]:
    """Return the folder of a pattern that may not be looked into, and what each file that it matches holds.

    A file is ``{digest, chain}`` with the chain's names and times, or ``{code, parameters}``; keys and lists of
    authorities are passed over.
    """
    found: Dict[str, Dict[str, Any]] = {}
    for path in glob.iglob(pattern, recursive=True):
        if not os.path.isfile(path):
            continue
        try:
            data = files.read_bytes(path, 1 << 20)
            chain = parse_file(data)
        except Unmeasurable as why:
            found[path] = {"code": why.code, "parameters": why.parameters}
        except ValueError:
            found[path] = {"code": "unparsable", "parameters": {"source": path}}
        else:
            if chain and len(chain) <= LONGEST_CHAIN:
                found[path] = {"digest": hashlib.sha256(data).hexdigest(), "chain": chain}
    return {"forbidden": forbidden(pattern), "files": found}


def expiry(context: Context) -> Iterator[Observation]:
    """Yield in how many days each certificate file expires: its first certificate to do so counts.

    A pattern that a person wrote promises a certificate: one that finds none is unknown.
    """
    patterns = sorted(set(context.inputs.certificates or USUAL))
    answers = ask(look, patterns, context.inputs.command_timeout)
    for pattern in patterns:
        if pattern not in answers:
            seconds = context.inputs.command_timeout
            yield context.unknown("certificate.expiry", "timed_out", subject=pattern, path=pattern, seconds=seconds)
        elif context.inputs.certificates and not answers[pattern]["files"] and not answers[pattern]["forbidden"]:
            yield context.unknown("certificate.expiry", "source_missing", subject=pattern, source=pattern)
    for folder in sorted({answer["forbidden"] for answer in answers.values()} - {""}):
        yield context.unknown("certificate.expiry", "not_permitted", subject=folder, path=folder)
    entries = _once_each({path: entry for answer in answers.values() for path, entry in answer["files"].items()})
    for path, entry in entries[:MAXIMUM]:
        if "code" in entry:
            yield context.unknown("certificate.expiry", entry["code"], subject=path, **entry["parameters"])
        else:
            yield _observe(context, path, [Certificate(*certificate) for certificate in entry["chain"]])
    yield from context.left_out("certificate.expiry", len(entries[MAXIMUM:]))


def _once_each(found: Dict[str, Dict[str, Any]]) -> List[Tuple[str, Dict[str, Any]]]:
    """Return the files by their path, of several with the same content the first."""
    seen: Set[str] = set()
    kept = []
    for path, entry in sorted(found.items()):
        digest = entry.get("digest", path)
        if digest not in seen:
            seen.add(digest)
            kept.append((path, entry))
    return kept


def _observe(context: Context, path: str, chain: Sequence[Certificate]) -> Observation:
    first = min(chain, key=lambda certificate: certificate.expires)
    detail = {"common_name": chain[0].common_name, "expires": journal.iso(first.expires), "chain": len(chain)}
    if first is not chain[0]:
        detail["first_to_expire"] = first.common_name
    return context.observe("certificate.expiry", (first.expires - context.now) / 86400, detail, path)


MEASURES: Measures = ((("certificate.expiry",), expiry),)
