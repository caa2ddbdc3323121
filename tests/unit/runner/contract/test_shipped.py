"""The shipped contracts: every row of their tenders, in its words, with its figures, and how it plays out."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from runner.contract.base import Span
from runner.contract.compliance import comply
from runner.contract.obligations import Clock, Obligation, Quota
from runner.contract.occurrences import planned
from runner.contract.status import Row
from runner.operations.check_site import CheckedSite, check_site
from runner.site import PROJECT, find_site
from tests.unit.runner.contract.builders import Book, moment

SITES = {"A": "hospital-a", "B": "platform-b"}
ROWS = [f"A{number:02d}" for number in range(1, 60)] + [f"B{number:02d}" for number in range(1, 33)]


@cache
def checked(letter: str) -> CheckedSite:
    return check_site(find_site(SITES[letter], PROJECT / "var"))


def obligations(letter: str) -> dict[str, Obligation]:
    return {one.id: one for one in checked(letter).contract.obligations}


def rows(letter: str, book: Book, now: str) -> tuple[Row, ...]:
    site = checked(letter)
    return comply(site.contract, book.facts(now), site.working, moment(now)).rows


# -- the text ----------------------------------------------------------------------------------------------


def test_every_row_of_the_tenders_has_an_obligation_and_its_state() -> None:
    known = {**obligations("A"), **obligations("B")}
    assert [name for name in ROWS if name not in known] == []
    assert {name.partition(".")[0] for name in known} == set(ROWS)
    for letter in SITES:
        told = {one.obligation for one in rows(letter, Book(), "2026-10-01 00:00")}
        assert told == set(obligations(letter))


@pytest.mark.parametrize("letter", SITES)
def test_every_clause_is_a_literal_quote_of_its_tender(letter: str) -> None:
    text = (PROJECT / "tests" / "fixtures" / "tenders" / f"{SITES[letter]}.txt").read_text(encoding="utf-8")
    assert [one.id for one in obligations(letter).values() if one.clause not in text] == []


def test_where_the_text_is_silent_or_contradicts_itself_a_note_names_the_parameter() -> None:
    known = {**obligations("A"), **obligations("B")}
    told = "A03 A07 A08 A11 A14 A17 A23.review A24.review A30 A31 A32 A48 A53 A54 A59"
    told += " B08.cap B10 B13.cap B16.cap B18.cap B20 B25"
    # A place of the text in Chinese numerals, such as （二）3（3）.
    assert [name for name in told.split() if not re.search("[一二三四].*(取|参数)", known[name].note or "")] == []


def test_what_restarts_services_is_named_by_its_clause_and_needs_an_approved_change() -> None:
    contract = checked("A").contract
    assert contract.fulfilled_by("restart-services") == ("A07",)
    assert contract.procedures["restart-services"].change == "approved"


def test_systems_and_modules_in_scope_are_those_of_the_tender() -> None:
    text = (PROJECT / "tests" / "fixtures" / "tenders" / "platform-b.txt").read_text(encoding="utf-8")
    modules = checked("B").contract.modules
    assert (len(modules), [one for one in modules if one not in text]) == (20, [])


# -- the figures -------------------------------------------------------------------------------------------


def said(one: Obligation) -> str:
    """What an obligation owes in one line, as the table of the tenders' rows has it."""
    if one.quota:
        return quota(one.quota)
    if one.clocks:
        return ", ".join(clock(each) for each in one.clocks)
    due = f" {span(one.due.within)} after {one.due.after}" if one.due else ""
    return f"{one.cadence}{due}"


def quota(one: Quota) -> str:
    bounds = {"at most": one.at_most, "at least": one.at_least, "at least %": one.at_least_percent}
    bound = next(f"{name} {figure:g}" for name, figure in bounds.items() if figure is not None)
    return f"{bound}{' level' if one.level else ''} a {one.per}{' then agree' if one.beyond == 'agreement' else ''}"


def clock(one: Clock) -> str:
    also = f"/{span(one.outside_service)}" if one.outside_service else ""
    marks = [name for name in ("if_needed", "agreed") if getattr(one, name)]
    marks += ["service"] if one.hours == "service" else []
    return " ".join([f"{one.name} {span(one.within)}{also} from {'|'.join(one.starts)}", *marks])


def span(one: Span | None) -> str:
    units = {"minutes": "min", "hours": "h", "days": "d", "working_days": "WD", "months": "months"}
    return f"{one.count} {units[one.unit]}" if one else "0"


