from __future__ import annotations

from datetime import date, timedelta

import pytest

from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.errors import BadInput
from runner.operations.schedule import LONGEST_RETRY, RETRY_AFTER, Turn
from runner.operations.schedule_text import ScheduleText
from tests.unit.runner.operations.contracts import contract, moment, owed, record, run, scheduler

MONTHLY = contract(owed("A01"))
BOTH = contract(owed("A01"), owed("A34", "weekly"), owed("A43", "standing"))


def only(turns: list[Turn]) -> Turn:
    (turn,) = turns
    return turn


# -- which runs ----------------------------------------------------------------------------------------------


def test_a_run_is_due_from_the_first_moment_of_its_period() -> None:
    assert only(scheduler(MONTHLY, "2025-12-31T23:59:59").turns()).at == moment("2026-01-01")
    turn = only(scheduler(MONTHLY, "2026-01-01T00:00:00").turns())
    assert turn.ready(moment("2026-01-01T00:00:00"))
    assert turn.occurrences == ("A01/2026-01",)


def test_one_run_serves_every_obligation_that_names_the_procedure() -> None:
    turn = only(scheduler(BOTH, "2026-01-01T08:00").turns())
    assert turn.occurrences == ("A01/2026-01", "A34/2026W01", "A43/term")
    assert turn.more == 0


def test_what_is_done_is_not_run_again_and_the_next_period_is_told() -> None:
    done = run(1, "2026-01-01T08:05", "A01/2026-01", "A34/2026W01", "A43/term")
    turn = only(scheduler(BOTH, "2026-01-02T08:00", done).turns())
    assert (turn.at, turn.reason, turn.occurrences) == (moment("2026-01-05"), "planned", ("A34/2026W02",))


def test_a_run_for_one_period_does_not_count_for_another() -> None:
    late = run(1, "2026-02-03T08:05", "A01/2026-01")
    turn = only(scheduler(MONTHLY, "2026-02-03T09:00", late).turns())
    assert (turn.occurrences, turn.more) == (("A01/2026-02",), 0)


def test_a_run_by_hand_counts_for_the_period_in_which_it_ended() -> None:
    by_hand = run(1, "2026-02-03T08:05", "A01")
    assert only(scheduler(MONTHLY, "2026-02-03T09:00", by_hand).turns()).occurrences == ("A01/2026-01",)
    both = (by_hand, run(2, "2026-02-03T10:05", "A01/2026-01"))
    assert only(scheduler(MONTHLY, "2026-02-03T11:00", *both).turns()).at == moment("2026-03-01")


def test_an_outage_is_made_up_for_oldest_first_in_runs_of_their_own() -> None:
    turn = only(scheduler(BOTH, "2026-02-10T08:00").turns())
    assert turn.occurrences == ("A01/2026-01", "A34/2026W01", "A43/term")
    # Six weeks are open after the first one.
    assert turn.more == 6
    then = scheduler(BOTH, "2026-02-10T09:00", run(1, "2026-02-10T08:05", *turn.occurrences))
    assert only(then.turns()).occurrences == ("A01/2026-02", "A34/2026W02", "A43/term")


def test_what_was_waived_is_not_run() -> None:
    waiver = record(1, "2026-01-20T08:00", "A01", kind="waiver", period="2026-01", consent_by="丙")
    assert only(scheduler(MONTHLY, "2026-02-03T08:00", waiver).turns()).occurrences == ("A01/2026-02",)


def test_an_event_opens_a_run() -> None:
    agreed = contract(owed("A07", "on event", opened_by=["asked"]))
    assert scheduler(agreed, "2026-03-01T08:00").turns() == []
    asked = record(1, "2026-03-02T08:00", "A07", event="asked")
    turn = only(scheduler(agreed, "2026-03-02T09:00", asked).turns())
    assert (turn.occurrences, turn.ready(moment("2026-03-02T09:00"))) == (("A07/#1",), True)
    done = run(2, "2026-03-02T09:05", "A07/#1")
    assert scheduler(agreed, "2026-03-02T10:00", asked, done).turns() == []


def test_what_only_stands_or_is_recorded_by_hand_starts_no_run() -> None:
    by_hand = {"id": "A03", "kind": "record", "procedure": "inspect", "cadence": "monthly", "clause": "汇报"}
    assert scheduler(contract(owed("A43", "standing"), by_hand), "2026-03-01T08:00").turns() == []
    turn = only(scheduler(contract(owed("A01", "quarterly"), by_hand), "2026-03-01T08:00").turns())
    assert turn.occurrences == ("A01/2026Q1", "A03/2026-01")


