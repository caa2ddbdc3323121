"""The fold of a document's steps: what stands, what may come next."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from runner.contract.facts import EntryLine
from runner.operations.lifecycle import next_version, papers, rests_on

AT = "2026-03-02T10:00:00+08:00"


def lines(*steps: tuple[int, str], number: str = "N", first: int = 1, **more: Any) -> list[EntryLine]:
    """Return the entries of steps, each a version and what became of it, numbered from ``first``."""
    numbers = count(first)
    return [
        EntryLine(
            next(numbers),
            "document",
            AT,
            {"document": "d", "number": number, "version": version, "step": step, "at": AT, "files": []} | more,
        )
        for version, step in steps
    ]


def taken_back(sequence: int, by: int) -> EntryLine:
    return EntryLine(by, "record", AT, {"obligations": [], "at": AT, "corrects": sequence})


@pytest.mark.parametrize(
    ("steps", "version"),
    [
        ([], 1),
        ([(1, "draft")], 1),
        ([(1, "draft"), (1, "draft")], 1),
        ([(1, "draft"), (1, "issued")], 2),
        ([(1, "issued")], 2),
        ([(1, "issued"), (1, "submitted")], 2),
        ([(1, "issued"), (2, "draft")], 2),
        ([(1, "issued"), (2, "issued"), (2, "submitted"), (2, "received")], 3),
    ],
)
def test_what_is_issued_anew_is_the_next_version(steps: list[tuple[int, str]], version: int) -> None:
    assert next_version(lines(*steps), "N") == version


@pytest.mark.parametrize(
    ("steps", "submitted", "received"),
    [
        ([(1, "draft")], None, None),
        ([(1, "issued")], 1, None),
        ([(1, "issued"), (1, "submitted")], None, 1),
        ([(1, "issued"), (1, "submitted"), (1, "received")], None, None),
        ([(1, "issued"), (2, "draft")], 1, None),
        ([(1, "issued"), (2, "issued")], 2, None),
        ([(1, "issued"), (2, "issued"), (2, "submitted")], None, 2),
        ([(1, "issued"), (1, "submitted"), (2, "issued")], 2, 1),
        ([(1, "issued"), (1, "submitted"), (2, "issued"), (2, "submitted")], None, 2),
    ],
)
def test_a_step_follows_the_one_before_it(
    steps: list[tuple[int, str]], submitted: int | None, received: int | None
) -> None:
    paper = papers(lines(*steps))["N"]
    for step, version in (("submitted", submitted), ("received", received)):
        waiting = paper.waiting_for(step)
        assert (waiting.number if waiting else None) == version, step


def test_a_step_taken_back_is_not_there_and_its_version_is_not_used_again() -> None:
    told = [*lines((1, "issued"), (1, "submitted")), taken_back(2, 3)]
    assert papers(told)["N"].newest.last.step == "issued"
    told.append(taken_back(1, 4))
    assert papers(told) == {}
    assert next_version(told, "N") == 2


def test_what_a_later_step_rests_on_is_told() -> None:
    told = lines((1, "issued"), (1, "submitted"), (2, "issued"))
    assert [rests_on(told, sequence) for sequence in (1, 2, 3)] == [True, False, False]
    told = lines((1, "issued"), (2, "issued"))
    assert [rests_on(told, sequence) for sequence in (1, 2)] == [True, False]


def test_numbers_do_not_meet() -> None:
    told = [*lines((1, "issued")), *lines((1, "issued"), (1, "submitted"), number="M", first=2)]
    assert {number: paper.newest.last.step for number, paper in papers(told).items()} == {
        "N": "issued",
        "M": "submitted",
    }
