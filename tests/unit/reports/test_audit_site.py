"""The site's data: nothing that a host sends can be more than text, and every word of the pages is there."""

from __future__ import annotations

import json
import re
from datetime import UTC
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import reports.audit_site
from reports.audit_site.differences import Differences
from reports.audit_site.fixed import colours, fixed_files, readmes, words
from reports.audit_site.ledger_page import about, content
from reports.audit_site.run_page import OBSERVATIONS_EACH, run_detail, run_line
from reports.audit_site.scripts import Tongues, script
from reports.catalogue import load_catalogue
from runner.evidence.finding import Finding, Kind
from tests.many_runs import HOSTILE

ASSETS = Path(reports.audit_site.__file__).parent / "assets"
SCRIPTS = {path.name: path.read_text() for path in sorted(ASSETS.glob("*.js"))}
TONGUES = Tongues.load(None, None)

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_data_is_ascii_without_markup_and_read_back_as_it_was_shown(value: object) -> None:
    data = script("name", value)
    assert re.fullmatch(rb"[\x20-\x7e]+\n", data)
    assert not set(data) & set(b"<>&")
    text = data.decode().removeprefix('Site.take("name",').removesuffix(");\n")
    assert not re.search("[\u2028\u202e\x00]", json.dumps(json.loads(text), ensure_ascii=False))


def test_every_word_that_the_pages_ask_for_is_there() -> None:
    asked = {key for text in SCRIPTS.values() for key in re.findall(r'\bsay\("(\w+)"', text)}
    tables = {table for text in SCRIPTS.values() for table in re.findall(r'\bword\("(\w+)"', text)}
    (worded,) = re.findall(r"WORDED = {(.*)}", SCRIPTS["ledger.js"])
    tables |= set(re.findall(r'"(\w+)"', worded))
    assert {"audit_findings", "duties"} <= tables
    known = words(TONGUES)
    assert {"overview", "shown", "not_read"} <= asked
    assert asked <= set(load_catalogue("zh").tables["audit"])
    assert tables <= set(known)
    pages = set(re.findall(r"Site\.views\.(\w+) =", "".join(SCRIPTS.values())))
    assert {"overview", "compliance", "calendar", "runs", "changes", "documents", "entries"} <= pages & set(
        known["audit"]
    )


def test_no_word_of_the_pages_is_never_asked_for() -> None:
    text = "".join(SCRIPTS.values()) + "".join(path.read_text() for path in ASSETS.parent.glob("*.py"))
    text += (ASSETS.parents[2] / "runner" / "operations" / "export.py").read_text()
    assert [key for key in load_catalogue("zh").tables["audit"] if f'"{key}"' not in text] == []


def test_pages_load_nothing_from_elsewhere_and_never_read_text_as_markup() -> None:
    for name, data in fixed_files(TONGUES):
        if name != "verify.sh":
            assert b"://" not in data, name
    for name, text in SCRIPTS.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), name
    assert "tag.critical" in colours()


def test_no_script_is_long() -> None:
    assert [name for name, text in SCRIPTS.items() if len(text.splitlines()) > 400] == []


# -- differences --------------------------------------------------------------------------------------------


def difference(**told: object) -> list[str]:
    found = Differences()
    found.take("host", "task", {"diff": told})
    return list(found.found[0][3]) if found.found else []


def test_a_difference_shows_what_was_removed_and_added() -> None:
    assert difference(before="-- one\ntwo\n", after="two\n++ three\n") == [
        "@@ -1,2 +1,2 @@",
        "--- one",
        " two",
        "+++ three",
    ]
    assert difference(before={"a": 1}, after={"a": 2})[1:] == [" {", '- "a": 1', '+ "a": 2', " }"]
    assert difference(prepared="+x\n-y") == ["+x", "-y"]
    assert difference(before="same", after="same") == []
    assert difference(before=None, after=HOSTILE)[-1].startswith("+</script>")
    assert "\u202e" not in difference(before="", after=HOSTILE)[-1]