FIGURES = """
A01 monthly
A02 quarterly
A04 quarterly
A05 quarterly 7 WD after A04
A06 quarterly
A08 monthly
A09 quarterly
A09.report quarterly
A13 respond 15 min from reported service
A14 arrive 2 h from reported if_needed
A15 respond 15 min from reported, arrive 1 h from reported if_needed, restore 2 h from reported
A16 respond 30 min from reported, arrive 2 h from reported if_needed, restore 4 h from reported
A17 respond 2 h from reported, resolve 24 h from reported
A17.everyday resolve 30 min from reported
A17.other resolve 1 h from reported
A21 monthly
A22 on event 3 WD after resolved
A22.scope on event 3 WD after resolved
A23 once 1 months after signature
A24 once 1 months after signature
A25 quarterly
A25.handover once 0 after term end
A26 fix 3 months from accepted and confirmed agreed
A28 on event 3 WD after accepted and confirmed
A30 complete 3 WD from accepted and confirmed agreed
A31 complete 7 WD from accepted and confirmed agreed
A32 complete 10 WD from accepted and confirmed agreed
A34 weekly
A40 quarterly
A42 half-yearly
A49 quarterly
A49.handover once 0 after term end
A51.stock at least 300 level a year
A51.training at least 1 a term
A52.questions at least % 10 a year
A52.training at least 2 a term
A52.onsite at least 1 a term
A59 modify 3 months from accepted and confirmed agreed
B08.cap at most 4 a year then agree
B10 respond 30 min/1 h from reported, arrive 2 h from reported, restore 4 h from arrived
B13.cap at most 8 a year then agree
B15 monthly
B15.report monthly
B16.cap at most 8 a year then agree
B18.cap at most 8 a year then agree
B19 monthly
B20 respond 2 h from reported|asked
B29 on event 0 after launched
"""


def test_figures_are_those_of_the_tenders() -> None:
    known = {**obligations("A"), **obligations("B")}
    told = dict(line.split(" ", 1) for line in FIGURES.strip().splitlines())
    assert {name: said(known[name]) for name in told} == told
    starts = " ".join(said(known["A27"]).split())
    assert starts == (
        "start 2 h from accepted and confirmed, temporary plan 2 h from accepted and confirmed, "
        "patch or plan 24 h from accepted and confirmed"
    )


def test_gates_stand_where_the_tenders_ask_for_them() -> None:
    known = {**obligations("A"), **obligations("B")}
    gated = {name for name, one in known.items() if one.gates}
    assert gated == {
        "A33", "A36.approval", "A37", "A39.undertaking", "A47.change", "B18", "B32.termination",
    }  # fmt: skip
    assert {gate.by for gate in known["A33"].gates} == {"purchaser", "both"}


def test_a_year_of_the_platform_has_these_due_dates() -> None:
    site = checked("B")
    found = [one for one in planned(site.contract, site.working, date(2026, 1, 1), date(2026, 12, 31)) if one.due]
    assert len(found) == 12 * 5 + 2 * 2
    assert {str(site.working.last_day(one.due)) for one in found if one.due and one.obligation.id == "B25"} == {
        "2026-06-30", "2026-12-31",
    }  # fmt: skip


# -- how it plays out --------------------------------------------------------------------------------------


def clocks(letter: str, book: Book, now: str, case: str) -> dict[str, str]:
    return {
        f"{one.obligation} {one.subject}": one.state
        for one in rows(letter, book, now)
        if one.kind == "sla" and one.period == case
    }


def test_a_major_fault_that_began_as_a_small_one() -> None:
    book = Book()
    book.case(
        "F-1", "noticed", "2026-03-07 01:50", grade="P3"
    )  # we saw it first: no clock runs but that of simple ones
    assert clocks("A", book, "2026-03-07 02:00", "F-1") == {}
    book.case("F-1", "reported", "2026-03-07 02:00")
    book.case("F-1", "responded", "2026-03-07 02:10", grade="P1", arrive="needed", who=["张三"])
    book.case("F-1", "arrived", "2026-03-07 03:00")
    book.case("F-1", "workaround", "2026-03-07 04:00")
    assert clocks("A", book, "2026-03-07 05:00", "F-1") == {
        "A14 arrive": "fulfilled",
        "A14.routine arrive": "fulfilled",
        "A15 respond": "fulfilled",
        "A15 arrive": "fulfilled",
        "A15 restore": "fulfilled",
        "A17 respond": "fulfilled",
        "A17 resolve": "due",
    }
    book.case("F-1", "resolved", "2026-03-07 09:00")
    report = next(one for one in rows("A", book, "2026-03-08") if (one.obligation, one.period) == ("A22", "F-1"))
    assert report.due == moment("2026-03-12")  # the third working day after a Saturday