def test_without_a_term_or_outside_of_it_nothing_runs() -> None:
    assert scheduler(contract(owed("A01"), term=None), "2026-03-01T08:00").turns() == []
    done = [run(month, f"2026-{month:02d}-02T08:00", f"A01/2026-{month:02d}") for month in range(1, 13)]
    assert scheduler(MONTHLY, "2027-01-03T08:00", *done).turns() == []


def test_an_amendment_changes_which_procedure_runs() -> None:
    change = {"from": date(2026, 3, 1), "title": "补充协议", "obligations": [owed("A01", procedure="clean")]}
    agreed = contract(owed("A01"), amendments=[change], procedures={"clean": {"change": "routine"}})
    done = [run(1, "2026-01-02T08:00", "A01/2026-01")]
    assert [turn.procedure for turn in scheduler(agreed, "2026-03-02T08:00", *done).turns()] == ["clean", "inspect"]


# -- attempts that failed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", ["failed", "partial"])
def test_what_was_not_complete_is_tried_again_after_an_hour(verdict: str) -> None:
    failed = run(1, "2026-01-01T08:00", "A01/2026-01", verdict=verdict)
    turn = only(scheduler(MONTHLY, "2026-01-01T08:15", failed).turns())
    assert (turn.at, turn.reason) == (moment("2026-01-01T08:00") + RETRY_AFTER, "retry")
    assert only(scheduler(MONTHLY, "2026-01-01T09:00", failed).turns()).ready(moment("2026-01-01T09:00"))


def test_each_further_attempt_waits_twice_as_long_up_to_a_day() -> None:
    attempts = [run(day, f"2026-01-{day:02d}T08:00", "A01/2026-01", verdict="failed") for day in range(1, 10)]
    for count, hours in ((1, 1), (2, 2), (3, 4), (5, 16), (6, 24), (9, 24)):
        made = attempts[:count]
        last = moment(f"2026-01-{count:02d}T08:00")
        turn = only(scheduler(MONTHLY, f"2026-01-{count:02d}T08:01", *made).turns())
        assert turn.at == last + timedelta(hours=hours)
        assert turn.at <= last + LONGEST_RETRY


def test_a_complete_run_ends_the_waiting() -> None:
    lines = [
        *(run(number, f"2026-01-0{number}T08:00", "A01/2026-01", verdict="failed") for number in (1, 2, 3)),
        run(4, "2026-01-04T08:00", "A01/2026-01"),
        run(5, "2026-02-01T00:05", "A01/2026-02", verdict="failed"),
    ]
    assert only(scheduler(MONTHLY, "2026-02-01T00:10", *lines).turns()).at == moment("2026-02-01T01:05")


def test_what_was_interrupted_is_made_again_at_once_but_not_for_ever() -> None:
    first = run(1, "2026-01-01T08:00", "A01/2026-01", verdict="incomplete")
    now = moment("2026-01-01T08:01")
    assert only(scheduler(MONTHLY, "2026-01-01T08:01", first).turns()).ready(now)
    second = run(2, "2026-01-01T08:02", "A01/2026-01", verdict="incomplete")
    turn = only(scheduler(MONTHLY, "2026-01-01T08:03", first, second).turns())
    assert turn.at == moment("2026-01-01T10:02")


def test_a_host_that_is_down_for_long_keeps_no_later_period_from_being_tried() -> None:
    lines = [run(1, "2026-01-31T08:00", "A01/2026-01", verdict="partial")]
    assert only(scheduler(MONTHLY, "2026-02-01T09:00", *lines).turns()).occurrences == ("A01/2026-02",)
    lines.append(run(2, "2026-02-01T09:00", "A01/2026-02", verdict="partial"))
    assert only(scheduler(MONTHLY, "2026-02-03T09:00", *lines).turns()).occurrences == ("A01/2026-01",)


def test_a_run_from_the_future_does_not_hold_the_next_one_back() -> None:
    ahead = run(1, "2026-09-01T08:00", "A01/2026-01", verdict="failed")
    found = scheduler(MONTHLY, "2026-09-02T08:00", ahead)
    back = type(found)(found.contract, found.facts, found.working, found.procedures, moment("2026-01-05T08:00"))
    assert only(back.turns()).ready(moment("2026-01-05T08:00"))


# -- what waits for a person ---------------------------------------------------------------------------------

