"""Asks everything that a site declared of a host's services at once, and words the answers as observations."""

import time
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

from ..measuring.asking import ask
from ..measuring.errors import Unmeasurable
from ..measuring.observer import Observer, capped
from ..observations import Observation, Thresholds
from .connecting import Deadline, Unanswered, connect, peer, resolve
from .pages import probe as probe_page
from .probes import Declared, Name, Page, Probe, Tcp, address
from .thresholds import UNITS
from .tls import verifying
from .units import active

#: Seconds for starting the probes' threads and bringing their answers home.
GRACE = 2.0

Answer = Dict[str, Any]


def inspect(declared: Declared, thresholds: Thresholds, timeout: float) -> Iterator[Observation]:
    """Yield what units, ports, pages and names have to say; ``timeout`` in seconds is systemctl's."""
    observer = Observer(UNITS, thresholds)
    for observation in active(observer, declared.units, timeout):
        yield observation
    for probe, answer in answers(declared.probes):
        if isinstance(probe, Tcp):
            yield from _port(observer, probe, answer)
        elif isinstance(probe, Page):
            yield from _page(observer, probe, answer)
        else:
            yield from _name(observer, probe, answer)


def answers(probes: Sequence[Probe]) -> List[Tuple[Probe, Answer]]:
    """Return each probe with its answer, all made at the same time."""
    questions = [str(index) for index in range(len(probes))]
    if any(isinstance(probe, Page) and probe.scheme == "https" and probe.verify for probe in probes):
        verifying("")  # read the host's list of authorities once, not in each thread while times are measured
    longest = max([probe.timeout for probe in probes] or [0.0])
    found = ask(lambda question: _answer(probes[int(question)]), questions, longest + GRACE)
    return [(probe, found.get(str(index)) or _silence(probe)) for index, probe in enumerate(probes)]


def _answer(probe: Probe) -> Answer:
    """Return what one probe finds; nothing that it meets may cost the others."""
    ways: Tuple[Tuple[Any, Callable[[Any], Answer]], ...] = ((Tcp, probe_port), (Page, probe_page), (Name, probe_name))
    try:
        return next(way for kind, way in ways if isinstance(probe, kind))(probe)
    except Unanswered as why:
        return {"problem": why.problem}
    except Unmeasurable as why:
        return {"unmeasurable": [why.code, why.parameters]}
    except Exception as error:  # noqa: BLE001 - told as what it is
        code, parameters = "check_crashed", {"error": "%s: %s" % (type(error).__name__, error)}
        return {"unmeasurable": [code, parameters]}


def _silence(probe: Probe) -> Answer:
    """Return the answer of a probe that overran its own deadline: only the resolver can hold it up."""
    host = probe.query if isinstance(probe, Name) else probe.host
    if address(host):
        return {"unmeasurable": ["timed_out", {"command": probe.subject, "seconds": probe.timeout}]}
    return {"problem": "name servers gave no answer"}


def probe_port(probe: Tcp) -> Answer:
    """Return whether a port takes a connection, and how soon. Raises Unanswered, Unmeasurable."""
    connection, milliseconds = connect(probe.host, probe.port, Deadline(probe.timeout))
    try:
        return {"milliseconds": milliseconds, "address": peer(connection)}
    finally:
        connection.close()


def probe_name(probe: Name) -> Answer:
    """Return the addresses of a name, and how soon they were there. Raises Unanswered."""
    started = time.monotonic()
    found = {str(entry[0]).partition("%")[0] for _family, entry in resolve(probe.query, None)}
    seconds = time.monotonic() - started
    if seconds > probe.timeout:
        raise Unanswered("name servers gave no answer")
    return {"milliseconds": seconds * 1000, "addresses": sorted(found)}


def _port(observer: Observer, probe: Tcp, answer: Answer) -> Iterator[Observation]:
    detail = {"host": probe.host, "port": probe.port}
    if "unmeasurable" in answer:
        yield from _unmeasured(observer, ("tcp.reachable", "tcp.connect_time"), probe, answer["unmeasurable"])
        return
    detail.update({key: answer[key] for key in ("address", "problem") if key in answer})
    yield observer.observe("tcp.reachable", int("problem" not in answer), detail, probe.subject)
    yield _time(observer, "tcp.connect_time", probe, answer, {})


