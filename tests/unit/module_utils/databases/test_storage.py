from __future__ import annotations

import shutil

from ansible.module_utils.databases import storage
from ansible.module_utils.measuring.taking import take


def look(server):
    return take(server, ["database.datadir"], storage.datadir, "his")


def test_the_file_system_of_the_data_is_as_full_as_python_says(server, tmp_path):
    (seen,) = look(server(figures={"datadir": str(tmp_path)}))
    usage = shutil.disk_usage(tmp_path)
    assert seen.detail["size_bytes"] == usage.total
    assert abs(seen.value - 100 * usage.used / (usage.used + usage.free)) < 1


def test_data_that_is_not_there_is_unknown(server, tmp_path):
    path = str(tmp_path / "none")
    (seen,) = look(server(figures={"datadir": path}))
    assert seen.reason == {"code": "source_missing", "parameters": {"source": path}}


def test_the_disk_of_another_host_is_not_looked_for(server):
    assert look(server(local=False)) == []