ROUTINE = {"clean": {"change": "routine"}}


def test_what_changes_hosts_needs_a_change_unless_it_is_routine() -> None:
    turn = only(scheduler(contract(owed("A10", procedure="clean")), "2026-01-02T08:00").turns())
    assert (turn.at, turn.reason) == (None, "needs_change")
    routine = contract(owed("A10", procedure="clean"), procedures=ROUTINE)
    assert only(scheduler(routine, "2026-01-02T08:00").turns()).ready(moment("2026-01-02T08:00"))


def test_the_contract_can_ask_for_a_change_for_what_only_reads() -> None:
    agreed = contract(owed("A01"), procedures={"inspect": {"change": "approved"}})
    assert only(scheduler(agreed, "2026-01-02T08:00").turns()).reason == "needs_change"


@pytest.mark.parametrize("verdict", ["incomplete", "failed", "partial"])
def test_what_must_not_be_repeated_waits_for_a_person(verdict: str) -> None:
    agreed = contract(owed("A10", procedure="clean"), procedures=ROUTINE)
    left = run(1, "2026-01-01T08:00", "A10/2026-01", verdict=verdict, procedure="clean")
    turn = only(scheduler(agreed, "2026-02-02T08:00", left).turns())
    assert (turn.at, turn.reason) == (None, "not_repeatable")
    assert turn.parameters == {"run": "run-1", "verdict": verdict}
    by_hand = run(2, "2026-02-02T09:00", "A10/2026-01", procedure="clean")
    assert only(scheduler(agreed, "2026-02-02T10:00", left, by_hand).turns()).occurrences == ("A10/2026-02",)


def test_the_contract_can_forbid_what_the_playbook_allows_but_not_the_other_way_round() -> None:
    left = run(1, "2026-01-01T08:00", "A01/2026-01", verdict="incomplete")
    forbidden = contract(owed("A01"), procedures={"inspect": {"repeatable": False}})
    assert only(scheduler(forbidden, "2026-01-02T08:00", left).turns()).reason == "not_repeatable"
    allowed = contract(owed("A10", procedure="clean"), procedures={"clean": {"change": "routine", "repeatable": True}})
    left = run(1, "2026-01-01T08:00", "A10/2026-01", verdict="incomplete", procedure="clean")
    assert only(scheduler(allowed, "2026-01-02T08:00", left).turns()).reason == "not_repeatable"


def test_once_the_term_is_over_only_what_is_in_its_grace_is_run() -> None:
    agreed = contract(owed("A01"), grace={"days": 5})
    done = [run(month, f"2026-{month:02d}-03T08:00", f"A01/2026-{month:02d}") for month in range(2, 12)]
    assert only(scheduler(agreed, "2026-12-31T23:00", *done).turns()).occurrences == ("A01/2026-01",)
    turn = only(scheduler(agreed, "2027-01-05T08:00", *done).turns())
    assert (turn.occurrences, turn.more, turn.ready(moment("2027-01-05T08:00"))) == (("A01/2026-12",), 0, True)
    for lines in (done, [*done, run(12, "2027-01-05T08:05", "A01/2026-12")]):
        turn = only(scheduler(agreed, "2027-01-06T08:00", *lines).turns())
        assert (turn.occurrences, turn.at, turn.reason) == (("A01/2026-01",), None, "term_over")


def test_a_run_by_hand_can_be_for_a_period_that_is_past() -> None:
    found = scheduler(BOTH, "2026-02-10T08:00", run(1, "2026-02-01T08:00", "A01/2026-02"))
    assert found.named("inspect", "2026-01") == ("A01/2026-01",)
    assert found.named("inspect", "term") == ("A43/term",)
    for period in ("2026-03", "2025-12", "nonsense"):
        with pytest.raises(BadInput, match="2026-01, 2026W01"):
            found.named("inspect", period)
    with pytest.raises(BadInput, match="open: nothing"):
        found.named("clean", "2026-01")


# -- hours ---------------------------------------------------------------------------------------------------


def test_a_run_waits_for_the_hours_that_the_contract_allows() -> None:
    agreed = contract(owed("A01"), procedures={"inspect": {"hours": "service"}})
    # 1 and 2 January 2026 are a holiday, 3 January is one, too; 4 January, a Sunday, is worked.
    turn = only(scheduler(agreed, "2026-01-01T09:00").turns())
    assert (turn.at, turn.reason) == (moment("2026-01-04T08:00"), "hours")
    assert only(scheduler(agreed, "2026-01-05T09:00").turns()).ready(moment("2026-01-05T09:00"))


