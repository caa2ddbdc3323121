from __future__ import annotations

from runner.contract.model import Contract
from tests.unit.runner.contract.builders import (
    Book,
    contract,
    day,
    duty,
    moment,
    row,
    standing,
    states,
)

GRACE = {"days": 5}


# -- each of the five kinds: fulfilled, late, breached -----------------------------------------------------


def state(of: Contract, book: Book, now: str, period: str) -> str:
    return row(of, book, now, period).state


def test_a_procedure_is_fulfilled_late_or_breached() -> None:
    of = contract(duty(kind="procedure"), grace=GRACE)
    book = Book()
    assert state(of, book, "2026-03-31 23:59", "2026-03") == "due"
    assert state(of, book, "2026-04-01 00:00", "2026-03") == "overdue"
    assert state(of, book, "2026-04-05 23:59", "2026-03") == "overdue"
    assert state(of, book, "2026-04-06 00:00", "2026-03") == "breached"
    book.run("A01", at="2026-03-31 23:59")
    book.run("A01", at="2026-05-05 23:59", period="2026-04")
    book.run("A01", at="2026-06-06 00:00", period="2026-05")
    found = states(of, book, "2026-06-10")
    assert found == {
        "2026-01": "breached", "2026-02": "breached", "2026-03": "fulfilled",
        "2026-04": "late", "2026-05": "breached", "2026-06": "due",
    }  # fmt: skip


def test_a_record_is_fulfilled_late_or_breached() -> None:
    of = contract(duty(cadence="quarterly", due={"after": "period end", "within": {"working_days": 3}}), grace=GRACE)
    book = Book()
    first = book.record("A01", at="2026-03-20 10:00")
    book.record("A01", at="2026-07-08 10:00", period="2026Q2")  # three working days end on 3 July
    book.record("A01", at="2026-11-20 10:00", period="2026Q3")
    assert states(of, book, "2026-12-01") == {
        "2026Q1": "fulfilled", "2026Q2": "late", "2026Q3": "breached", "2026Q4": "due",
    }  # fmt: skip
    assert row(of, book, "2026-12-01", "2026Q1").evidence == (first,)
    assert row(of, book, "2026-12-01", "2026Q1").done == moment("2026-03-20 10:00")


def test_a_document_is_fulfilled_late_or_breached_by_its_submission() -> None:
    of = contract(duty(kind="document"), grace=GRACE)
    book = Book()
    for month, submitted in (
        ("2026-01", "2026-01-31 18:00"),
        ("2026-02", "2026-03-05 10:00"),
        ("2026-03", "2026-04-07"),
    ):
        book.document("A01", step="draft", at=f"{month}-10", period=month)
        book.document("A01", step="issued", at=f"{month}-20", period=month)
        assert state(of, book, f"{month}-21", month) == "due"
        book.document("A01", step="submitted", at=submitted, period=month)
        book.document("A01", step="received", at="2026-06-01", period=month)
    book.record("A01", at="2026-04-10")  # a document that nobody submitted is none
    assert states(of, book, "2026-04-30") == {
        "2026-01": "fulfilled", "2026-02": "late", "2026-03": "breached", "2026-04": "due",
    }  # fmt: skip


def test_an_sla_is_fulfilled_late_or_breached() -> None:
    of = contract(duty(kind="sla", grace={"minutes": 30}), grace=GRACE)
    book = Book()
    for name, minute in (("F-1", 15), ("F-2", 16), ("F-3", 46)):
        book.case(name, "reported", at="2026-03-02 10:00")
        book.case(name, "responded", at=f"2026-03-02 10:{minute}")
    found = {one.period: (one.state, one.margin_seconds) for one in standing(of, book, "2026-03-02 12:00").rows}
    assert found == {"F-1": ("fulfilled", 0), "F-2": ("late", -60), "F-3": ("breached", -31 * 60)}


