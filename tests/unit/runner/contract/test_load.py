from __future__ import annotations

from typing import Any

import pytest
import yaml

from runner.contract.load import load_calendar, load_contract, load_people
from runner.errors import BadInput
from runner.site import Site
from tests.unit.runner.contract.builders import amended, clock, contract_data, day, duty

EVENT = {"cadence": "on event", "opened_by": ["asked"]}


# -- files: every problem with its line --------------------------------------------------------------------


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def problems(site: Site, data: dict[str, Any]) -> list[str]:
    """What is wrong with a contract's file, without the folder."""
    site.contract_file.write_text(yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True))
    with pytest.raises(BadInput) as error:
        load_contract(site)
    return [line.removeprefix(f"{site.folder}/") for line in str(error.value).splitlines()]


def due(after: str, **within: int) -> dict[str, Any]:
    return {"due": {"after": after, **({"within": within} if within else {})}}


def quota(*names: str) -> dict[str, Any]:
    return duty("A01", "quota", quota={"at_most": 1, "records_of": list(names)})


ONCE = {"cadence": "once", **due("term end")}
EARLY = {"cadence": "once", **due("signature", months=1)}


@pytest.mark.parametrize(
    ("obligations", "expected"),
    [
        ([duty("A01"), duty("A01")], "obligations.1.id: A01: another obligation has the same id (obligations.0)"),
        ([duty("A01", **due("A09", days=1))], "obligations.0.due.after: A01: due after 'A09', which is no obligation"),
        ([duty("A01", **due("A01", days=1))], "A01: due after A01, which is itself"),
        ([duty("A01", **due("A02")), duty("A02", "sla")], "has clocks or a quota and is done at no moment"),
        ([duty("A01", **due("A02")), duty("A02", cadence="standing")], "which is standing and done at no moment"),
        ([duty("A01", **due("A02")), duty("A02", cadence="quarterly")], "A01: due after A02: this one is owed monthly"),
        ([duty("A01", **due("A02")), duty("A02", **ONCE)], "this one is owed monthly, that one once only"),
        ([duty("A01", cadence="once", **due("A02")), duty("A02")], "owed once, that one again and again, monthly"),
        ([duty("A01", **due("A02")), duty("A02", **EVENT)], "A01: due after A02, which events open"),
        ([duty("A01", cadence="once", **due("signature"))], "the contract does not say when it was signed"),
        ([quota("A02")], "obligations.0.quota.records_of.0: A02: no obligation of this id is there to be counted"),
        ([quota("A02"), duty("A02", "quota")], "A02: is not done time after time"),
        ([quota("A02"), duty("A02", cadence="standing")], "A02: is not done time after time"),
        ([duty("A01", **EVENT, **due("answered"))], "'answered', which is no obligation and none of its events: asked"),
        (
            [duty("A01", **due("A02")), duty("A02", **due("A03")), duty("A03", **due("A01"))],
            "obligations.0.due.after: A01: due dates run in a circle: A01 after A02 after A03 after A01",
        ),
    ],
)
def test_what_does_not_fit_together_is_named_where_it_stands(
    site: Site, obligations: list[dict[str, Any]], expected: str
) -> None:
    (found,) = problems(site, contract_data(*obligations))
    assert expected in found
    line = int(found.split(":")[1])
    assert site.contract_file.read_text().splitlines()[line - 1].strip().split(":")[0] in ("- id", "after", "- A02")


