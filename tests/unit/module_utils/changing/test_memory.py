from __future__ import annotations

import time

import pytest
from ansible.module_utils.changing.memory import Memory
from ansible.module_utils.changing.token import LARGEST, Refused, Token, private_content


@pytest.fixture
def token(tmp_path):
    return Token(str(tmp_path), "r", None, None, 0.0, None)


def test_what_was_begun_and_decided_is_remembered_by_the_next_task(token):
    assert (Memory(token).last, Memory(token).open) == (None, None)
    Memory(token).begin({"hosts": ["h1"]})
    assert Memory(token).open == {"hosts": ["h1"]}
    Memory(token).end("passed", (3.0, 1))
    Memory(token).end("window closed")
    last = Memory(token)
    assert (last.last, last.open, last.batches) == ("window closed", None, [(3.0, 1)])


def test_a_clock_that_is_set_back_lengthens_no_window(token, monkeypatch):
    Memory(token).begin({})
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began - 3600)
    assert Memory(token).now() >= began
    monkeypatch.setattr(time, "time", lambda: began + 3600)
    assert Memory(token).now() >= began + 3600


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"started": "soon"}'])
def test_what_cannot_be_recalled_keeps_the_gate_shut(token, tmp_path, content):
    path = tmp_path / "gate.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Refused, match="cannot be read"):
        Memory(token)


def test_what_others_may_write_is_no_memory(token, tmp_path):
    Memory(token).begin({})
    (tmp_path / "gate.json").chmod(0o602)
    with pytest.raises(Refused, match="others may read or write there"):
        Memory(token)


def test_thousands_of_hosts_can_be_recalled(token):
    left = [f"h{number:059}" for number in range(5000)]
    Memory(token).begin({"hosts": ["h1"], "left": left})
    assert Memory(token).open["left"] == left


def test_what_is_too_large_is_refused_rather_than_cut(tmp_path):
    path = tmp_path / "change.json"
    path.write_text("{}" + " " * LARGEST)
    path.chmod(0o600)
    with pytest.raises(Refused, match="is larger than"):
        private_content(str(path))
