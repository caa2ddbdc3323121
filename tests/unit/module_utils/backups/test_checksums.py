from __future__ import annotations

import hashlib
import os
import subprocess
import time

import pytest
from ansible.module_utils.backups import checksums
from ansible.module_utils.backups.checksums import Sum, parse_sums
from hypothesis import given
from hypothesis import strategies as st

MD5, SHA256 = "0" * 31 + "a", "0" * 63 + "b"


def test_the_forms_of_checksum_files():
    text = (
        f"# made by a job\n{SHA256}  his.sql.gz\n{SHA256.upper()} *a b.gz\r\n\n\\{MD5}  odd\\nname\n"
        f"SHA256 (his (1).gz) = {SHA256}\nMD5({MD5}) = {MD5}\n{MD5}\n"
    )
    assert parse_sums(text) == [
        Sum(SHA256, "his.sql.gz"), Sum(SHA256, "a b.gz"), Sum(MD5, "odd\nname"), Sum(SHA256, "his (1).gz"),
        Sum(MD5, MD5), Sum(MD5, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "<html>404</html>", "0" * 33, f"{MD5}x  name", "x" + SHA256])
def test_what_is_no_checksum_file(text):
    with pytest.raises(ValueError, match="checksum"):
        parse_sums(text)


@given(st.text())
def test_no_text_crashes(text):
    try:
        assert parse_sums(text)
    except ValueError:
        return


@pytest.mark.parametrize("tool", ["sha256sum", "sha512sum", "sha1sum", "md5sum"])
@pytest.mark.parametrize("options", [[], ["--binary"], ["--tag"]])
def test_what_coreutils_write_is_verified(nightly, look, tool, options):
    newest = nightly()[0]
    written = subprocess.run([tool, *options, newest.name], cwd=newest.parent, capture_output=True, check=True).stdout
    newest.with_name(newest.name + "." + tool.removesuffix("sum")).write_bytes(written)
    seen = look(checksum="beside")["backup.checksum"]
    assert (seen.value, seen.level, seen.unit) == ("verified", "ok", "")
    assert (seen.detail["algorithm"], seen.detail["bytes"]) == (tool.removesuffix("sum").upper(), 1000)


@pytest.fixture
def beside(nightly):
    """The newest backup, and a function that writes its checksum beside it."""
    newest = nightly()[0]
    return newest, lambda text: newest.with_name(newest.name + ".sha256").write_text(text)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_bare_digest_and_a_name_from_elsewhere_will_do(beside, look):
    newest, write = beside
    for text in (
        digest(newest),
        f"{digest(newest)}  /mnt/staging/{newest.name}\n",
        f"{digest(newest)}  before-it-was-moved\n",
    ):
        write(text)
        assert look(checksum="beside")["backup.checksum"].value == "verified"


def test_a_damaged_backup(beside, look):
    newest, write = beside
    write(f"{digest(newest)}  {newest.name}\n")
    times = (newest.stat().st_atime, newest.stat().st_mtime)
    newest.write_bytes(b"y" * 1000)
    os.utime(newest, times)
    seen = look(checksum="beside")
    assert (seen["backup.checksum"].value, seen["backup.checksum"].level) == ("mismatch", "critical")
    assert seen["backup.checksum"].detail == {"newest": newest.name, "checksum_file": newest.name + ".sha256"}
    assert {each.level for check, each in seen.items() if check != "backup.checksum"} == {"ok"}


def test_a_missing_checksum(nightly, look):
    nightly()
    for checksum in ("beside", "file"):
        seen = look(checksum=checksum)["backup.checksum"]
        assert (seen.value, seen.level) == ("missing", "warning")


def test_more_than_may_be_read_is_not_verified_and_says_so(beside, look):
    newest, write = beside
    write(digest(newest))
    newest.chmod(0)
    seen = look(checksum="beside", hash_bytes=999)["backup.checksum"]
    assert (seen.value, seen.level, seen.detail["bytes"]) == ("unverified", "notice", 1000)


def test_a_checksum_that_cannot_be_understood_is_unknown(beside, look):
    _, write = beside
    write("<html>404 Not Found</html>")
    assert look(checksum="beside", hash_bytes=0)["backup.checksum"].reason["code"] == "unparsable"


def test_a_name_in_a_reason_is_masked(nightly, backup, look):
    nightly()
    newest = backup("his-110101199003071234.sql.gz", 1)
    newest.with_name(newest.name + ".sha256").write_text("<html>")
    seen = look(checksum="beside")["backup.checksum"]
    assert seen.reason["code"] == "unparsable"
    assert "1990" not in str(seen)


def test_one_list_for_the_folder(nightly, look, tmp_path):
    newest, *older = nightly()
    listed = [f"{digest(each)}  ./{each.name}" for each in older]
    (tmp_path / "SHA256SUMS").write_text("\n".join(listed) + "\n")
    assert look(checksum="file")["backup.checksum"].value == "missing", "of the newest there is none"
    (tmp_path / "SHA256SUMS").write_text("\n".join([*listed, f"{digest(newest)}  ./{newest.name}"]) + "\n")
    seen = look(checksum="file")["backup.checksum"]
    assert (seen.value, seen.detail["checksum_file"]) == ("verified", "SHA256SUMS")


