from __future__ import annotations

import subprocess
import time

import pytest
from ansible.module_utils.host import certificates
from ansible.module_utils.host.context import Context, Inputs
from ansible.module_utils.host.thresholds import DEFAULT_THRESHOLDS


@pytest.fixture
def make(tmp_path):
    """Make a certificate with openssl: make("name", days=20) → path of the .crt file."""

    def certificate(name, days=365, key="ec:prime256v1", subject=None):
        path = tmp_path / f"{name}.crt"
        kind = (
            ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if key.startswith("ec") else ["-newkey", key]
        )
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", *kind, "-utf8", "-subj", subject or f"/O=Hospital/CN={name}"),
                *("-days", str(days), "-keyout", tmp_path / f"{name}.key", "-out", path),
            ],
            check=True,
            capture_output=True,
        )
        return path

    return certificate


def not_after(path):
    answer = subprocess.run(
        ["openssl", "x509", "-in", path, "-noout", "-enddate", "-dateopt", "iso_8601"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return answer.stdout.strip().partition("=")[2]


def inspect(*patterns):
    return list(certificates.expiry(Context(Inputs(DEFAULT_THRESHOLDS, certificates=[str(each) for each in patterns]))))


@pytest.mark.parametrize(("days", "level"), [(5, "critical"), (20, "warning"), (365, "ok"), (20000, "ok")])
def test_expiry_is_what_openssl_says(make, days, level):
    path = make("his.example", days)
    (seen,) = inspect(path)
    assert seen.level == level
    assert days - 0.1 < seen.value <= days
    assert seen.detail["common_name"] == "his.example"
    assert seen.detail["expires"].replace("T", " ").replace("+00:00", "Z") == not_after(path)


def test_rsa_der_and_names_in_chinese(make, tmp_path):
    path = make("rsa", 40, key="rsa:2048", subject="/CN=\u533b\u9662")
    der = tmp_path / "rsa.der"
    subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER", "-out", der], check=True)
    (seen,) = inspect(der)
    assert seen.detail["common_name"] == "\u533b\u9662"
    assert 39 < seen.value < 40.1


def test_of_a_chain_the_first_to_expire_counts(make, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        b"".join(make(name, days).read_bytes() for name, days in (("leaf", 90), ("between", 10), ("root", 900)))
    )
    (seen,) = inspect(chain)
    assert (seen.level, seen.detail["chain"], seen.detail["first_to_expire"]) == ("warning", 3, "between")


def test_keys_and_lists_of_authorities_are_passed_over_and_copies_count_once(make, tmp_path):
    path = make("one")
    (tmp_path / "authorities.crt").write_bytes(path.read_bytes() * 11)
    (tmp_path / "copy.crt").write_bytes(path.read_bytes())
    (tmp_path / "folder.crt").mkdir()
    assert [seen.subject for seen in inspect(tmp_path / "*")] == [str(tmp_path / "copy.crt")]


def test_a_damaged_certificate_is_unknown(make, tmp_path):
    lines = make("one").read_text().splitlines()
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("\n".join([lines[0], *lines[3:]]))
    cut = tmp_path / "cut.der"
    cut.write_bytes(b"\x30\x82\x01")
    for path in (damaged, cut):
        (seen,) = inspect(path)
        assert seen.reason == {"code": "unparsable", "parameters": {"source": str(path)}}


def test_where_nobody_declared_a_certificate_none_is_owed(tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "USUAL", (f"{tmp_path}/none/*.crt",))
    assert inspect() == []


def test_the_usual_places_are_looked_at_where_nobody_names_others(make, tmp_path, monkeypatch):
    path = make("usual")
    monkeypatch.setattr(certificates, "USUAL", (f"{tmp_path}/*.crt",))
    assert [seen.subject for seen in inspect()] == [str(path)]
    assert [seen.subject for seen in inspect(tmp_path / "none")] == [f"{tmp_path}/none"]


def test_a_certificate_that_was_declared_and_is_not_there_is_unknown(make, tmp_path):
    path = make("there")
    (tmp_path / "there.key").touch()
    missing, keys = f"{tmp_path}/missing/*.crt", f"{tmp_path}/*.key"
    found = {seen.subject: seen for seen in inspect(path, missing, keys)}
    assert found[str(path)].level == "ok"
    for pattern in (missing, keys):
        assert found[pattern].reason == {"code": "source_missing", "parameters": {"source": pattern}}


def test_a_folder_that_never_answers_costs_only_its_own_pattern(make, tmp_path, monkeypatch):
    path = make("there")
    real = certificates.look
    monkeypatch.setattr(certificates, "look", lambda pattern: time.sleep(60) if "nas" in pattern else real(pattern))
    inputs = Inputs(DEFAULT_THRESHOLDS, certificates=[str(path), "/mnt/nas/*.crt"], command_timeout=0.5)
    started = time.monotonic()
    found = {seen.subject: seen for seen in certificates.expiry(Context(inputs))}
    assert time.monotonic() - started < 3
    assert found[str(path)].level == "ok"
    assert found["/mnt/nas/*.crt"].reason["code"] == "timed_out"


def test_certificates_beyond_the_limit_are_counted(make, tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "MAXIMUM", 1)
    make("one")
    make("two")
    found = inspect(tmp_path / "*.crt")
    assert len(found) == 2
    assert found[-1].reason == {"code": "left_out", "parameters": {"count": 1}}


@pytest.mark.parametrize(
    ("tag", "text", "moment"),
    [(0x17, "491231235959Z", 2524607999), (0x17, "700101000000Z", 0), (0x18, "20500101000000Z", 2524608000)],
)
def test_times_of_two_and_four_digit_years(tag, text, moment):
    assert certificates._time(tag, text) == moment


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_a_certificate_cut_anywhere_is_never_misread(make, cut, tmp_path):
    whole = getattr(test_a_certificate_cut_anywhere_is_never_misread, "whole", None)
    if whole is None:
        path = make("cut")
        der = tmp_path / "x.der"
        subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER", "-out", der], check=True)
        whole = test_a_certificate_cut_anywhere_is_never_misread.whole = der.read_bytes()
    with pytest.raises(ValueError):  # noqa: PT011
        certificates.parse_der(whole[:cut])