def test_of_very_many_or_very_long_differences_it_is_told_that_some_are_left() -> None:
    found = Differences()
    found.take("host", "task", {"diff": [{"before": "", "after": f"{n}"} for n in range(600)]})
    found.take("host", "task", {"diff": {"before": "", "after": "line\n" * 5000}})
    assert (len(found.found), found.left) == (500, 101)
    long = Differences()
    long.take("host", "task", {"diff": {"before": "a\n" * 4000, "after": ""}})
    assert (len(long.found[0][3]), long.left) == (400, 1)


# -- runs ---------------------------------------------------------------------------------------------------

MANIFEST = {"hosts": {"b-2": {"outcome": "ok"}, "b-10": {"outcome": "unreachable", "message": HOSTILE}}, "verdict": {}}


def event(kind: str, host: str, task: str, **told: object) -> dict[str, object]:
    return {"event": kind, "event_data": {"host": host, "task": task, "task_uuid": task, **told}}


def test_hosts_and_tasks_are_crossed_and_what_failed_is_told() -> None:
    events = [
        event("runner_on_ok", "b-2", "look", res={"changed": False}),
        event("runner_on_unreachable", "b-10", "look", res={"msg": HOSTILE}),
        event("runner_on_ok", "b-2", "write", res={"changed": True, "diff": [{"before": "a", "after": "b"}]}),
        event("runner_item_on_ok", "b-2", "loop", res={"diff": {"before": "c", "after": "d"}}),
        event("runner_on_ok", "b-2", "loop", res={"results": [{}], "diff": {"before": "c", "after": "d"}}),
        event("runner_on_failed", "b-2", "try", res={"msg": "no"}, ignore_errors=True),
        event("runner_on_skipped", "b-2", "skip", res={}),
        {"event": "runner_on_ok", "event_data": None},
        {"event": "verbose"},
    ]
    detail, rest = run_detail(MANIFEST, events, [], [], TONGUES)
    assert detail["tasks"] == ["look", "write", "loop", "try", "skip"]
    assert [host[:3] for host in detail["hosts"]] == [["b-2", "ok", "ocois"], ["b-10", "unreachable", "u...."]]
    assert [one[:3] for one in detail["failures"]] == [["b-10", "look", "u"], ["b-2", "try", "i"]]
    assert [one[1] for one in detail["diffs"]] == ["write", "loop"]
    assert "\u202e" not in json.dumps(detail, ensure_ascii=False)
    assert (rest, detail["parts"]) == ([], 0)


def test_observations_come_the_worst_first_and_in_parts() -> None:
    told = [
        {
            "host": f"h{n}",
            "check": "filesystem.used",
            "value": n % 100,
            "unit": "percent",
            "level": level,
            "limits": {"warning": 80},
        }
        for n in range(OBSERVATIONS_EACH)
        for level in ("ok", "warning")
    ]
    told.append(
        {
            "host": "a",
            "check": "new.check",
            "value": None,
            "unit": "",
            "level": "unknown",
            "reason": {"code": "tool_missing"},
        }
    )
    detail, rest = run_detail(MANIFEST, [], told, [], TONGUES)
    assert (detail["observed"], len(detail["observations"]), [len(one) for one in rest]) == (10001, 5000, [5000, 1])
    assert detail["observations"][0][4] == "warning"
    assert detail["observations"][0][5] == ["应 < 80%", "should be < 80%"]
    assert rest[0][0][4] == "unknown"
    assert rest[0][0][5]


def test_a_run_that_is_not_in_the_pack_has_its_line_from_the_entry() -> None:
    body = {
        "run": "r",
        "procedure": "inspect",
        "started": "2026-01-01T00:00:00Z",
        "verdict": "complete",
        "levels": {"ok": 2},
    }
    line = run_line(body, 7, None, TONGUES)
    assert (line[0], line[6], line[8], line[10], line[13]) == ("r", None, [0, 0, 0, 0, 2], 7, False)


