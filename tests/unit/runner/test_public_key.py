from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.public_key import parse_public_key, public_half

KINDS = (("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"))


def made(folder: Path, kind: str = "ed25519", bits: str = "", passphrase: str = "") -> Path:
    """Make a key pair with ssh-keygen; return the private file."""
    path = folder / f"{kind}{bits}"
    sized = ("-b", bits) if bits else ()
    command = ("ssh-keygen", "-q", "-t", kind, *sized, "-N", passphrase, "-C", "张三 a@b", "-f", str(path))
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_a_key_is_named_as_ssh_keygen_names_it(tmp_path: Path, kind: str, bits: str) -> None:
    path = made(tmp_path, kind, bits)
    text = path.with_name(f"{path.name}.pub").read_text()
    key = parse_public_key(text)
    told = subprocess.run(("ssh-keygen", "-lf", str(path)), check=True, capture_output=True, text=True).stdout
    assert key.fingerprint == told.split()[1]
    assert key.comment == "张三 a@b"
    assert text.startswith(f"{key.line} ")
    assert parse_public_key(key.line) == key, "the comment is no part of the key"


@pytest.mark.parametrize("passphrase", ["", "geheim 1"])
def test_a_private_file_tells_its_public_half_with_a_passphrase_too(tmp_path: Path, passphrase: str) -> None:
    path = made(tmp_path, passphrase=passphrase)
    assert public_half(path.read_bytes()) == parse_public_key(path.with_suffix(".pub").read_text())


def test_what_is_no_private_file_has_no_public_half(tmp_path: Path) -> None:
    path = made(tmp_path)
    raw = path.read_bytes()
    lines = raw.split(b"\n")
    assert public_half(b"") is None
    assert public_half(path.with_suffix(".pub").read_bytes()) is None
    assert public_half(b"\n".join([lines[0], lines[1][:20], *lines[-2:]])) is None


def test_what_cannot_sign_is_refused_with_its_reason(tmp_path: Path) -> None:
    path = made(tmp_path)
    line = path.with_suffix(".pub").read_text().strip()
    signing = ("ssh-keygen", "-q", "-s", str(path), "-I", "x", "-n", "x", str(path.with_suffix(".pub")))
    subprocess.run(signing, check=True, capture_output=True)
    certificate = (tmp_path / "ed25519-cert.pub").read_text()
    short = made(tmp_path, "rsa", "1024").with_name("rsa1024.pub").read_text()
    kind, blob = line.split()[:2]
    for text, reason in (
        ("", "is empty"),
        ("hello", "begins with 'hello', which is none of ssh-ed25519"),
        (kind, "has nothing after ssh-ed25519"),
        (f'command="true",no-pty {line}', "has options before ssh-ed25519"),
        (certificate, "is a certificate"),
        (f"{line}\n{line}", "has several lines"),
        (path.read_text(), "is a private key"),
        (f"{kind} {blob[:-4]}", "ends too early"),
        (f"{kind} {blob[:-2]}!!", "its base64 is damaged"),
        (f"ssh-rsa {blob}", "says 'ssh-rsa' and holds 'ssh-ed25519'"),
        (short, "is an RSA key of 1024 bits; 2048 are the least"),
        ("ssh-dss AAAAB3NzaC1kc3MAAA==", "begins with 'ssh-dss'"),
    ):
        with pytest.raises(ValueError, match=reason):
            parse_public_key(text)
