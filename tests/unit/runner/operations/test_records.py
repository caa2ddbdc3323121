"""Records by hand: what counts is written, what could not count is an error that names its option, nothing written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.errors import BadInput
from runner.evidence.ledger import Ledger
from runner.operations.check_site import CheckedSite
from runner.operations.records import Recorded, RecordRequest, WaiverRequest, add_record, list_records, waive
from runner.site import Site
from tests.unit.runner.operations.contracted import NOW, contracted
from tests.verification import verify


@pytest.fixture
def checked(site: Site) -> CheckedSite:
    return contracted(site)


def add(checked: CheckedSite, *obligations: str, **given: Any) -> Recorded:
    return add_record(checked, RecordRequest(obligations, **given), NOW)


def fault(checked: CheckedSite, event: str | None, at: str, number: str = "F-1", **given: Any) -> Recorded:
    return add(checked, event=event, case=f"fault:{number}", at=f"2026-03-02 {at}", **given)


def states(recorded: Recorded) -> dict[tuple[str, str, str], str]:
    return {(row.obligation, row.subject, row.period): row.state for row in recorded.rows}


def refused(checked: CheckedSite, *obligations: str, **given: Any) -> str:
    """Return the error of a record, after a look that nothing was written."""
    before = everything(checked)
    with pytest.raises(BadInput) as error:
        add(checked, *obligations, **given)
    assert everything(checked) == before
    assert "\n" not in str(error.value)
    return str(error.value)


def everything(checked: CheckedSite) -> list[Path]:
    folders = (checked.site.ledger_folder, checked.site.attachments_folder, checked.site.documents_folder)
    return sorted(path for folder in folders for path in folder.rglob("*") if path.name != ".lock")


# -- what is written --------------------------------------------------------------------------------------


def test_a_quota_counts_what_the_records_of_another_obligation_tell(checked: CheckedSite) -> None:
    add(checked, "A50", at="2026-04-20 14:00")  # how long it took need not be told
    recorded = add(checked, "A50", at="2026-04-21 14:00", quantities={"hours": "1.5"})
    found = {row.obligation: (row.used, row.allowed, row.evidence) for row in recorded.rows}
    assert found == {"A50": (None, None, (3, 4)), "A50.hours": (1.5, 4, (4,))}


def test_a_record_is_an_entry_with_all_that_was_told(checked: CheckedSite, tmp_path: Path) -> None:
    paper = tmp_path / "签到表.txt"
    paper.write_text("张三 赵六")
    recorded = add(checked, "A48", at="2026-04-20 14:00", who=("张三", "外聘专家"), text=" 回顾会议 ", attach=(paper,))
    body = recorded.entry.body
    assert recorded.entry.kind == "record"
    assert {key: body[key] for key in ("obligations", "at", "who", "text", "event", "case", "corrects")} == {
        "obligations": ["A48"],
        "at": "2026-04-20T14:00:00+08:00",
        "who": ["张三", "外聘专家"],
        "text": "回顾会议",
        "event": None,
        "case": None,
        "corrects": None,
    }
    (attached,) = body["attachments"]
    assert (attached["name"], attached["bytes"]) == ("签到表.txt", paper.stat().st_size)
    assert (checked.site.attachments_folder / attached["sha256"]).read_bytes() == paper.read_bytes()
    assert states(recorded) == {("A48", "", "2026Q2"): "fulfilled"}


def test_a_period_may_be_named_after_it_is_over(checked: CheckedSite) -> None:
    assert states(add(checked, "A48", at="2026-04-02", period="2026Q1")) == {("A48", "", "2026Q1"): "breached"}


def test_a_case_runs_the_clocks_of_its_grade(checked: CheckedSite) -> None:
    assert (
        states(fault(checked, "reported", "10:00", attributes={"grade": "P1"}))["A15", "respond", "F-1"] == "breached"
    )
    assert states(fault(checked, "responded", "10:10"))["A15", "respond", "F-1"] == "fulfilled"
    judged = fault(checked, None, "10:20", attributes={"arrive": "not needed"}, who=("赵六",))
    assert states(judged)["A15", "arrive", "F-1"] == "waived"
    restored = states(fault(checked, "restored", "12:30"))
    assert restored["A15", "restore", "F-1"] == "breached"
    assert ("A20", "", "F-1") in restored
    told = add(checked, "A20", case="fault:F-1", at="2026-03-02 13:00")
    assert states(told) == {("A20", "", "F-1"): "fulfilled"}


def test_a_deadline_that_both_sides_agreed_on_is_kept_with_its_zone(checked: CheckedSite) -> None:
    confirmed = add(
        checked, case="bug:7", event="confirmed", at="2026-02-02 09:00", attributes={"agreed": "2026-06-01 18:00"}
    )
    assert confirmed.entry.body["attributes"] == {"agreed": "2026-06-01T18:00:00+08:00"}
    assert [row.due.isoformat() for row in confirmed.rows if row.due] == ["2026-06-01T18:00:00+08:00"]


def test_quotas_count_records_and_quantities_for_each_item(checked: CheckedSite) -> None:
    (row,) = add(checked, "B08.cap", at="2026-02-03").rows
    assert (row.used, row.allowed) == (1, 4)
    add(checked, "A52", item="住培题库", quantities={"questions": "1000"}, at="2026-01-02")
    (row,) = add(checked, "A52", item="住培题库", quantities={"questions updated": "60"}, at="2026-03-02").rows
    assert (row.subject, row.used, row.allowed) == ("住培题库", 60, 100)


def test_what_an_event_opened_is_answered_by_its_number_where_several_are_open(checked: CheckedSite) -> None:
    first = add(checked, "A03", event="abnormality found", at="2026-03-02").entry.sequence
    second = add(checked, "A03", event="abnormality found", at="2026-03-03").entry.sequence
    assert "--period: is missing; A03 was opened 2 times: #3, #4" in refused(checked, "A03", at="2026-03-03")
    assert states(add(checked, "A03", at="2026-03-03", period=f"#{first}")) == {("A03", "", "#3"): "fulfilled"}
    assert states(add(checked, "A03", at="2026-03-05")) == {("A03", "", f"#{second}"): "breached"}


# -- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("obligations", "given", "problem"),
    [
        ((), {}, "OBLIGATION: is missing"),
        ((), {"text": "x"}, "OBLIGATION: is missing"),
        (("A99",), {}, "OBLIGATION A99: is not in the contract"),
        (("A01.recrd",), {}, "did you mean A01.record"),
        (("A48",), {"at": "2025-12-01"}, "OBLIGATION A48: does not hold on 2025-12-01"),
        (("A48",), {"at": "2025-12-27"}, "OBLIGATION A48: does not hold on 2025-12-27"),
        (("A54",), {}, "OBLIGATION A54: does not hold on 2026-06-15"),
        (("A23",), {}, "OBLIGATION A23: is met by its document: weibao document issue emergency-plan"),
        (("A01",), {}, "OBLIGATION A01: is met by its runs alone: weibao run inspect"),
        (("A50",), {"quantities": {"days": "1"}}, "--quantity days=1: no quota counts it; quantities: hours"),
        (("A48",), {"period": "2026-03"}, "--period 2026-03: is no period of A48: write such as 2026Q2 (quarterly"),
        (("A48",), {"period": "2027Q1"}, "--period 2027Q1: is no period of A48"),
        (("A48",), {"period": "term"}, "--period term: is no period of A48"),
        (("A03",), {"period": "#7"}, "--period #7: is no period of A03: events open it; opened so far: none"),
        (("A48",), {"at": "yesterday"}, "--at yesterday: is no time"),
        (("A48",), {"at": "2026-06-15 12:01"}, "--at 2026-06-15 12:01: lies in the future"),
        (("A48",), {"at": "0001-01-01"}, "--at 0001-01-01: lies too far back"),
        (("A48",), {"event": "reported"}, "--event reported: is no event that opens A48; events: none"),
        (("A03",), {"event": "reported"}, "--event reported: is no event that opens A03; events: abnormality found"),
        (("A48",), {"quantities": {"people": "3"}}, "--quantity people=3: no quota counts it; quantities: none"),
        (("A52",), {"item": "住培题库"}, "--quantity: is missing; A52 counts questions updated"),
        (("A52",), {"quantities": {"questions": "3"}}, "--item: is missing; A52 counts each for itself"),
        (("A52",), {"quantities": {"questions": "3"}, "item": "题库"}, "--item 题库: no quota has it; items:"),
        (("A52",), {"quantities": {"questions": "nan"}, "item": "住培题库"}, "must be a finite number"),
        (("A52",), {"quantities": {"questions": "1e999"}, "item": "住培题库"}, "must be a finite number"),
        (("A52",), {"quantities": {"questions": "-1"}, "item": "住培题库"}, "must be a finite number"),
        (("A52",), {"quantities": {"questions": "many"}, "item": "住培题库"}, "is no number"),
        (("A48",), {"attributes": {"grade": "P1"}}, "--set: tells something of a case"),
        (("A48",), {"text": "  "}, "--text: is empty"),
        (("A48",), {"text": "\udcff"}, "--text: is not UTF-8 text"),
        (("A48",), {"who": ("",)}, "--who: is empty"),
        (("A48",), {"attach": (Path("/nowhere/scan.pdf"),)}, "--attach /nowhere/scan.pdf: is not there"),
        (("A48",), {"attach": (Path("/"),)}, "--attach /: is no file"),
        (("A48",), {"attach": (Path("/dev/null"),)}, "--attach /dev/null: is no file"),
        (("A20",), {}, "--case: is missing; A20 is about one fault"),
        (("A15",), {"case": "bug:1", "event": "confirmed"}, "--case: is missing; A15 is about one fault"),
        ((), {"case": "F-1"}, "--case F-1: write its kind and id"),
        ((), {"case": "fault:"}, "--case fault:: write its kind and id"),
        ((), {"case": "flat:1"}, "--case flat: the contract has no such kind of case; kinds: bug, fault"),
        ((), {"case": "fault:1"}, "--case fault:1: there is no such case; its first record tells its --event"),
        ((), {"case": "fault:1", "event": "responded"}, "--case fault:1: there is no such case"),
        ((), {"case": "fault:1", "event": "rported"}, "--event rported: is no event of a fault; events: "),
        ((), {"case": "fault:1", "event": "reported", "at": "2026-03-02"}, "needs the time of day"),
        ((), {"case": "fault:1", "event": "reported", "attributes": {"grad": "P1"}}, "did you mean grade?"),
        ((), {"case": "fault:1", "event": "reported", "attributes": {"grade": "p1"}}, "did you mean grade=P1"),
        ((), {"case": "fault:1", "event": "reported", "attributes": {"arrive": "no"}}, "write arrive=needed or"),
        ((), {"case": "fault:1", "event": "reported", "attributes": {"arrive": "needed"}}, "--who: is missing"),
        (
            (),
            {"case": "bug:1", "event": "confirmed", "attributes": {"agreed": "soon"}},
            "--set agreed=soon: is no time",
        ),
        (("A48",), {"corrects": 1, "text": "x"}, "--corrects 1: there is no such record in the ledger"),
    ],
)
def test_what_could_not_count_is_one_error_and_nothing_is_written(
    checked: CheckedSite, obligations: tuple[str, ...], given: dict[str, Any], problem: str
) -> None:
    assert problem in refused(checked, *obligations, **given)


def test_an_empty_or_unreadable_attachment_is_refused_before_any_other_is_kept(
    checked: CheckedSite, tmp_path: Path
) -> None:
    good, empty = tmp_path / "good", tmp_path / "empty"
    good.write_text("x")
    empty.touch()
    assert f"--attach {empty}: is empty" in refused(checked, "A48", attach=(good, empty))


def test_other_attributes_and_grades_are_kept_as_they_are(checked: CheckedSite) -> None:
    told = {"grade": "其他", "department": "放射科"}
    assert fault(checked, "reported", "10:00", attributes=told).entry.body["attributes"] == told


def test_time_in_a_case_does_not_run_backwards(checked: CheckedSite) -> None:
    fault(checked, "reported", "10:00", attributes={"grade": "P1"})
    early = refused(checked, case="fault:F-1", event="restored", at="2026-03-02 09:59")
    assert early == ("--at 2026-03-02 09:59: restored follows reported, which entry 3 tells of 2026-03-02 10:00")
    assert "nothing held the clock" in refused(checked, case="fault:F-1", event="answered", at="2026-03-02 11:00")
    fault(checked, "waiting", "10:30")
    fault(checked, "answered", "11:00")


def test_what_follows_a_report_cannot_be_there_before_it(checked: CheckedSite) -> None:
    fault(checked, "restored", "10:00", attributes={"grade": "P1"})
    late = refused(checked, case="fault:F-1", event="reported", at="2026-03-02 10:30")
    assert "reported comes before restored, which entry 3 tells of 2026-03-02 10:00" in late
    fault(checked, "reported", "09:30")


# -- corrections ------------------------------------------------------------------------------------------


def test_a_correction_takes_the_place_of_an_entry_and_both_stay(checked: CheckedSite) -> None:
    add(checked, "A48", at="2026-04-20", text="错")
    add(checked, "A48", at="2026-01-20", text="对", corrects=3)
    assert [(one.sequence, one.corrected_by) for one in list_records(checked)] == [(3, 4), (4, None)]
    assert "--corrects 3: entry 4 has corrected it already" in refused(checked, "A48", corrects=3)
    assert states(add(checked, "A48", at="2026-01-21")) == {("A48", "", "2026Q1"): "fulfilled"}


def test_a_text_alone_takes_an_entry_back(checked: CheckedSite) -> None:
    add(checked, "B08.cap", at="2026-02-03")
    assert "--text: is missing" in refused(checked, corrects=3)
    add(checked, corrects=3, text="登记有误")
    (row,) = add(checked, "B08.cap", at="2026-02-04").rows
    assert row.used == 1


def test_a_corrected_report_is_checked_against_what_follows_it(checked: CheckedSite) -> None:
    fault(checked, "reported", "10:00", attributes={"grade": "P1"})
    fault(checked, "restored", "11:00")
    given = {"case": "fault:F-1", "event": "reported", "attributes": {"grade": "P1"}, "corrects": 3}
    assert "comes before restored" in refused(checked, at="2026-03-02 11:30", **given)
    add(checked, at="2026-03-02 10:30", **given)


def test_what_an_entry_opened_keeps_its_name_when_the_entry_is_corrected(checked: CheckedSite) -> None:
    found = {"event": "abnormality found"}
    add(checked, "A03", at="2026-03-02", **found)
    add(checked, "A03", at="2026-03-04", period="#3")
    assert "--at 2026-03-05 00:00: lies after what answers it" in refused(
        checked, "A03", at="2026-03-05", corrects=3, **found
    )
    for number, day in ((3, "2026-03-01"), (5, "2026-03-03")):
        recorded = add(checked, "A03", at=day, corrects=number, **found)
        assert [(row.period, row.evidence) for row in recorded.rows] == [("#3", (4,))]
    assert states(recorded) == {("A03", "", "#3"): "fulfilled"}
    add(checked, "A03", at="2026-05-04", **found)
    add(checked, "A03", at="2026-05-05", **found)
    assert "opened 2 times: #7, #8" in refused(checked, "A03", at="2026-05-06")


@pytest.mark.parametrize(
    ("obligations", "changes"),
    [((), {"text": "登记有误"}), (("A48",), {"at": "2026-03-01"}), (("A03",), {"at": "2026-03-01"})],
)
def test_what_opened_something_that_was_answered_opens_it_still_or_is_taken_back_last(
    checked: CheckedSite, obligations: tuple[str, ...], changes: dict[str, Any]
) -> None:
    add(checked, "A03", event="abnormality found", at="2026-03-02")
    add(checked, "A03", at="2026-03-02", period="#3")
    assert "--corrects 3: opened what is told by 4; take" in refused(checked, *obligations, corrects=3, **changes)


def test_what_began_a_case_is_taken_back_last(checked: CheckedSite) -> None:
    fault(checked, "reported", "10:00", attributes={"grade": "P1"})
    fault(checked, "restored", "14:00")
    taken_back = {"corrects": 3, "text": "登记有误"}
    assert "--corrects 3: opened what is told by 4; take those back first" in refused(checked, **taken_back)
    fault(checked, "reported", "10:10", number="F-2")
    moved = {"case": "fault:F-2", "event": "reported", "at": "2026-03-02 10:00", "corrects": 3}
    assert "--corrects 3: opened" in refused(checked, **moved)
    add(checked, corrects=4, text="登记有误")
    assert add(checked, **taken_back).rows == ()


def test_runs_cannot_be_corrected(checked: CheckedSite) -> None:
    Ledger(checked.site.ledger_folder, "own").append("run", {"run": "x", "ended": NOW.isoformat(), "obligations": []})
    assert "--corrects 1: is a run, which stays as it is" in refused(checked, corrects=1, text="x")


# -- waivers ----------------------------------------------------------------------------------------------

WAIVER = WaiverRequest("A48", "2026Q1", "王五", "双方同意合并到第二季度", at="2026-03-30")


def test_the_clocks_of_one_case_are_waived_but_for_what_was_kept(checked: CheckedSite) -> None:
    for number in ("F-1", "F-2"):
        fault(checked, "reported", "10:00", number=number, attributes={"grade": "P1"})
    fault(checked, "restored", "11:00")
    waiver = replace(WAIVER, obligation="A15", period="F-1")
    assert states(waive(checked, waiver, NOW)) == {
        ("A15", "respond", "F-1"): "waived", ("A15", "arrive", "F-1"): "waived",
    }  # fmt: skip
    recorded = fault(checked, "responded", "10:40")
    assert states(recorded)[("A15", "respond", "F-1")] == "waived", "late is what was consented to"
    assert states(recorded)[("A15", "restore", "F-1")] == "fulfilled"
    assert states(fault(checked, "responded", "10:40", number="F-2"))[("A15", "respond", "F-2")] == "breached"
    with pytest.raises(BadInput, match=r"--period F-3: is no period of A15: .* F-1, F-2"):
        waive(checked, replace(waiver, period="F-3"), NOW)


def test_a_waiver_has_consent_and_reason(checked: CheckedSite) -> None:
    recorded = waive(checked, WAIVER, NOW)
    assert recorded.entry.body["consent_by"] == "王五"
    assert states(recorded) == {("A48", "", "2026Q1"): "waived"}
    (listed,) = list_records(checked, period="2026Q1")
    assert listed.kind == "waiver"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"obligation": "A99"}, "OBLIGATION A99: is not in the contract"),
        ({"period": "2026-01"}, "--period 2026-01: is no period of A48"),
        ({"obligation": "A54", "period": "2026H2"}, "--period 2026H2: is no period of A54"),
        ({"consent": "谁"}, "--consent 谁: is not in people.yml"),
        ({"consent": "张三"}, "--consent 张三: is not of the purchaser"),
        ({"consent": "赵六"}, "--consent 赵六: is not valid in people.yml on 2026-03-30"),
        ({"consent": "王五", "at": None}, "--consent 王五: is not valid in people.yml on 2026-06-15"),
        ({"at": "2027-01-01"}, "--at 2027-01-01: lies in the future"),
        ({"reason": " "}, "--reason: is empty"),
        ({"attach": (Path("/nowhere"),)}, "--attach /nowhere: is not there"),
    ],
)
def test_a_waiver_without_valid_consent_is_refused(checked: CheckedSite, changes: dict[str, Any], problem: str) -> None:
    before = everything(checked)
    with pytest.raises(BadInput) as error:
        waive(checked, replace(WAIVER, **changes), NOW)
    assert problem in str(error.value)
    assert everything(checked) == before


def test_a_waiver_is_given_once_and_can_be_taken_back(checked: CheckedSite) -> None:
    waive(checked, WAIVER, NOW)
    with pytest.raises(BadInput, match="entry 3 waives it already"):
        waive(checked, WAIVER, NOW)
    assert "is a waiver; it can be taken back" in refused(checked, "A48", corrects=3, period="2026Q1")
    add(checked, corrects=3, text="采购人撤回同意")
    assert states(waive(checked, WAIVER, NOW)) == {("A48", "", "2026Q1"): "waived"}


def test_what_was_done_and_waived_stays_done(checked: CheckedSite) -> None:
    add(checked, "A48", at="2026-02-01")
    assert waive(checked, WAIVER, NOW).entry.sequence == 4
    assert [one.sequence for one in list_records(checked, obligation="A48")] == [3, 4]
    assert not list(verify(Ledger(checked.site.ledger_folder, "own"), checked.site.runs_folder))


def test_the_clocks_of_one_case_can_be_waived(checked: CheckedSite) -> None:
    fault(checked, "reported", "10:00", attributes={"grade": "P1"})
    recorded = waive(checked, replace(WAIVER, obligation="A15", period="F-1"), NOW)
    assert set(states(recorded).values()) == {"waived"}
    with pytest.raises(BadInput, match="--period F-2: is no period of A15"):
        waive(checked, replace(WAIVER, obligation="A15", period="F-2"), NOW)


def test_one_case_is_listed_by_its_name(checked: CheckedSite) -> None:
    fault(checked, "reported", "10:00")
    fault(checked, "reported", "11:00", number="F-2")
    assert [one.sequence for one in list_records(checked, case="fault:F-2")] == [4]