def test_a_quota_is_fulfilled_late_or_breached() -> None:
    of = contract(duty(kind="quota", quota={"at_least": 2, "per": "quarter"}), grace=GRACE)
    book = Book()
    book.record("A01", at="2026-02-01")
    assert state(of, book, "2026-03-31 12:00", "2026Q1") == "due"
    assert state(of, book, "2026-04-02", "2026Q1") == "overdue"
    book.record("A01", at="2026-03-31 12:00")
    book.record("A01", at="2026-05-01")
    book.record("A01", at="2026-07-05 12:00", period="2026Q2")
    book.record("A01", at="2026-07-05 13:00")
    assert states(of, book, "2026-11-01") == {
        "2026Q1": "fulfilled", "2026Q2": "late", "2026Q3": "breached", "2026Q4": "due",
    }  # fmt: skip


def test_without_grace_nothing_is_late() -> None:
    of = contract(duty())
    book = Book()
    book.record("A01", at="2026-02-01 00:00", period="2026-01")
    assert states(of, book, "2026-03-01") == {"2026-01": "breached", "2026-02": "breached"}


def test_an_obligation_has_its_own_grace() -> None:
    of = contract(duty(grace={"working_days": 1}), grace={"months": 1})
    assert state(of, Book(), "2026-02-02 23:00", "2026-01") == "overdue"  # a Monday
    assert state(of, Book(), "2026-02-03 00:00", "2026-01") == "breached"


# -- what counts -------------------------------------------------------------------------------------------


def test_a_run_that_missed_hosts_is_partial_and_an_incomplete_one_nothing() -> None:
    of = contract(duty(kind="procedure"))
    book = Book()
    book.run("A01", at="2026-01-05", verdict="incomplete")
    assert state(of, book, "2026-01-06", "2026-01") == "due"
    missed = book.run("A01", at="2026-01-07", verdict="partial")
    found = row(of, book, "2026-01-08", "2026-01")
    assert (found.state, found.reason, found.evidence[-1]) == ("partial", "hosts_missed", missed)
    book.record("A01", at="2026-01-08")  # that somebody says so is no run
    book.document("A01", step="submitted", at="2026-01-08")
    assert state(of, book, "2026-01-09", "2026-01") == "partial"
    book.run("A01", at="2026-01-09")
    assert state(of, book, "2026-01-10", "2026-01") == "fulfilled"


def test_what_was_written_after_the_moment_does_not_count() -> None:
    of = contract(duty())
    book = Book()
    book.record("A01", at="2026-01-10", written="2026-01-20")
    assert state(of, book, "2026-01-19", "2026-01") == "due"
    assert state(of, book, "2026-01-20", "2026-01") == "fulfilled"


def test_a_record_about_the_future_waits_for_it() -> None:
    of = contract(duty())
    book = Book()
    book.record("A01", at="2026-01-30", written="2026-01-02")
    assert state(of, book, "2026-01-10", "2026-01") == "due"
    assert state(of, book, "2026-01-30 00:01", "2026-01") == "fulfilled"


def test_a_day_is_over_at_midnight() -> None:
    of = contract(duty())
    assert set(states(of, Book(), "2026-02-01 00:00")) == {"2026-01"}
    assert states(of, Book(), "2026-02-01 00:00") == {"2026-01": "breached"}
    assert set(states(of, Book(), "2026-02-01 00:01")) == {"2026-01", "2026-02"}


def test_a_corrected_record_counts_as_it_was_corrected() -> None:
    of = contract(duty("A01"), duty("A02"))
    book = Book()
    wrong = book.record("A01", at="2026-01-10")
    book.record("A02", at="2026-01-10", written="2026-01-20", corrects=wrong)
    assert state(of, book, "2026-01-15", "2026-01") == "fulfilled"
    assert row(of, book, "2026-01-21", name="A01").state == "due"
    assert row(of, book, "2026-01-21", name="A02").state == "fulfilled"


def test_a_waiver_holds_for_its_period_of_every_kind() -> None:
    of = contract(duty("A01"), duty("A02", "sla"), duty("A03", "quota", quota={"at_least": 1, "per": "month"}))
    book = Book()
    book.case("F-1", "reported", at="2026-01-05 10:00")
    for name, period in (("A01", "2026-01"), ("A02", "F-1"), ("A03", "2026-01")):
        entry = book.waiver(name, period, at="2026-01-20", by="王五")
        found = row(of, book, "2026-01-21", period, name)
        assert (found.state, found.parameters, found.evidence[-1]) == ("waived", {"by": "王五"}, entry)
    assert state(of, book, "2026-03-15", "2026-02") == "breached"