def _name(observer: Observer, probe: Name, answer: Answer) -> Iterator[Observation]:
    if "unmeasurable" in answer:
        yield from _unmeasured(observer, ("dns.answer", "dns.time"), probe, answer["unmeasurable"])
        return
    detail: Dict[str, Any] = dict(capped("addresses", answer.get("addresses", [])), query=probe.query)
    good = "problem" not in answer
    if not good:
        detail["problem"] = answer["problem"]
    elif not as_declared(probe.addresses, answer["addresses"]):
        good = False
        detail["expected"] = list(probe.addresses)
    yield observer.observe("dns.answer", int(good), detail, probe.subject)
    yield _time(observer, "dns.time", probe, answer, {})


def as_declared(declared: Sequence[str], found: Sequence[str]) -> bool:
    """Return whether a name has the declared addresses and, of their kinds (IPv4, IPv6), no others."""
    kinds = {":" in each for each in declared}
    return not declared or set(declared) == {each for each in found if (":" in each) in kinds}


def _page(observer: Observer, page: Page, answer: Answer) -> Iterator[Observation]:
    detail: Dict[str, Any] = {"url": page.shown}
    detail.update({key: answer[key] for key in ("address", "status", "location", "problem") if key in answer})
    good = answer.get("status") in page.status
    if "unmeasurable" in answer:
        yield from _unmeasured(observer, ("http.answer",), page, answer["unmeasurable"])
    else:
        if "status" in answer and not good:
            detail["expected"] = list(page.status)
            if answer.get("title"):
                detail["title"] = answer["title"]
        yield observer.observe("http.answer", int(good), detail, page.subject)
    if page.contains:
        yield _text(observer, page, answer, good)
    yield _time(observer, "http.time", page, answer, {"url": page.shown})
    if page.scheme == "https":
        yield from _certificate(observer, page, answer)


def _text(observer: Observer, page: Page, answer: Answer, good: bool) -> Observation:
    why = answer.get("unmeasurable") or (answer.get("text_unmeasurable") if good else ["no_answer", {}])
    if why:
        return observer.unknown("http.text", why[0], {"contains": page.contains}, page.subject, **why[1])
    detail = {"url": page.shown, "contains": page.contains, "charset": answer["charset"]}
    if answer.get("title"):
        detail["title"] = answer["title"]
    return observer.observe("http.text", int(answer["text"]), detail, page.subject)


def _certificate(observer: Observer, page: Page, answer: Answer) -> Iterator[Observation]:
    certificate = answer.get("certificate")
    why = answer.get("unmeasurable") or ["no_answer", {}]
    if certificate:
        days = (certificate["seconds"] - time.time()) / 86400
        detail = {"common_name": certificate["common_name"], "expires": certificate["expires"]}
        yield observer.observe("http.certificate", days, detail, page.subject)
    elif certificate is not None:
        yield observer.unknown("http.certificate", "unparsable", subject=page.subject, source="certificate")
    else:
        yield observer.unknown("http.certificate", why[0], subject=page.subject, **why[1])
    if "trust" in answer:
        detail = {"problem": answer["trust"]} if answer["trust"] else {}
        detail["name"] = page.host_header or page.host
        yield observer.observe("http.certificate_trusted", int(not answer["trust"]), detail, page.subject)
    elif page.verify:
        why = answer.get("trust_unmeasurable") or why
        yield observer.unknown("http.certificate_trusted", why[0], subject=page.subject, **why[1])


def _time(observer: Observer, check: str, probe: Probe, answer: Answer, detail: Answer) -> Observation:
    """Return how long an answer took; without one there is nothing to measure."""
    if "milliseconds" in answer:
        return observer.observe(check, float(answer["milliseconds"]), detail, probe.subject)
    why = answer.get("unmeasurable") or ["no_answer", {}]
    return observer.unknown(check, why[0], subject=probe.subject, **why[1])


def _unmeasured(observer: Observer, checks: Sequence[str], probe: Probe, why: Sequence[Any]) -> Iterator[Observation]:
    for check in checks:
        yield observer.unknown(check, why[0], subject=probe.subject, **why[1])