def test_hours_that_never_come_are_told() -> None:
    terms = {"inspect": {"hours": "service", "between": {"from": "22:00", "to": "05:00"}}}
    turn = only(scheduler(contract(owed("A01"), procedures=terms), "2026-01-05T09:00").turns())
    assert (turn.at, turn.reason) == (None, "no_hours")


# -- what is due ---------------------------------------------------------------------------------------------

HAND = {"id": "A03", "kind": "record", "cadence": "monthly", "clause": "汇报"}
REPORT = {
    "id": "A05", "kind": "document", "document": "inspection-record", "cadence": "monthly", "clause": "报告",
    "due": {"after": "A01", "within": {"working_days": 7}},
}  # fmt: skip


def test_the_list_holds_what_is_open_and_the_next_35_days() -> None:
    found = scheduler(contract(owed("A01"), HAND), "2026-03-20T08:00", run(1, "2026-03-02T08:00", "A01/2026-03"))
    agenda = found.agenda(None, date(2026, 4, 24))
    assert [(line.key, line.state, line.day) for line in agenda.lines] == [
        ("A01/2026-01", "breached", date(2026, 1, 31)),
        ("A03/2026-01", "breached", date(2026, 1, 31)),
        ("A01/2026-02", "breached", date(2026, 2, 28)),
        ("A03/2026-02", "breached", date(2026, 2, 28)),
        ("A03/2026-03", "due", date(2026, 3, 31)),
    ]


def test_a_window_holds_everything_that_is_due_in_it_done_or_planned() -> None:
    found = scheduler(MONTHLY, "2026-03-20T08:00", run(1, "2026-03-02T08:00", "A01/2026-03"))
    lines = found.agenda(date(2026, 2, 1), date(2026, 5, 31)).lines
    assert [(line.row.period, line.state) for line in lines] == [
        ("2026-02", "breached"), ("2026-03", "fulfilled"), ("2026-04", "planned"), ("2026-05", "planned"),
    ]  # fmt: skip


def test_a_year_has_every_due_date_once_whenever_it_is_asked_for() -> None:
    agreed = contract(owed("A01"), owed("A34", "weekly"), HAND, REPORT)
    windows = [
        [(line.key, line.day) for line in scheduler(agreed, now).agenda(date(2026, 1, 1), date(2026, 12, 31)).lines]
        for now in ("2025-06-01T08:00", "2026-01-01T00:00", "2026-07-15T12:00", "2027-03-01T08:00")
    ]
    assert all(sorted(window, key=str) == sorted(windows[0], key=str) for window in windows)
    keys = [key for key, _ in windows[0]]
    assert len(keys) == len(set(keys))
    # The report on December is due in January.
    assert len(keys) == 12 + 53 + 12 + 11


def test_what_follows_another_obligation_is_estimated_until_that_is_done() -> None:
    agreed = contract(owed("A01"), REPORT)
    (line,) = (
        one for one in scheduler(agreed, "2026-03-02T08:00").agenda(date(2026, 4, 1), date(2026, 4, 30)).lines
        if one.key == "A05/2026-03"
    )  # fmt: skip
    assert (line.row.estimated, line.day) == (True, date(2026, 4, 10))
    done = scheduler(agreed, "2026-03-02T08:00", run(1, "2026-03-01T08:00", "A01/2026-03"))
    (line,) = (one for one in done.agenda(None, date(2026, 3, 31)).lines if one.key == "A05/2026-03")
    assert (line.row.estimated, line.day) == (False, date(2026, 3, 10))


def test_days_outside_of_the_term_have_nothing() -> None:
    assert scheduler(MONTHLY, "2026-03-01T08:00").agenda(date(2030, 1, 1), date(9999, 12, 31)).lines == ()