def test_what_was_fulfilled_all_the_same_is_not_waived() -> None:
    of = contract(duty())
    book = Book()
    book.record("A01", at="2026-01-10")
    book.waiver("A01", "2026-01", at="2026-01-20")
    assert state(of, book, "2026-01-21", "2026-01") == "fulfilled"


def test_what_is_standing_is_not_assessed_until_something_proves_it() -> None:
    of = contract(duty(cadence="standing"))
    book = Book()
    assert row(of, book, "2026-02-01").state == "not assessed"
    book.record("A01", at="2025-12-30")
    assert row(of, book, "2026-02-01").state == "fulfilled"


def test_what_is_owed_once_takes_evidence_of_any_day() -> None:
    of = contract(duty(cadence="once", due={"after": "signature", "within": {"days": 3}}), signed=day("2025-12-26"))
    assert row(of, Book(), "2025-12-27").state == "due"
    assert row(of, Book(), "2025-12-30 00:00").state == "breached"
    for at, expected in (("2025-12-28", "fulfilled"), ("2026-03-01", "breached")):
        book = Book()
        book.record("A01", at=at)
        assert row(of, book, "2026-04-01").state == expected


def test_every_obligation_has_a_row_even_where_there_is_nothing_to_say() -> None:
    of = contract(
        duty("A01"), duty("A02", "sla"), duty("A03", cadence="on event", opened_by=["asked"]), duty("A04", "quota"),
        term={"from": day("2027-01-01"), "to": day("2027-12-31")},
    )  # fmt: skip
    rows = standing(of, Book(), "2026-06-01").rows
    assert {one.obligation: (one.state, one.reason) for one in rows} == {
        "A01": ("not assessed", "not_begun"),
        "A02": ("not assessed", "nothing_opened"),
        "A03": ("not assessed", "nothing_opened"),
        "A04": ("not assessed", "not_begun"),
    }
    assert row(contract(duty(), term=None), Book(), "2026-06-01").reason == "no_term"


# -- due after another obligation --------------------------------------------------------------------------

INSPECTION = duty("A04", cadence="quarterly")
REPORT = duty("A05", "document", cadence="quarterly", due={"after": "A04", "within": {"working_days": 7}})


def test_a_report_is_due_after_its_inspection_whenever_that_was() -> None:
    of = contract(INSPECTION, REPORT)
    book = Book()
    found = row(of, book, "2026-08-01", "2026Q3", "A05")
    assert (found.estimated, found.due) == (True, moment("2026-10-16"))
    book.record("A04", at="2026-08-03 15:00")
    found = row(of, book, "2026-08-05", "2026Q3", "A05")
    assert (found.estimated, found.due, found.state) == (False, moment("2026-08-13"), "due")
    book.document("A05", step="submitted", at="2026-08-13 00:00", period="2026Q3")
    assert row(of, book, "2026-09-01", "2026Q3", "A05").state == "breached"


def test_a_quarter_waits_for_its_last_month_though_the_first_was_done_early() -> None:
    of = contract(duty("A01"), duty("A02", cadence="quarterly", due={"after": "A01", "within": {"working_days": 7}}))
    book = Book()
    book.record("A01", at="2026-07-03")
    found = row(of, book, "2026-07-20", "2026Q3", "A02")
    assert (found.state, found.estimated) == ("due", True)
    assert found.due == moment("2026-10-16")
    book.record("A01", at="2026-09-07")
    assert row(of, book, "2026-09-08", "2026Q3", "A02").due == moment("2026-09-17")


def test_provisional_days_are_told_down_the_chain() -> None:
    of = contract(INSPECTION, REPORT, term={"from": day("2026-01-01"), "to": day("2027-12-31")})
    assert row(of, Book(), "2026-12-31 12:00", "2026Q4", "A05").provisional
    assert not row(of, Book(), "2026-12-31 12:00", "2026Q3", "A05").provisional