@pytest.mark.parametrize(
    ("amendments", "expected"),
    [
        (
            [amended("2026-05-01"), amended("2026-05-01")],
            "amendments.1.from: amendments overlap: 2026-05-01 is not later",
        ),
        (
            [amended("2026-06-01"), amended("2026-05-01")],
            "amendments.1.from: amendments overlap: 2026-05-01 is not later",
        ),
        ([amended("2026-01-01")], "amendments.0.from: 2026-01-01 lies outside the term, or on its first day"),
        ([amended("2027-01-01")], "amendments.0.from: 2027-01-01 lies outside the term"),
        (
            [amended("2026-05-01", ended=("A09",))],
            "amendments.0.ended.0: A09: no obligation of this id is there to end",
        ),
        (
            [amended("2026-05-01", ended=("A01",)), amended("2026-06-01", ended=("A01",))],
            "amendments.1.ended.0: A01: no obligation of this id is there to end",
        ),
        ([amended("2026-05-01", duty("A01"), ended=("A01",))], "ended.0: A01: is ended and amended at once"),
        ([amended("2026-05-01", ended=("A01", "A01"))], "amendments.0.ended: ended twice: A01"),
        (
            [amended("2026-05-01", duty("A03"), duty("A03"))],
            "amendments.0.obligations.1.id: A03: another obligation has",
        ),
        (
            [amended("2026-05-01", duty("A03", **EARLY))],
            "amendments.0.obligations.0.due.after: A03: is due on 2026-02-10, before it joins on 2026-05-01",
        ),
        (
            [amended("2026-05-01", duty("A01", **ONCE)), amended("2026-06-01", duty("A01", cadence="standing"))],
            "amendments.1.obligations.0.cadence: A01: was owed once and is now standing: give it an id of its own",
        ),
        (
            [amended("2026-05-01", ended=("A01",)), amended("2026-06-01", duty("A04"))],
            "obligations.1.due.after: A02: due after 'A01', which is no obligation from 2026-05-01 on",
        ),
    ],
)
def test_amendments_that_cannot_be_meant_are_named(site: Site, amendments: list[Any], expected: str) -> None:
    obligations = [duty("A01")]
    if "A02" in expected:
        obligations.append(duty("A02", **due("A01", days=1)))
    found = problems(site, contract_data(*obligations, signed=day("2026-01-10"), amendments=amendments))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"signed": day("2027-01-01")}, "signed: signed on 2027-01-01, after the term ended on 2026-12-31"),
        ({"term": {"from": day("2026-12-31"), "to": day("2026-01-01")}}, "term: the term ends on 2026-01-01, before"),
        ({"term": {"from": day("2026-01-01"), "to": day("2126-01-01")}}, "term: the term is longer than twenty years"),
        ({"term": None, "amendments": [amended("2026-05-01")]}, "amendments: amendments need a term"),
        ({"timezone": "Asia"}, "timezone: 'Asia' is no time zone"),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"signed": day("0026-01-10")}, "signed: 0026-01-10 is not a day from 1970-01-01 to 2199-12-31"),
        ({"term": {"from": day("2199-01-01"), "to": day("2200-01-01")}}, "term.to: 2200-01-01 is not a day from"),
        ({"grace": {"weeks": 1}}, "grace.weeks: Extra inputs"),
        ({"schema_version": 2}, "schema_version: Input should be 1"),
    ],
)
def test_what_the_contract_itself_cannot_mean_is_named(site: Site, keys: dict[str, Any], expected: str) -> None:
    assert any(expected in line for line in problems(site, contract_data(duty(), **keys)))


def test_a_due_date_that_needs_a_term_is_named(site: Site) -> None:
    data = contract_data(duty(**ONCE), term=None)
    assert "A01: due after term end, but the contract has no term" in problems(site, data)[0]


def test_every_problem_is_told_at_once_with_the_id_of_its_obligation(site: Site) -> None:
    data = contract_data(
        duty("A01", cadence="sometimes"),
        duty("A02", **due("A09")),
        duty("A03", **due("A01", days=1)),  # A01 is there, if not valid: no false alarm
        duty("A02"),
        timezone="Mars/Base",
        amendments=[amended("2025-01-01", duty("A05", "sla", clocks=[]))],
    )
    found = problems(site, data)
    for expected in (
        "timezone: 'Mars/Base' is no time zone",
        "obligations.0.cadence: A01: Input should be",
        "obligations.1.due.after: A02: due after 'A09'",
        "obligations.3.id: A02: another obligation has the same id",
        "amendments.0.from: 2025-01-01 lies outside the term",
        "amendments.0.obligations.0: A05: clocks belong to an obligation of kind sla, and it has at least one",
    ):
        assert sum(expected in line for line in found) == 1, (expected, found)
    assert len(found) == 6


