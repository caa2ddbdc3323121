from __future__ import annotations

import pytest

from runner.contract.facts import EntryLine, facts
from tests.unit.runner.contract.builders import Book, moment


def sequences(book: Book, until: str) -> list[int]:
    return [one.sequence for one in book.facts(until)]


def test_facts_come_in_the_order_in_which_things_happened() -> None:
    book = Book()
    book.record("A01", at="2026-03-05", written="2026-03-05")
    book.record("A01", at="2026-03-01", written="2026-03-06")
    book.run("A01", at="2026-03-01")
    assert sequences(book, "2026-04-01") == [2, 3, 1]


def test_entries_of_other_kinds_are_no_facts() -> None:
    book = Book()
    book.record("A01", at="2026-03-05")
    other = EntryLine(2, "checkpoint", moment("2026-03-06").isoformat(), {"head": 1})
    assert len(facts([*book.lines, other], moment("2026-04-01"))) == 1


def test_what_was_written_or_happens_later_is_not_known_yet() -> None:
    book = Book()
    book.record("A01", at="2026-03-01", written="2026-03-10")
    book.record("A01", at="2026-03-20", written="2026-03-10")
    assert sequences(book, "2026-03-09") == []
    assert sequences(book, "2026-03-10") == [1]
    assert sequences(book, "2026-03-20") == [1, 2]


def test_a_correction_takes_the_place_of_what_it_corrects_from_when_it_was_written() -> None:
    book = Book()
    first = book.record("A01", at="2026-03-01")
    second = book.record("A01", at="2026-03-02", written="2026-03-05", corrects=first)
    third = book.record("A01", at="2026-03-03", written="2026-03-07", corrects=second)
    assert sequences(book, "2026-03-04") == [first]
    assert sequences(book, "2026-03-06") == [second]
    assert sequences(book, "2026-03-08") == [third]


def test_a_correction_about_the_future_still_corrects() -> None:
    book = Book()
    first = book.record("A01", at="2026-03-01")
    book.record("A01", at="2026-03-20", written="2026-03-05", corrects=first)
    assert sequences(book, "2026-03-06") == []


def test_a_fact_tells_its_event_its_case_and_its_attributes() -> None:
    book = Book()
    book.case("F-1", "reported", at="2026-03-01", grade="P1")
    book.document("A05", step="submitted", at="2026-03-02")
    case, document = book.facts("2026-04-01")
    assert (case.event, case.case, case.attributes) == ("reported", ("fault", "F-1"), {"grade": "P1"})
    assert (document.event, document.case, document.attributes) == ("submitted", None, {})


def test_a_run_happened_when_it_ended() -> None:
    book = Book()
    book.run("A01", at="2026-03-01 10:30")
    assert book.facts("2026-04-01")[0].at == moment("2026-03-01 10:30")


def test_an_entry_that_this_program_did_not_write_is_an_error() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        facts([EntryLine(1, "record", "yesterday", {})], moment("2026-04-01"))
    with pytest.raises(KeyError):
        facts([EntryLine(1, "run", "2026-03-01T00:00:00+08:00", {})], moment("2026-04-01"))