# -- entries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["run", "record", "waiver", "document", "key", "trust", "checkpoint", "archive", "odd"]
)
def test_an_entry_that_is_not_what_this_program_writes_stops_nothing(kind: str) -> None:
    for body in ({}, {"obligations": 1, "case": 2, "people": 3, "head": None, "runs": 4, "consent": 5}):
        assert isinstance(about(kind, body, TONGUES), (str, list))
    assert content({"text": HOSTILE}) == json.dumps(
        {"text": HOSTILE.replace("\u2028", "<U+2028>").replace("\u202e", "<U+202E>").replace("\0", "<U+0000>")},
        ensure_ascii=False,
    )


def test_a_replaced_key_names_the_old_one_and_the_new_one_in_both_languages() -> None:
    told = about(
        "key", {"step": "replaced", "holder": "site", "replaces": "SHA256:a", "fingerprint": "SHA256:b"}, TONGUES
    )
    assert told == ["更换 · 站点 · SHA256:a → SHA256:b", "replaced · site · SHA256:a → SHA256:b"]


def test_a_lost_key_is_told_with_its_time_and_what_is_vouched_for() -> None:
    body = {"step": "revoked", "holder": "site", "fingerprint": "SHA256:b", "since": "2026-03-04T02:15:00.000000Z"}
    told = about("key", {**body, "adopts": {"sequence": 7}, "reason": "disk"}, Tongues.load(None, UTC))
    assert told[0] == "吊销 · 站点 · SHA256:b · 自 2026-03-04 02:15 起不予采信 · 并为第 7 条及以前担保 · disk"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"state": "first"}, "人员：a、b · 首次登记，即为依据"),
        (
            {"changes": {"added": ["c"], "removed": ["b"], "others": []}, "state": "waits"},
            "采购人人员新增：c · 采购人人员移除：b · 登记时采购人尚未同意，未生效",
        ),
        (
            {"changes": {"added": ["c"]}, "state": "in_force", "consent": {"by": "a"}},
            "采购人人员新增：c · a签字同意 · 已生效",
        ),
        (
            {"changes": {"nobody": ["—"]}, "state": "in_force", "consent": {"paper": {}, "vouched_by": "d"}},
            "人员无变化：— · 依据书面同意，d担保 · 已生效",
        ),
    ],
)
def test_whose_change_a_trust_entry_tells_by_what_consent_and_whether_it_is_in_force(
    told: dict[str, object], words: str
) -> None:
    body = {"people": [{"name": "a"}, {"name": "b"}], "consent": None}
    assert about("trust", {**body, **told}, TONGUES)[0] == words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"obligations": ["A52"], "item": "题库", "quantities": {"questions updated": 30}},
            ["A52 · 题库 · 更新题目：30", "A52 · 题库 · questions updated: 30"],
        ),
        (
            {"case": {"kind": "fault", "id": "F"}, "event": "reported", "attributes": {"arrive": "not needed"}},
            ["fault:F · 报修 · 到场：不需要", "fault:F · reported · arrive: not needed"],
        ),
        (
            {"case": {"kind": "security event", "id": "S"}, "event": "reported", "attributes": {"own": "word"}},
            ["security event:S · 报告 · own：word", "security event:S · reported · own: word"],
        ),
        ({"corrects": 12, "text": "wrong"}, ["第 12 条作废 · wrong", "takes back entry 12 · wrong"]),
        ({"corrects": 12, "obligations": ["A1"]}, ["更正第 12 条 · A1", "corrects entry 12 · A1"]),
    ],
)
def test_a_record_tells_how_much_what_of_its_case_and_which_entry_it_takes_back(
    body: dict[str, object], words: list[str]
) -> None:
    assert about("record", body, TONGUES) == words


