from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import BadInput
from runner.yaml_source import Vaulted, leaves, read_yaml


def read(tmp_path: Path, text: str):
    path = tmp_path / "file.yml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def test_values_know_their_line(tmp_path: Path) -> None:
    source = read(tmp_path, "a:\n  b:\n    - 1\n    - c: 维保\n")
    assert source.data == {"a": {"b": [1, {"c": "维保"}]}}
    assert source.where(("a", "b", 1, "c")).endswith(":4")
    assert source.where(("a", "b", 1, "missing")).endswith(":4")
    assert source.problem(("a", "b"), "wrong").endswith(":2: a.b: wrong")


def test_vaulted_values_stay_closed_and_vaulted_files_are_opaque(tmp_path: Path) -> None:
    source = read(tmp_path, "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nraw: !unsafe '{{ x }}'\n")
    assert isinstance(source.data["password"], Vaulted)
    assert source.data["raw"] == "{{ x }}"
    assert read(tmp_path, "$ANSIBLE_VAULT;1.1;AES256\n6162\n").vaulted


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    source = read(tmp_path, "base: &base {x: 1, y: 2}\nown:\n  <<: *base\n  y: 3\n")
    assert source.data["own"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", ":2: a: this key stands here twice"),
        ("a:\n  - b\n c: 1\n", ":3: "),
        ("? [1]\n: 2\n", ":1: a key must be a plain value"),
        ("a: {b: 2026-13-45}\n", ":1: a.b: '2026-13-45' is no date"),
        ("a: &s word\nb: {<<: *s}\n", ":2: only a mapping can be merged"),
        ("a: {<<: word}\n", ":1: only a mapping can be merged"),
        ("a: !!bool perhaps\n", ":1: a: 'perhaps' is no bool"),
        ("a: !!int ''\n", ":1: a: '' is no number"),
        ("a: !!timestamp x\n", ":1: a: 'x' is no date"),
        ("a: " + "9" * 5000, ":1: a: '" + "9" * 40 + "…' is no number"),
        ("a: " + "[" * 100_000, ":1: is nested deeper than 100 levels"),
        ("- " * 60_000, ":1: is nested deeper than 100 levels"),
        ("a: &a [*a]\n", "is nested too deeply"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdef", "bcdefg", strict=True)),
            "not a site file",
        ),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput) as error:
        read(tmp_path, text)
    assert message in str(error.value)


def test_what_cannot_be_meant_is_told_all_at_once_and_the_rest_is_read(tmp_path: Path) -> None:
    text = "a: 2026-02-30\nb:\n  - c: 1\n    c: 2\nd: !!int x\n"
    with pytest.raises(BadInput) as error:
        read(tmp_path, text)
    assert [line.removeprefix(f"{tmp_path}/") for line in str(error.value).splitlines()] == [
        "file.yml:1: a: '2026-02-30' is no date",
        "file.yml:4: b.0.c: this key stands here twice",
        "file.yml:5: d: 'x' is no number",
    ]
    source = read_yaml(tmp_path / "file.yml", lenient=True)
    assert (source.data, source.unread) == ({"a": "2026-02-30", "b": [{"c": 1}], "d": "x"}, {("a",), ("d",)})
    assert [line for line, _ in source.problems] == [1, 4, 5]


def test_an_unreadable_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_yaml(tmp_path / "missing.yml")
    (tmp_path / "latin.yml").write_bytes(b"a: \xff\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_yaml(tmp_path / "latin.yml")


def test_leaves_have_their_paths(tmp_path: Path) -> None:
    assert list(leaves({"a": [1, {"b": 2}]})) == [(("a", 0), 1), (("a", 1, "b"), 2)]