def test_a_workaround_is_enough_for_a_major_fault_alone() -> None:
    for grade, name, state in (("P1", "A15 restore", "fulfilled"), ("P2", "A16 restore", "breached")):
        book = Book()
        book.case("F-1", "reported", "2026-03-07 02:00", grade=grade)
        book.case("F-1", "workaround", "2026-03-07 03:00")
        assert clocks("A", book, "2026-03-07 10:00", "F-1")[name] == state


@pytest.mark.parametrize(("reported", "due"), [("2026-10-10 09:00", "09:30"), ("2026-10-01 09:00", "10:00")])
def test_the_platform_s_faults_are_answered_sooner_in_service_hours(reported: str, due: str) -> None:
    book = Book()
    book.case("F-1", "reported", reported)
    found = {one.subject: one for one in rows("B", book, reported) if one.obligation == "B10" and one.period}
    assert found["respond"].due == moment(f"{reported[:10]} {due}")
    assert set(found) == {"respond", "arrive"}  # that of clearing it begins with the arrival


def test_the_fifth_visit_is_beyond_the_cap_and_no_breach() -> None:
    book = Book()
    for number in range(1, 6):
        book.case(f"T-{number}", "asked", f"2026-03-{number:02d} 09:00", "B08", kind="ticket", type="environment")
        book.case(f"T-{number}", "done", f"2026-03-{number:02d} 10:00", "B08", kind="ticket")  # at a distance
        book.case(f"T-{number}", "visit asked", f"2026-03-{number:02d} 11:00", "B08.onsite", kind="ticket")
        book.case(f"T-{number}", "visited", f"2026-03-{number:02d} 12:00", "B08.onsite", kind="ticket")
        (cap,) = [one for one in rows("B", book, f"2026-03-{number:02d} 13:00") if one.obligation == "B08.cap"]
        assert (cap.used, cap.allowed, cap.state) == (number, 4, "due" if number < 5 else "beyond cap")


def test_a_release_opens_what_is_owed_for_it() -> None:
    book = Book()
    book.case("V3.2", "released", "2026-03-02 09:00", kind="release")
    book.case("V3.2", "updated", "2026-03-09 20:00", kind="release")
    found = {one.obligation: one.state for one in rows("B", book, "2026-03-09 21:00") if one.period == "V3.2"}
    assert found == {
        "B09": "due", "B09.faq": "due", "B17": "due", "B17.video": "due", "B30": "breached", "B30.reminder": "breached",
    }  # fmt: skip


def test_an_upgrade_opens_what_is_owed_for_it_step_by_step() -> None:
    book = Book()
    opened = []
    for hour, event in enumerate(("planned", "started", "done"), 10):
        book.case("U-1", event, f"2026-03-02 {hour}:00", kind="upgrade")
        opened.append({one.obligation for one in rows("A", book, f"2026-03-02 {hour}:30") if one.period == "U-1"})
    assert opened == [
        {"A36", "A36.approval"}, {"A36", "A36.approval", "A37"}, {"A36", "A36.approval", "A37", "A38"},
    ]  # fmt: skip


def test_videos_are_a_stock_and_questions_a_share() -> None:
    book = Book()
    book.record("A51.stock", at="2026-02-01", quantities={"surgery videos": 320})
    for name, renewed in (("住培题库", 100), ("执医题库", 99)):
        book.record("A52.questions", at="2025-12-31", item=name, quantities={"questions": 1000})
        book.record("A52.questions", at="2026-05-01", item=name, quantities={"questions updated": renewed})
    found = {
        one.subject or one.obligation: (one.used, one.allowed, one.state)
        for one in rows("A", book, "2027-02-01")
        if one.obligation in ("A51.stock", "A52.questions") and one.period == "2026"
    }
    assert found == {
        "A51.stock": (320, 300, "fulfilled"),
        "住培题库": (100, 100, "fulfilled"),
        "执医题库": (99, 100, "breached"),
        "三基题库": (0, None, "not assessed"),
    }


def test_examples_are_nobody_s() -> None:
    for name in SITES.values():
        text = Path(PROJECT / "inventories" / name / "hosts.yml").read_text(encoding="utf-8")
        addresses = re.findall(r"ansible_host: ([\d.]+)", text)
        assert addresses
        assert all(one.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for one in addresses)
