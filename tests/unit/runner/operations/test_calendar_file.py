from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar

from reports.catalogue import load_catalogue
from reports.wording import Wording
from runner.contract.facts import EntryLine
from runner.operations.calendar_file import calendar_file
from runner.operations.schedule_text import ScheduleText
from tests.unit.runner.operations.contracts import ZONE, contract, owed, record, run, scheduler

AGREED = contract(
    owed("A01", title="月度远程巡检，核心服务；可用性, CPU; 内存\\磁盘", clause="条款" * 60),
    {
        "id": "A05", "kind": "document", "document": "inspection-record", "cadence": "monthly", "clause": "报告",
        "due": {"after": "A01", "within": {"working_days": 7}},
    },
    {
        "id": "A44", "kind": "record", "cadence": "on event", "clause": "立即报告", "opened_by": ["happened"],
        "due": {"after": "happened", "within": {"hours": 2}},
    },
)  # fmt: skip


def made(now: str, *lines: EntryLine, language: str = "zh", sequence: int = 7) -> bytes:
    agenda = scheduler(AGREED, now, *lines).agenda(date(2026, 1, 1), date(2026, 12, 31))
    text = ScheduleText(Wording(load_catalogue(language), ZONE))
    return calendar_file(agenda, text, "影像系统 维保到期日", "own/T-1", sequence)


def events(content: bytes) -> dict[str, Any]:
    """The events of a file, as a calendar program reads them, by the first words of their summary."""
    found = Calendar.from_ical(content)
    return {str(one["summary"]): one for one in found.walk("VEVENT")}


def test_what_calendar_programs_ask_of_a_file() -> None:
    content = made("2026-03-10T08:00")
    lines = content.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    assert b"\n" not in content.replace(b"\r\n", b""), "every line ends as RFC 5545 says"
    assert max(map(len, lines)) <= 75
    # Folded between letters, never within one.
    assert all(line.decode("utf-8") is not None for line in lines)
    calendar = Calendar.from_ical(content)
    assert {key: str(calendar[key]) for key in ("VERSION", "METHOD", "CALSCALE")} == {
        "VERSION": "2.0", "METHOD": "PUBLISH", "CALSCALE": "GREGORIAN",
    }  # fmt: skip
    assert str(calendar["X-WR-CALNAME"]) == "影像系统 维保到期日"
    assert content.count(b"\r\nDTSTAMP:20260310T000000Z\r\n") == len(calendar.walk("VEVENT"))
    for event in calendar.walk("VEVENT"):
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "SEQUENCE"} <= set(event)


def test_a_day_of_the_contract_is_an_all_day_event_with_a_reminder_on_the_day_before() -> None:
    found = events(made("2026-03-10T08:00"))
    event = found["A01 月度远程巡检，核心服务；可用性, CPU; 内存\\磁盘（2026-04）"]
    assert (event["dtstart"].dt, event["dtend"].dt) == (date(2026, 4, 30), date(2026, 5, 1))
    (alarm,) = event.walk("VALARM")
    assert alarm["trigger"].dt == -timedelta(hours=15)
    assert "条款" * 60 in str(event["description"])
    assert event["categories"].to_ical().decode() == "自动执行", "people see it beside the event"


def test_an_hour_of_the_contract_ends_an_event_in_utc() -> None:
    opened = record(1, "2026-03-09T22:10", "A44", event="happened")
    event = events(made("2026-03-09T22:15", opened))["A44 立即报告（#1）"]
    due = datetime(2026, 3, 9, 16, 10, tzinfo=UTC)
    assert (event["dtstart"].dt, event["dtend"].dt) == (due - timedelta(minutes=30), due)
    assert len(event.walk("VALARM")) == 1


def test_what_is_done_or_past_is_shown_and_reminds_nobody() -> None:
    lines = [run(1, "2026-01-03T08:00", "A01/2026-01")]
    found = events(made("2026-03-10T08:00", *lines))
    done = next(event for name, event in found.items() if name.startswith("✓ A01") and "2026-01" in name)
    missed = next(event for name, event in found.items() if name.startswith("A01") and "2026-02" in name)
    assert [len(one.walk("VALARM")) for one in (done, missed)] == [0, 0]
    assert "状态：违约" in str(missed["description"])


def test_estimated_and_provisional_dates_say_so() -> None:
    found = events(made("2026-03-10T08:00"))
    event = found["A05 报告（2026-11）（预计）"]
    assert "到期日预计" in str(event["description"])
    late = contract(owed("A01", due={"after": "period end", "within": {"working_days": 3}}), term={
        "from": date(2045, 1, 1), "to": date(2045, 12, 31),
    })  # fmt: skip
    agenda = scheduler(late, "2045-01-01T08:00").agenda(date(2045, 1, 1), date(2045, 3, 31))
    text = ScheduleText(Wording(load_catalogue("en"), ZONE))
    assert all("provisional" in name for name in events(calendar_file(agenda, text, "n", "s", 1)))


def test_an_occurrence_keeps_its_uid_whatever_becomes_of_it() -> None:
    before = {str(one["uid"]) for one in events(made("2026-03-10T08:00")).values()}
    lines = [run(1, "2026-03-03T08:00", "A01/2026-03")]
    changed = made("2026-03-20T08:00", *lines, language="en", sequence=8)
    after = {str(one["uid"]) for one in events(changed).values()}
    assert before == after
    assert len(after) == 12 + 11
    assert {one["sequence"] for one in events(changed).values()} == {8}
    other = calendar_file(
        scheduler(AGREED, "2026-03-10T08:00").agenda(date(2026, 1, 1), date(2026, 12, 31)),
        ScheduleText(Wording(load_catalogue("zh"), ZONE)), "n", "another/T-1", 7,
    )  # fmt: skip
    assert not after & {str(one["uid"]) for one in events(other).values()}


def test_no_letter_of_a_contract_breaks_the_file() -> None:
    odd = "a\x07b\r\nc\u2028d\x85e\x0cf\u202eg\n\n;x,\\n"
    agreed = contract({**owed("A01", clause=odd, deliverable=odd), "title": "t\x1b[31m"}, system=odd)
    agenda = scheduler(agreed, "2026-03-10T08:00").agenda(date(2026, 1, 1), date(2026, 1, 31))
    content = calendar_file(agenda, ScheduleText(Wording(load_catalogue("zh"), ZONE)), agreed.system, "s", 1)
    text = content.decode().replace("\r\n ", "")
    assert all(line.isprintable() for line in text.split("\r\n"))
    (event,) = events(content).values()
    assert "合同条款：a<U+0007>b c<U+2028>d<U+0085>e<U+000C>f<U+202E>g ;x,\\n" in str(event["description"])


def test_an_empty_calendar_is_a_calendar() -> None:
    agenda = scheduler(AGREED, "2026-03-10T08:00").agenda(date(2030, 1, 1), date(2030, 1, 31))
    content = calendar_file(agenda, ScheduleText(Wording(load_catalogue("zh"), ZONE)), "n", "s", 0)
    assert Calendar.from_ical(content).walk("VEVENT") == []
