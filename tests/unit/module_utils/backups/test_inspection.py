from __future__ import annotations

import gzip
import os
import time

import pytest
from ansible.module_utils.backups import inspection, looking
from ansible.module_utils.backups.thresholds import DEFAULT_THRESHOLDS
from ansible.module_utils.observations import merge_thresholds


def levels(seen):
    return {check.partition(".")[2]: observation.level for check, observation in seen.items()}


def test_backups_as_they_should_be(nightly, look):
    newest = nightly()[0]
    seen = look(keep=7)
    assert levels(seen) == {"present": "ok", "age": "ok", "size": "ok", "size_change": "ok", "count": "ok"}
    assert 2.99 < seen["backup.age"].value < 3.1
    assert seen["backup.age"].detail["newest"] == newest.name
    assert seen["backup.age"].limits == {"warning": 30, "critical": 48}
    assert seen["backup.size"].value == 1000
    assert (seen["backup.size_change"].value, seen["backup.size_change"].detail["median_bytes"]) == (100, 1000)
    assert (seen["backup.count"].value, seen["backup.count"].limits) == (7, {"warning": 7, "below": True})
    assert "unknown" not in str(seen)


@pytest.mark.parametrize(("hours", "level"), [(29.9, "ok"), (30.1, "warning"), (47.9, "warning"), (48.1, "critical")])
def test_a_stale_backup(nightly, look, hours, level):
    nightly(first=hours)
    assert levels(look()) == {"present": "ok", "age": level, "size": "ok", "size_change": "ok"}


def test_limits_of_a_site_are_laid_over_those_of_the_set(nightly, look):
    nightly(5, first=40)
    own = {"backup.age": {"subjects": {"HIS": {"warning": 44}}}, "backup.count": {"warning": None, "critical": 6}}
    seen = look(thresholds=merge_thresholds(DEFAULT_THRESHOLDS, own), keep=7)
    assert (seen["backup.age"].level, seen["backup.age"].limits) == ("ok", {"warning": 44, "critical": 48})
    assert seen["backup.count"].level == "critical"


@pytest.mark.parametrize(
    ("size", "level", "value"),
    [
        (710, "ok", 71),
        (690, "warning", 69),
        (490, "critical", 49),
        (0, "critical", 0),
        (1990, "ok", 199),
        (2000, "notice", 200),
    ],
)
def test_a_backup_that_shrank_or_grew(nightly, backup, look, size, level, value):
    nightly(first=27)
    backup("his-new.sql.gz", 3, size)
    seen = look()
    assert levels(seen) == {"present": "ok", "age": "ok", "size": "ok", "size_change": level}
    assert seen["backup.size_change"].value == value
    assert seen["backup.size_change"].detail["compared"] == 7


def test_how_much_growth_deserves_a_look_is_for_the_site_to_say(nightly, backup, look):
    nightly(first=27)
    backup("his-new.sql.gz", 3, 5000)
    thresholds = merge_thresholds(DEFAULT_THRESHOLDS, {"backup.size_change": {"notice": None}})
    assert look(thresholds=thresholds)["backup.size_change"].level == "ok"


def test_with_too_few_earlier_ones_sizes_cannot_be_compared(nightly, look):
    nightly(3)
    seen = look()["backup.size_change"]
    assert seen.reason == {"code": "too_few_backups", "parameters": {"count": 2, "wanted": 3}}


def test_an_empty_backup_needs_nothing_to_compare_with(backup, look):
    backup("his.sql.gz", 3, 0)
    seen = look(keep=1)
    assert (seen["backup.size_change"].level, seen["backup.size_change"].value) == ("critical", 0)
    assert (seen["backup.count"].value, seen["backup.count"].level) == (0, "warning")


def test_a_dump_that_fails_every_night_does_not_become_the_usual(backup, look):
    for day in range(12):
        backup(f"his-{day}.sql.gz", 3 + 24 * day, content=gzip.compress(b""))
    seen = look(keep=7)
    assert seen["backup.size_change"].level == "critical"
    assert (seen["backup.count"].value, seen["backup.count"].detail["empty"]) == (0, 12)


def test_empty_ones_do_not_pull_the_median_down(nightly, backup, look):
    nightly(3, first=100)
    for number in range(4):
        backup(f"empty-{number}.sql.gz", 50 + number, 0)
    backup("small.sql.gz", 3, 400)
    assert look()["backup.size_change"].value == 40


def test_fewer_than_must_be_kept(nightly, look):
    nightly(6)
    seen = look(keep=7)
    assert levels(seen)["count"] == "warning"
    assert seen["backup.count"].value == 6


# -- nothing there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["folder missing", "not a folder", "no backup found"])
def test_no_backup_is_critical_and_what_needs_one_is_unknown(tmp_path, look, backup, missing):
    backup("other.txt")
    path = {"folder missing": tmp_path / "none", "not a folder": tmp_path / "other.txt"}.get(missing, tmp_path)
    seen = look(path=str(path), keep=7, checksum="beside")
    assert seen["backup.present"].detail["problem"] == missing
    assert levels(seen) == {
        "present": "critical", "age": "unknown", "size": "unknown", "size_change": "unknown", "count": "unknown",
        "checksum": "unknown",
    }  # fmt: skip
    assert {each.reason["code"] for check, each in seen.items() if check != "backup.present"} == {"no_backup"}