def test_an_archive_tells_what_it_counts() -> None:
    told = about("archive", {"runs": [{}, {}, {}], "place": "/mnt/old"}, TONGUES)
    assert told == ["执行 3 次 → /mnt/old", "3 runs → /mnt/old"]


# -- findings -----------------------------------------------------------------------------------------------


def test_every_kind_of_finding_has_a_sentence_in_both_languages_and_no_other_has() -> None:
    sentences = load_catalogue("zh").tables["audit_findings"]
    assert set(sentences) == set(get_args(Kind))
    assert all(re.search("[\u4e00-\u9fff]", one["zh"]) and one["en"].isascii() for one in sentences.values())


def test_every_event_of_the_shipped_contracts_has_a_word() -> None:
    known = set(load_catalogue("zh").tables["audit_events"])
    told: set[str] = set()
    for path in sorted((ASSETS.parents[2] / "inventories").glob("*/contract.yml")):
        for one in yaml.safe_load(path.read_text(encoding="utf-8")).get("obligations") or ():
            clocks = one.get("clocks") or ()
            told |= {*(one.get("opened_by") or ()), *(event for clock in clocks for event in _events(clock))}
    assert len(told) > 30
    assert told <= known


def test_every_case_attribute_and_quantity_of_the_shipped_contracts_has_a_word() -> None:
    known = set(load_catalogue("zh").tables["audit_words"])
    told: set[str] = set()
    for path in sorted((ASSETS.parents[2] / "inventories").glob("*/contract.yml")):
        for one in yaml.safe_load(path.read_text(encoding="utf-8")).get("obligations") or ():
            quota = one.get("quota") or {}
            told |= {one.get("case"), quota.get("counts"), quota.get("of")} - {None}
            told |= {clock["name"] for clock in one.get("clocks") or () if clock.get("if_needed")}
            for key, values in (one.get("when") or {}).items():
                told |= {key, *(values if isinstance(values, list) else [values])}
    told = {one for one in told if not re.fullmatch(r"P\d", one)}
    assert len(told) > 40
    assert told <= known


def _events(clock: dict[str, list[str]]) -> list[str]:
    return [event for key in ("starts", "stops", "pauses", "resumes") for event in clock.get(key, ())]


KEYS = {"first_key": ("SHA256:a", "SHA256:a"), "fingerprint": ("SHA256:a", "SHA256:a")}


def test_a_readme_has_the_sites_first_key_where_it_was_replaced() -> None:
    (_, zh), (_, en) = readmes(TONGUES, {**KEYS, "fingerprint": ("SHA256:b", "SHA256:b")}, {})
    assert {"站点最初的密钥指纹：SHA256:a", "站点现用的密钥指纹：SHA256:b"} <= set(zh.decode().splitlines())
    lines = {"Fingerprint of the site's first key: SHA256:a", "Fingerprint of the site's present key: SHA256:b"}
    assert lines <= set(en.decode().splitlines())
    (_, zh), (_, en) = readmes(TONGUES, KEYS, {})
    assert "站点密钥指纹：SHA256:a" in zh.decode().splitlines()
    assert "SHA256:a" in en.decode()
    assert "present key" not in en.decode()


def test_a_readme_lists_the_first_findings_by_kind_and_in_the_programs_words() -> None:
    found = [Finding("a.gz", "differs", 3, "run"), *(Finding("b", str(number)) for number in range(30))]
    (_, zh), (_, en) = readmes(TONGUES, KEYS, {"findings": found, "remarks": []})
    lines = zh.decode().splitlines()
    first = lines.index("导出时发现的问题（31 项）：以下内容缺失或与台账不符，请查明原因。")
    assert lines[first + 1 : first + 4] == [
        "- 一次执行的证据文件缺失、损坏或被改动",
        "    a.gz: differs (entry 3)",
        "- 其他问题",
    ]
    assert "- 另有 11 项，见 index.html" in lines
    assert "备注" not in zh.decode()
    assert "    a.gz: differs (entry 3)" in en.decode().splitlines()
