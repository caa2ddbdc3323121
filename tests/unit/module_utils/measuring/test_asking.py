from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible.module_utils.measuring.asking import ask


def test_each_question_has_its_own_answer():
    questions = [f"\udcff{number}" for number in range(300)]
    answers = ask(lambda question: [question, len(question)], questions, 20)
    assert answers == {question: [question, len(question)] for question in questions}


def test_no_question_no_process(monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert ask(str, [], 1) == {}


def test_long_answers_arrive_whole():
    answers = ask(lambda question: question * 3_000_000, ["a", "b"], 20)
    assert {question: len(answer) for question, answer in answers.items()} == {"a": 3_000_000, "b": 3_000_000}


def test_what_never_answers_is_left_out_and_its_process_is_gone(tmp_path):
    mark = tmp_path / "pid"

    def answer(question):
        if question == "dead":
            mark.write_text(str(os.getpid()))
            time.sleep(60)
        return question

    started = time.monotonic()
    assert ask(answer, ["dead", "alive"], 0.5) == {"alive": "alive"}
    assert time.monotonic() - started < 3
    assert not Path("/proc", mark.read_text()).exists()


def test_a_bug_is_no_silence():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        ask(lambda question: 1 // 0, ["x"], 5)


def test_whoever_is_left_behind_holds_nothing_open():
    reading, writing = os.pipe()
    held = ask(lambda _question: [str(Path(f"/proc/self/fd/{name}").readlink()) for name in (0, 1, 2)], ["x"], 5)["x"]
    assert held == ["/dev/null"] * 3
    assert not ask(lambda _question: Path(f"/proc/self/fd/{writing}").exists(), ["x"], 5)["x"]
    os.close(reading)
    os.close(writing)