@pytest.fixture
def full(backup):
    """A directory with a list of checksums in it."""
    path = backup("full-1", 3, files=["a.ibd", "his/b.ibd"])

    def sums(*names):
        text = "".join(f"{digest(path / name)}  {name}\n" for name in names)
        (path / "SHA256SUMS").write_text(text)
        changed = (path / "a.ibd").stat().st_mtime
        os.utime(path / "SHA256SUMS", (changed, changed))

    return path, sums


def verdict(look, **more):
    seen = look(kind="directory", pattern="full-?", checksum="file", **more)["backup.checksum"]
    return seen.value, seen.level, seen.detail


def test_a_directory_with_a_list_in_it(full, look):
    path, sums = full
    sums("a.ibd", "his/b.ibd")
    assert verdict(look)[:2] == ("verified", "ok")
    assert verdict(look, hash_bytes=10)[:2] == ("unverified", "notice")
    sums("a.ibd")
    value, level, detail = verdict(look)
    assert (value, level, detail["uncovered"], detail["file"]) == ("incomplete", "warning", 1, "full-1/his/b.ibd")
    sums("a.ibd", "his/b.ibd")
    (path / "MD5SUMS").write_text("")
    os.utime(path / "MD5SUMS", ((path / "a.ibd").stat().st_mtime,) * 2)
    assert verdict(look)[:2] == ("verified", "ok"), "a list of checksums needs none itself"
    (path / "his" / "b.ibd").unlink()
    value, level, detail = verdict(look)
    assert (value, level, detail["problem"]) == ("mismatch", "critical", "file missing")


def test_a_directory_with_a_list_beside_it(full, look, tmp_path):
    path, _ = full
    (tmp_path / "full-1.md5").write_text(
        "".join(
            f"{hashlib.md5((path / name).read_bytes()).hexdigest()}  full-1/{name}\n" for name in ("a.ibd", "his/b.ibd")
        )
    )
    seen = look(kind="directory", pattern="full-?", checksum="beside")["backup.checksum"]
    assert (seen.value, seen.detail["algorithm"]) == ("verified", "MD5")


def test_lists_do_not_lead_out_of_their_backup(full, look):
    path, _ = full
    (path / "SHA256SUMS").write_text(f"{SHA256}  ../../../../etc/passwd\n{SHA256}  /etc/shadow\n")
    old = time.time() - 3600
    os.utime(path / "SHA256SUMS", (old, old))
    assert verdict(look)[0] == "missing"


def test_links_are_not_verified(full, look, tmp_path):
    path, sums = full
    sums("a.ibd", "his/b.ibd")
    (path / "a.ibd").rename(tmp_path / "moved")
    (path / "a.ibd").symlink_to(tmp_path / "moved")
    assert verdict(look)[0] == "mismatch"


def test_a_file_that_changes_while_it_is_read_is_being_written(beside, look, monkeypatch):
    newest, write = beside
    write("0" * 64)
    real = os.read

    def read(descriptor, size):
        chunk = real(descriptor, size)
        if chunk.startswith(b"xxx"):
            with newest.open("ab") as stream:
                stream.write(b"more")
        return b"" if chunk == b"more" else chunk

    monkeypatch.setattr(checksums.os, "read", read)
    assert look(checksum="beside")["backup.checksum"].reason["code"] == "being_written"


def test_reading_keeps_to_the_deadline(beside, look, monkeypatch):
    newest, write = beside
    write("0" * 64)
    monkeypatch.setattr(checksums, "_digest", lambda *_: time.sleep(60))
    seen = look(checksum="beside", timeout=0.5)
    assert seen["backup.checksum"].reason == {
        "code": "timed_out", "parameters": {"path": str(newest), "seconds": 0.5}
    }  # fmt: skip
    assert seen["backup.age"].level == "ok"


def test_what_may_not_be_read_is_unknown(beside, look, monkeypatch):
    newest, write = beside
    write(digest(newest))

    real = os.open

    def refuse(path, *flags):
        if path == str(newest):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *flags)

    monkeypatch.setattr(checksums.os, "open", refuse)
    assert look(checksum="beside")["backup.checksum"].reason == {
        "code": "not_permitted", "parameters": {"path": str(newest)}
    }  # fmt: skip


def test_a_host_that_forbids_md5_says_so(beside, look, monkeypatch):
    _, write = beside
    write(MD5)

    def forbid(_name):
        raise ValueError("disabled for FIPS")

    monkeypatch.setattr(checksums.hashlib, "new", forbid)
    assert look(checksum="beside")["backup.checksum"].reason == {
        "code": "not_supported", "parameters": {"feature": "MD5"}
    }  # fmt: skip


def test_reading_gives_way_to_others_and_leaves_this_process_alone(beside, look, monkeypatch, tmp_path):
    _, write = beside
    write("0" * 64)
    mark = tmp_path / "nice"
    monkeypatch.setattr(checksums, "_verified", lambda *_: mark.write_text(str(os.nice(0))) and ("missing", {}))
    before = os.nice(0)
    look(checksum="beside")
    assert mark.read_text() == "19"
    assert os.nice(0) == before
