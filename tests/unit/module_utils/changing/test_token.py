from __future__ import annotations

import json

import pytest
from ansible.module_utils.changing.token import Refused, parse_token, read_token, shown

CHANGE = {"schema_version": 1, "run": "r", "change": "SJ-1", "window_end": "2026-11-23T02:00:00+08:00"}
ROUTINE = {"schema_version": 1, "run": "r", "routine": True}


def test_a_token_is_read_with_its_moments():
    token = parse_token(json.dumps({**CHANGE, "reserve_seconds": 1800}).encode())
    assert (token.run, token.change, token.reserve, token.planned) == ("r", "SJ-1", 1800, None)
    assert shown(token.ends) == "2026-11-22T18:00:00.000000Z"


def test_a_routine_has_no_window():
    token = parse_token(json.dumps(ROUTINE).encode())
    assert (token.run, token.change, token.ends, token.reserve) == ("r", None, None, 0)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"7", b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_opens_nothing(content):
    with pytest.raises(Refused):
        parse_token(content)


@pytest.mark.parametrize(
    "token",
    [
        {key: value for key, value in CHANGE.items() if key != "window_end"},
        {key: value for key, value in CHANGE.items() if key != "change"},
        {key: value for key, value in CHANGE.items() if key != "schema_version"},
        {**CHANGE, "schema_version": 2},
        {**CHANGE, "window_end": None},
        {**CHANGE, "window_end": ""},
        {**CHANGE, "window_end": "soon"},
        {**CHANGE, "change": None},
        {**CHANGE, "change": ""},
        {**CHANGE, "run": ""},
        {**CHANGE, "run": 7},
        {**CHANGE, "reserve_seconds": -1},
        {**CHANGE, "reserve_seconds": float("nan")},
        {**CHANGE, "reserve_seconds": "60"},
        {**CHANGE, "batch_seconds": float("-inf")},
        {**CHANGE, "routine": True},
        {**ROUTINE, "routine": "yes"},
        {"schema_version": 1, "run": "r"},
    ],
)
def test_a_token_without_a_change_and_its_window_is_none_but_a_routine_s(token):
    with pytest.raises(Refused, match="cannot be read"):
        parse_token(json.dumps(token).encode())


@pytest.fixture
def token(tmp_path):
    folder = tmp_path / "weibao-r-x"
    folder.mkdir(0o700)
    path = folder / "change.json"
    path.write_text(json.dumps(ROUTINE))
    path.chmod(0o600)
    return path


def test_it_is_for_one_run(token):
    assert read_token({"WEIBAO_CHANGE": str(token), "WEIBAO_RUN_ID": "r"}).run == "r"
    for environment in ({}, {"WEIBAO_RUN_ID": "r"}, {"WEIBAO_CHANGE": str(token)}):
        with pytest.raises(Refused, match="weibao change request"):
            read_token(environment)


def test_it_lies_in_the_folder_of_its_run_that_nobody_else_may_read_or_write(token):
    environment = {"WEIBAO_CHANGE": str(token), "WEIBAO_RUN_ID": "r"}
    for path, mode in ((token, 0o640), (token, 0o602), (token.parent, 0o750)):
        kept = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(Refused, match="others may read or write there"):
            read_token(environment)
        path.chmod(kept)
    elsewhere = token.parent.rename(token.parent.with_name("weibao-other"))
    with pytest.raises(Refused, match="the token of another run"):
        read_token({**environment, "WEIBAO_CHANGE": str(elsewhere / token.name)})