def test_one_event_of_a_case_may_be_named_wherever_the_case_knows_it(site: Site) -> None:
    fault = {"case": "fault", "cadence": "on event", "opened_by": ["reported"]}
    known = duty("A02", "sla", clocks=[clock(stops=["resolved"])])
    ok = contract_data(duty("A01", **fault, **due("resolved", days=3)), known)
    site.contract_file.write_text(yaml.dump(ok, Dumper=Dumper))
    assert load_contract(site).obligations[0].due
    assert (
        "none of its events: reported, resolved"
        in problems(site, contract_data(duty("A01", **fault, **due("restored", days=3)), known))[0]
    )


def test_a_clause_number_that_yaml_reads_as_a_figure_is_to_be_quoted(site: Site) -> None:
    assert problems(site, contract_data(duty("A01") | {"id": 2.1})) == [
        'contract.yml:14: obligations.0.id: is no text; write it in quotes: "2.1"'
    ]


def test_a_contract_that_is_no_contract_is_named(site: Site) -> None:
    for text in (
        "",
        "- 1\n",
        "obligations: 7\n",
        "amendments: [7]\nobligations: [7, {id: [1]}]\n",
        "obligations: {a: b}\n",
    ):
        site.contract_file.write_text(text)
        with pytest.raises(BadInput, match=r"contract\.yml:\d"):
            load_contract(site)


# -- people and calendar -----------------------------------------------------------------------------------


def person(**keys: Any) -> dict[str, Any]:
    return {"name": "张三", "duty": "engineer", "organisation": "provider", **keys}


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (
            [person(login="z"), person(name="李四", login="z")],
            "people.1.login: 李四: 张三 has the same login at the time",
        ),
        ([person(), person()], "people.1: 张三: stands here twice as engineer"),
        (
            [person(valid_from=day("2026-05-01"), valid_to=day("2026-04-01"))],
            "people.0: valid_to 2026-04-01 is before valid_from 2026-05-01",
        ),
        ([person(valid_from="2026-05-01")], "people.0.valid_from"),
    ],
)
def test_people_who_cannot_be_told_apart_are_named(site: Site, people: list[dict[str, Any]], expected: str) -> None:
    data = {"schema_version": 1, "people": people}
    site.people_file.write_text(yaml.dump(data, Dumper=Dumper, allow_unicode=True))
    with pytest.raises(BadInput) as error:
        load_people(site)
    assert expected in str(error.value)


def test_one_after_the_other_may_have_the_same_login_and_one_person_two_duties(site: Site) -> None:
    people = [
        person(login="z", valid_to=day("2026-04-30")),
        person(name="李四", login="z", valid_from=day("2026-05-01")),
        person(duty="supervisor", login="z", valid_to=day("2026-04-30")),
    ]
    site.people_file.write_text(yaml.dump({"schema_version": 1, "people": people}, Dumper=Dumper))
    found = load_people(site).people
    assert len(found) == 3
    assert [found[0].valid_on(day(one)) for one in ("2026-04-30", "2026-05-01")] == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schema_version: 1\ndays: {2026-10-08: {working: no}}\n", ":2: days.2026-10-08.name: Field required"),
        ("schema_version: 1\ndays: {someday: {working: no, name: x}}\n", ":2: days.someday"),
        ("schema_version: 1\ncovers: [20270]\n", ":2: covers.0: Input should be less than"),
        ("schema_version: 1\ndays: {2026-10-08: {working: 1, name: x}}\n", "days.2026-10-08.working: Input should be"),
    ],
)
def test_days_that_cannot_be_meant_are_named(site: Site, text: str, expected: str) -> None:
    site.calendar_file.write_text(text)
    with pytest.raises(BadInput) as error:
        load_calendar(site)
    assert expected in str(error.value)