def test_links_folders_and_checksums_are_no_backups(tmp_path, look, backup):
    target = backup("elsewhere.dat")
    (tmp_path / "latest.sql.gz").symlink_to(target)
    (tmp_path / "gone.sql.gz").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder.sql.gz").mkdir()
    os.mkfifo(tmp_path / "pipe.sql.gz")
    assert look()["backup.present"].level == "critical"
    for name in ("SHA256SUMS", "a.sql.gz.sha256", "b.sql.gz.md5"):
        backup(name)
    seen = look(pattern="*")
    assert (seen["backup.present"].detail["total"], seen["backup.size"].detail["newest"]) == (1, "elsewhere.dat")


def test_a_folder_behind_a_link_is_looked_into(tmp_path, look, nightly):
    nightly()
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    assert levels(look(path=str(link)))["present"] == "ok"


def test_a_folder_that_may_not_be_read(tmp_path, look, nightly):
    nightly()
    user = os.geteuid()
    tmp_path.chmod(0)
    try:
        if user == 0:  # who may read everything
            os.seteuid(65534)
        seen = look()
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o700)
    assert {each.reason["code"] for each in seen.values()} == {"not_permitted"}


def refusing(monkeypatch, error):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise OSError(error, os.strerror(error), path)
        return real(path)

    monkeypatch.setattr(looking.os, "scandir", scandir)


@pytest.mark.parametrize(("error", "code"), [(13, "not_permitted"), (5, "command_failed"), (116, "command_failed")])
def test_what_the_system_refuses_is_unknown(tmp_path, look, monkeypatch, error, code):
    (tmp_path / "locked").mkdir()
    refusing(monkeypatch, error)
    seen = look(path=str(tmp_path / "locked"), keep=1)
    assert {each.reason["code"] for each in seen.values()} == {code}
    assert len(seen) == 5


def test_a_directory_that_may_not_be_read_whole_is_no_size(backup, look, monkeypatch):
    backup("full-1", files=["a", "locked/b"])
    refusing(monkeypatch, 13)
    assert {each.reason["code"] for each in look(kind="directory", pattern="full-*").values()} == {"not_permitted"}


def test_a_mount_that_never_answers_costs_only_its_own_set(nightly, tmp_path, monkeypatch):
    nightly()
    real = os.scandir
    monkeypatch.setattr(looking.os, "scandir", lambda path: time.sleep(60) if "nas" in str(path) else real(path))
    declared = [
        inspection.BackupSet(name, path, "*", "file", 24.0, 0, "none", 5.0)
        for name, path in (("NAS", "/mnt/nas"), ("HIS", str(tmp_path)))
    ]
    seen = list(inspection.inspect(declared, DEFAULT_THRESHOLDS, inspection.Limits(0.5, 0)))
    assert {each.reason["code"] for each in seen if each.subject == "NAS"} == {"timed_out"}
    assert {each.level for each in seen if each.subject == "HIS"} == {"ok"}


