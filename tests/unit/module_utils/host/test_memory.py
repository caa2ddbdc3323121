from __future__ import annotations

import pytest
from ansible.module_utils.host import memory
from ansible.module_utils.host.errors import Unmeasurable


def test_meminfo_in_bytes(captured):
    figures = memory.parse_meminfo(captured("vm/meminfo"))
    assert 20e9 < figures["MemTotal"] < 30e9
    assert 0 < memory.available(figures) < figures["MemTotal"]
    assert figures["HugePages_Total"] == 0


def test_old_kernels_do_not_say_what_is_available():
    figures = memory.parse_meminfo("MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 20 kB\n")
    assert memory.available(figures) == 35 * 1024


def test_pressure_of_the_last_minute(captured):
    text = "some avg10=1.00 avg60=2.50 avg300=3.00 total=4\nfull avg10=0.00 avg60=0.75 avg300=0.00 total=0\n"
    assert memory.parse_pressure(text, "some") == 2.5
    assert memory.parse_pressure(text, "full") == 0.75
    assert 0 <= memory.parse_pressure(captured("vm/pressure-memory"), "full") <= 100


def test_a_pressure_file_without_the_line_is_not_zero():
    with pytest.raises(Unmeasurable):
        memory.parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", "full")
