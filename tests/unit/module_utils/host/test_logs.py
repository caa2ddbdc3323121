from __future__ import annotations

from ansible.module_utils.host import logs
from ansible.module_utils.host.errors import Unmeasurable
from ansible.module_utils.host.journal import Entry


def digest(monkeypatch, entries, oldest=0.0, since=1000.0):
    monkeypatch.setattr(logs.journal, "require_readable", lambda: None)
    monkeypatch.setattr(logs.journal, "reaches_back_to", lambda _timeout: oldest)
    monkeypatch.setattr(logs.journal, "errors", lambda _since, _timeout: iter(entries))
    return logs.from_journal(since, 5)


def test_equal_messages_are_counted_together_whatever_numbers_they_carry(monkeypatch):
    entries = [
        Entry("app", 3, f"request {number} from 10.0.0.{number} failed after {number} ms at 0x7f{number:02x}")
        for number in range(50)
    ]
    entries += [
        Entry("db", 2, "lost 8c5a4a8e-1f0a-4c3e-9d3b-0123456789ab"),
        Entry("db", 3, "lost 00000000-1f0a-4c3e-9d3b-abcdefabcdef"),
    ]
    found = digest(monkeypatch, entries)
    assert (found.errors, found.critical, found.units) == (52, 1, {"app": 50, "db": 2})
    assert sorted(count for count, _ in found.kinds.values()) == [2, 50]


def test_what_is_shown_is_masked_before_it_is_cut_and_on_one_line():
    message = "x" * 190 + " 110101199003071234\nat com.his.Main" * 20
    shown = logs.shown(message)
    assert len(shown) == logs.MESSAGE_LENGTH
    assert "1101" not in shown
    assert "\n" not in shown


def test_a_flood_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr(logs, "MOST_ENTRIES", 100)
    found = digest(monkeypatch, (Entry("app", 3, "again") for _ in iter(int, 1)))
    assert (found.errors, found.truncated) == (100, True)


def test_many_kinds_of_messages_take_bounded_memory(monkeypatch):
    monkeypatch.setattr(logs, "MOST_KINDS", 10)
    letters = "abcdefghijklmnopqrstuvwxyz"
    found = digest(monkeypatch, [Entry(one + other, 3, one + other) for one in letters for other in letters])
    assert found.errors == 676 == sum(found.units.values())
    assert len(found.kinds) <= 10
    assert len(found.units) <= 11


def test_what_was_read_before_the_time_was_up_counts(monkeypatch):
    def slow():
        yield Entry("app", 3, "one")
        raise Unmeasurable("timed_out", command="journalctl", seconds=5)

    found = digest(monkeypatch, slow())
    assert (found.errors, found.truncated) == (1, True)