def test_a_bug_costs_only_its_own_set(monkeypatch, look):
    monkeypatch.setattr(looking, "is_unfinished", lambda *_: 1 // 0)
    looking_at_something = look(path="/etc")
    assert {each.reason["code"] for each in looking_at_something.values()} == {"check_crashed"}


def test_there_is_an_end_to_how_much_is_read(nightly, look, monkeypatch):
    nightly()
    monkeypatch.setattr(looking, "MOST_ENTRIES", 5)
    seen = look()
    assert {each.reason["code"] for each in seen.values()} == {"too_many"}
    assert seen["backup.age"].reason["parameters"]["limit"] == 5


def test_of_very_many_only_the_newest_are_told_but_all_are_counted(nightly, look, monkeypatch):
    monkeypatch.setattr(looking, "MOST_BACKUPS", 4)
    nightly(9)
    seen = look(keep=9)
    assert seen["backup.count"].value == 9
    assert seen["backup.size_change"].detail["compared"] == 3


def test_names_with_odd_bytes_and_personal_data(tmp_path, look, backup):
    name = os.fsdecode(b"\xff 13912345678.sql.gz")
    backup(name)
    assert look(checksum="beside")["backup.size"].detail["newest"] == "\udcff [phone].sql.gz"


# -- being written ----------------------------------------------------------------------------------------------


def test_what_is_being_written_is_told_and_the_one_before_is_judged(nightly, backup, look):
    nightly(first=23.9)
    backup("his-now.sql.gz", 0, 100)
    seen = look(keep=8)
    assert set(levels(seen).values()) == {"ok"}
    assert seen["backup.age"].detail["newest"] == "his-0.sql.gz"
    assert (
        seen["backup.age"].detail["being_written"] == seen["backup.present"].detail["being_written"] == "his-now.sql.gz"
    )


@pytest.mark.parametrize("name", ["his-now.sql.gz", "his-now.sql.gz.part"])
def test_a_job_that_never_ends_does_not_look_fine(nightly, backup, look, name):
    nightly(first=50)
    backup(name, 0)
    seen = look()
    assert seen["backup.age"].level == "critical"
    assert seen["backup.age"].detail["being_written"] == name


@pytest.mark.parametrize("name", ["his.sql.gz", "his.sql.gz.tmp"])
def test_the_only_one_while_it_is_written_is_unknown(backup, look, name):
    path = backup(name, 0)
    seen = look(keep=1, checksum="beside")
    assert {each.reason["code"] for each in seen.values()} == {"being_written"}
    assert seen["backup.age"].reason["parameters"] == {"path": str(path)}
    assert len(seen) == 6


def test_a_file_that_is_replaced_all_the_time_is_finished_where_the_site_says_so(backup, look):
    backup("his.sql.gz", 0.01)
    assert look()["backup.age"].level == "unknown"
    assert look(settle_minutes=0)["backup.age"].level == "ok"
    backup("his.sql.gz", -0.01)  # by the clock of the server that it lies on
    assert look(settle_minutes=0)["backup.age"].level == "ok"


def test_one_that_was_never_finished_is_no_backup(backup, look):
    backup("his.sql.gz.tmp", 5)
    seen = look()
    assert seen["backup.present"].level == "critical"
    assert seen["backup.present"].detail["problem"] == "only unfinished ones"
    assert seen["backup.present"].detail["unfinished"] == ["his.sql.gz.tmp"]


def test_many_that_were_never_finished_are_capped(nightly, backup, look):
    nightly()
    for number in range(30):
        backup(f"his-{number}.sql.gz.part", 100)
    detail = look()["backup.present"].detail
    assert (len(detail["unfinished"]), detail["truncated"]) == (20, True)


@pytest.mark.parametrize(
    ("name", "pattern", "unfinished"),
    [
        ("a.sql.tmp", "*.sql", True),
        ("a.sql.part", "*", True),
        (".a.sql", ".*", True),
        ("a.sql", "*.sql", False),
        ("b.log.tmp", "*.sql", False),
    ],
)
def test_names_of_what_is_being_written(name, pattern, unfinished):
    assert looking.is_unfinished(name, pattern) is unfinished


# -- times ------------------------------------------------------------------------------------------------------


def test_a_backup_from_the_future_hides_which_one_is_the_newest(nightly, backup, look):
    nightly(first=100)
    path = backup("his-future.sql.gz", -24)
    seen = look(keep=7, checksum="beside")
    assert levels(seen) == {
        "present": "ok", "age": "unknown", "size": "unknown", "size_change": "unknown", "count": "ok",
        "checksum": "unknown",
    }  # fmt: skip
    assert seen["backup.age"].reason["code"] == "time_in_future"
    assert seen["backup.age"].reason["parameters"]["path"] == str(path)


def test_a_clock_that_is_a_little_ahead_is_no_riddle(nightly, backup, look):
    nightly(first=23)
    backup("his-now.sql.gz", -0.05)
    seen = look()
    assert seen["backup.age"].level == "ok"
    assert seen["backup.age"].detail["being_written"] == "his-now.sql.gz"


# -- directories ------------------------------------------------------------------------------------------------


def test_directories_are_as_large_as_their_files_and_as_old_as_the_newest(backup, look, tmp_path):
    for day in range(5):
        backup(f"full-{day}", 3 + 24 * day, 100, files=["ibdata1", "his/patient.ibd", "his/deep/er.ibd"])
    newer = time.time() - 2 * 3600
    os.utime(tmp_path / "full-0" / "his" / "deep" / "er.ibd", (newer, newer))
    (tmp_path / "full-0" / "link").symlink_to("/usr")
    (tmp_path / "full-0" / "loop").symlink_to(tmp_path)
    backup("full-file")
    seen = look(kind="directory", pattern="full-*", keep=5)
    assert set(levels(seen).values()) == {"ok"}
    assert 1.99 < seen["backup.age"].value < 2.1
    assert (seen["backup.size"].value, seen["backup.size"].detail["files"]) == (300, 3)


def test_an_empty_directory_is_an_empty_backup(tmp_path, look):
    (tmp_path / "full-1").mkdir()
    long_ago = time.time() - 3600
    os.utime(tmp_path / "full-1", (long_ago, long_ago))
    seen = look(kind="directory", pattern="full-*")
    assert (seen["backup.size_change"].value, seen["backup.size_change"].level) == (0, "critical")


def test_a_directory_that_still_grows_is_being_written(backup, look, tmp_path):
    backup("full-0", 20, files=["a"])
    backup("full-1", 3, files=["a", "b"])
    os.utime(tmp_path / "full-1" / "b")
    seen = look(kind="directory", pattern="full-*")
    assert seen["backup.age"].detail["newest"] == "full-0"
    assert seen["backup.age"].detail["being_written"] == "full-1"
