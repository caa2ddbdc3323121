"""Signatures verified in this process are held against ssh-keygen, which is the judge."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.evidence.sshsig import ENTRY, SignatureError, armored, parse_signature, verify_signature
from runner.public_key import PublicKey, string

DATA = '{"kind": "维保"}\n'.encode()
KINDS = (("ed25519", ""), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"), ("rsa", "3072"))


def signed(folder: Path, kind: str = "ed25519", bits: str = "", *options: str) -> tuple[str, bytes]:
    """Make a key with ssh-keygen and sign with it; return the public line and the signature."""
    path = folder / f"{kind}{bits}"
    sized = ("-b", bits) if bits else ()
    subprocess.run(("ssh-keygen", "-q", "-t", kind, *sized, "-N", "", "-f", str(path)), check=True)
    command = ("ssh-keygen", "-Y", "sign", "-f", str(path), "-n", ENTRY, *options)
    result = subprocess.run(command, input=DATA, check=True, capture_output=True)
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2]), result.stdout


def keygen_takes(folder: Path, line: str, signature: bytes, data: bytes = DATA, namespace: str = ENTRY) -> bool:
    """Return what ``ssh-keygen -Y verify`` says."""
    (folder / "signers").write_text(f"somebody {line}\n")
    (folder / "it.sig").write_bytes(signature)
    command = ("ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "somebody", "-n", namespace, "-s", "it.sig")
    return subprocess.run(command, input=data, cwd=folder, capture_output=True, check=False).returncode == 0


def takes(line: str, signature: bytes, data: bytes = DATA, namespace: str = ENTRY) -> bool:
    """Return what this program says."""
    try:
        return verify_signature(signature, data, namespace).line == line
    except SignatureError:
        return False


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_what_ssh_keygen_signs_verifies_here_and_nothing_else_does(tmp_path: Path, kind: str, bits: str) -> None:
    line, signature = signed(tmp_path, kind, bits)
    assert armored(base64.b64decode(b"".join(signature.splitlines()[1:-1]))) == signature
    for case in (
        (line, signature),
        (line, signature, DATA + b"x"),
        (line, signature, DATA, "weibao-approval"),
    ):
        assert takes(*case) == keygen_takes(tmp_path, *case) == (len(case) == 2)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_both_hashes_of_messages_are_taken(tmp_path: Path, algorithm: str) -> None:
    line, signature = signed(tmp_path, "ed25519", "", "-O", f"hashalg={algorithm}")
    assert parse_signature(signature).hash_name == algorithm.encode()
    assert takes(line, signature)
    assert keygen_takes(tmp_path, line, signature)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(data=st.data())
def test_no_byte_of_a_signature_or_its_content_can_change(tmp_path: Path, data: st.DataObject) -> None:
    kept = tmp_path / "kept"
    if not kept.exists():
        line, signature = signed(tmp_path, "ecdsa", "256")
        kept.write_bytes(line.encode() + b"\n" + signature)
    line, _, signature = kept.read_bytes().partition(b"\n")
    wrong = bytearray(data.draw(st.sampled_from((signature, DATA))))
    is_signature = bytes(wrong) == signature
    place = data.draw(st.integers(0, len(wrong) - 1))
    wrong[place] ^= data.draw(st.integers(1, 255))
    assert not takes(line.decode(), *((bytes(wrong), DATA) if is_signature else (signature, bytes(wrong))))


def test_a_signature_is_taken_only_as_ssh_keygen_writes_it(tmp_path: Path) -> None:
    line, signature = signed(tmp_path)
    blob = base64.b64decode(b"".join(signature.splitlines()[1:-1]))
    begin, end = signature.splitlines()[0], signature.splitlines()[-1]
    unwrapped = b"\n".join((begin, base64.b64encode(blob), end, b""))
    for changed, reason in (
        (unwrapped, "not written as ssh-keygen writes"),
        (signature + b"\n", "is no SSH signature"),
        (signature.rstrip(), "is no SSH signature"),
        (b"", "is no SSH signature"),
        (armored(blob + b"x"), "goes on after its end"),
        (armored(blob[:-1]), "ends too early"),
        (armored(b"SSHSIG\0\0\0\2" + blob[10:]), "of version 1"),
    ):
        assert not takes(line, changed)
        with pytest.raises(SignatureError, match=reason):
            verify_signature(changed, DATA, ENTRY)


# -- keys that ssh-keygen cannot make here: signed by hand, and judged by it --------------------------------


def by_hand(blob: bytes, inner: bytes, hash_name: bytes = b"sha512") -> bytes:
    head = string(ENTRY.encode()) + string(b"") + string(hash_name)
    return armored(b"SSHSIG" + (1).to_bytes(4) + string(blob) + head + string(inner))


def to_sign(hash_name: str = "sha512") -> bytes:
    head = string(ENTRY.encode()) + string(b"") + string(hash_name.encode())
    return b"SSHSIG" + head + string(hashlib.new(hash_name, DATA).digest())


def number(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1))


def line_of(kind: str, blob: bytes) -> str:
    return PublicKey(kind, blob).line


def in_device(application: bytes, flags: bytes = b"\1") -> tuple[bytes, bytes]:
    """What a device signs, and what it adds to its signature: flags and a counter."""
    added = flags + (7).to_bytes(4)
    return hashlib.sha256(application).digest() + added + hashlib.sha256(to_sign()).digest(), added


def test_a_hardware_key_of_ed25519_verifies(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    kind = b"sk-ssh-ed25519@openssh.com"
    raw = key.public_key().public_bytes_raw()
    blob = string(kind) + string(raw) + string(b"ssh:")
    content, added = in_device(b"ssh:")
    inner = string(kind) + string(key.sign(content)) + added
    check_by_both(tmp_path, line_of(kind.decode(), blob), by_hand(blob, inner))
    assert not takes(line_of(kind.decode(), blob), by_hand(blob, inner[:-1] + b"\0"))


def test_a_hardware_key_of_ecdsa_verifies(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    kind = b"sk-ecdsa-sha2-nistp256@openssh.com"
    encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    point = key.public_key().public_bytes(encoding, form)
    blob = string(kind) + string(b"nistp256") + string(point) + string(b"ssh:")
    content, added = in_device(b"ssh:")
    first, second = decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA256())))
    inner = string(kind) + string(number(first) + number(second)) + added
    check_by_both(tmp_path, line_of(kind.decode(), blob), by_hand(blob, inner))


@pytest.mark.parametrize(
    ("name", "algorithm", "good"),
    [
        ("rsa-sha2-256", hashes.SHA256(), True),
        ("rsa-sha2-512", hashes.SHA512(), True),
        ("ssh-rsa", hashes.SHA1(), False),
    ],
)
def test_rsa_verifies_with_every_hash_but_sha1(
    tmp_path: Path, name: str, algorithm: hashes.HashAlgorithm, *, good: bool
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    blob = string(b"ssh-rsa") + number(numbers.e) + number(numbers.n)
    inner = string(name.encode()) + string(key.sign(to_sign(), padding.PKCS1v15(), algorithm))
    check_by_both(tmp_path, line_of("ssh-rsa", blob), by_hand(blob, inner), good=good)


def check_by_both(folder: Path, line: str, signature: bytes, *, good: bool = True) -> None:
    assert keygen_takes(folder, line, signature) is good
    assert takes(line, signature) is good
