from __future__ import annotations

import os

from ansible.module_utils.measuring import files


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert files.read(str(tmp_path / "pipe")) == ""


def test_a_pipe_that_somebody_holds_open_is_not_waited_for_either(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        assert files.read(str(tmp_path / "pipe")) == ""
    finally:
        os.close(writer)