def test_quotas_and_clocks_that_run_are_listed_apart() -> None:
    cap = {"id": "B08", "kind": "quota", "clause": "每年不超过4次", "quota": {"at_most": 4, "per": "year"}}
    answer = {"name": "respond", "within": {"minutes": 30}, "starts": ["reported"], "stops": ["responded"]}
    clock = {"id": "B10", "kind": "sla", "clause": "响应", "case": "fault", "clocks": [answer]}
    case = {"kind": "fault", "id": "F-1"}
    told = [
        record(1, "2026-02-01T08:00", "B08"),
        record(2, "2026-03-01T08:00", "B10", event="reported", case=case),
        record(3, "2026-03-01T07:00", "B10", event="reported", case={**case, "id": "F-0"}),
        record(4, "2026-03-01T07:10", "B10", event="responded", case={**case, "id": "F-0"}),
    ]
    agenda = scheduler(contract(cap, clock), "2026-03-01T08:10", *told).agenda(None, date(2026, 4, 1))
    assert [(line.row.used, line.row.allowed) for line in agenda.quotas] == [(1, 4)]
    assert [(line.row.period, line.row.margin_seconds) for line in agenda.clocks] == [("F-1", 1200)]
    assert agenda.lines == ()
    shown = "\n".join(ScheduleText(Wording(load_catalogue("zh"), contract().zone())).agenda(agenda, term=True))
    assert "已计 1/4" in shown
    assert "F-1 响应" in shown


# -- in words ------------------------------------------------------------------------------------------------


CHINESE = """\
下次自动运行：2026-05-01 10:00 日常系统巡检（A01/2026-01、A11/#1），其后还有 4 次补做（上次未完整，到时重试）
不自动运行：clean（A10/2026-01）：会改动主机，须先有批准的变更

截至 2026-05-01 未完成的，以及 2026-06-05 前到期的：
到期 状态 条款 周期 履行方式 事项
2026-01-31 违约 A01 2026-01…2026-04（4 期） 运行 日常系统巡检 巡检
2026-01-31 违约 A03 2026-01…2026-04（4 期） 记录 汇报
2026-01-31 违约 A10 2026-01…2026-04（4 期） 运行 clean 巡检
2026-02-10 违约 A05 2026-01…2026-03（3 期） 文档 日常系统巡检记录 报告
2026-05-13 待履约（预计） A05 2026-04 文档 日常系统巡检记录 报告
2026-05-31 待履约 A01 2026-05 运行 日常系统巡检 巡检
2026-05-31 待履约 A03 2026-05 记录 汇报
2026-05-31 待履约 A10 2026-05 运行 clean 巡检
未定 待履约 A11 #1 运行 日常系统巡检 巡检
"""

ENGLISH = """\
next run: 2026-05-01 10:00 System inspection (A01/2026-01, A11/#1), then 4 more to catch up \
(the last attempt was not complete)
waits: clean (A10/2026-01): it changes hosts and needs an approved change

open on 2026-05-01, and due until 2026-06-05:
due state clause period by what
2026-01-31 breached A01 2026-01…2026-04 (4) run System inspection 巡检
2026-01-31 breached A03 2026-01…2026-04 (4) record 汇报
2026-01-31 breached A10 2026-01…2026-04 (4) run clean 巡检
2026-02-10 breached A05 2026-01…2026-03 (3) document System inspection record 报告
2026-05-13 due (estimated) A05 2026-04 document System inspection record 报告
2026-05-31 due A01 2026-05 run System inspection 巡检
2026-05-31 due A03 2026-05 record 汇报
2026-05-31 due A10 2026-05 run clean 巡检
open due A11 #1 run System inspection 巡检
"""


def printed(language: str) -> list[str]:
    agreed = contract(
        owed("A01"), HAND, REPORT, owed("A10", procedure="clean"), owed("A11", "on event", opened_by=["asked"])
    )
    lines = [record(1, "2026-05-01T08:00", "A11", event="asked"), run(2, "2026-05-01T09:00", "A01", verdict="failed")]
    found = scheduler(agreed, "2026-05-01T09:10", *lines)
    text = ScheduleText(Wording(load_catalogue(language), agreed.zone()))
    return [" ".join(line.split()) for line in text.agenda(found.agenda(None, date(2026, 6, 5)), term=True)]


def test_the_list_in_chinese() -> None:
    assert printed("zh") == CHINESE.splitlines()


def test_the_list_in_english() -> None:
    assert printed("en") == ENGLISH.splitlines()


def test_columns_stand_under_each_other_in_chinese_too() -> None:
    text = ScheduleText(Wording(load_catalogue("zh")))
    table = list(
        text.agenda(
            scheduler(contract(owed("A01"), HAND), "2026-01-05T08:00").agenda(None, date(2026, 2, 9)), term=True
        )
    )
    head = next(index for index, line in enumerate(table) if "到期" in line and "条款" in line)
    widths = [
        len(line[: line.index(mark)].encode("gbk"))
        for line, mark in zip(table[head:], ("条款", "A01", "A03"), strict=False)
    ]
    assert len(set(widths)) == 1
