from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from runner.errors import BadInput, MachineError
from runner.evidence.signing import (
    OWN_KEY,
    SITE_KEY,
    EarlyCall,
    SshSigner,
    key_of,
    next_signer,
    own_signer,
    site_signer,
    started_early,
    take_next,
)
from runner.evidence.sshsig import CHECKPOINT, ENTRY, verify_signature


def made(path: Path, *, kind: str = "ed25519", passphrase: str = "", options: tuple[str, ...] = ()) -> Path:
    command = ("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path), *options)
    subprocess.run(command, check=True, capture_output=True)
    return path


def own(path: Path) -> SshSigner:
    signer = own_signer({OWN_KEY: str(path)})
    assert signer is not None
    return signer


def fingerprint_of_new(folder: Path) -> str:
    return site_signer(folder).fingerprint()


# -- the site's key ---------------------------------------------------------------------------------------


def test_the_first_use_makes_the_sites_key_for_nobody_else_and_tells_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = tmp_path / "local" / "keys"
    first = site_signer(keys)
    assert [first.fingerprint() in record.getMessage() for record in caplog.records] == [True]
    assert site_signer(keys).fingerprint() == first.fingerprint()
    assert len(caplog.records) == 1
    assert [path.name for path in keys.iterdir()] == ["site"]
    assert [path.stat().st_mode & 0o777 for path in (keys, keys / "site")] == [0o700, 0o600]
    command = ("ssh-keygen", "-yf", str(keys / "site"))
    assert "weibao site local" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_what_it_signs_is_for_one_purpose(tmp_path: Path) -> None:
    signer = site_signer(tmp_path / "keys")
    assert verify_signature(signer.sign(b"x"), b"x", ENTRY) == signer.public_key
    assert verify_signature(signer.sign_as(CHECKPOINT, b"x"), b"x", CHECKPOINT) == signer.public_key


def test_programs_that_make_the_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        found = set(pool.map(fingerprint_of_new, [tmp_path / "keys"] * 8))
    assert len(found) == 1


def test_a_program_killed_while_it_makes_the_key_leaves_a_whole_key_or_none(tmp_path: Path) -> None:
    script = (
        "import os, shutil, sys\n"
        "from pathlib import Path\n"
        "from runner.evidence import signing\n"
        "from tests.dying import die_at\n"
        "steps = (signing.tempfile, 'mkdtemp'), (signing, '_run'), (os, 'fsync'), (os, 'link')\n"
        "die_at(int(sys.argv[2]), *steps, (shutil, 'rmtree'), (signing, 'sync_folder'))\n"
        "signing.site_signer(Path(sys.argv[1]))\n"
    )
    died = 0
    for step in range(1, 20):
        keys = tmp_path / str(step)
        result = subprocess.run([sys.executable, "-c", script, str(keys), str(step)], check=False)
        if result.returncode != -signal.SIGKILL:
            break
        died += 1
        linked = (keys / SITE_KEY).exists()
        before = key_of(keys / SITE_KEY) if linked else None
        after = site_signer(keys)
        assert before in (None, after.public_key)
        assert after.sign(b"x")
    assert died >= 5


def test_a_key_that_is_half_made_by_a_dead_program_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / ".making-x"
    left.mkdir()
    (left / "site").write_text("-----BEGIN OPENSSH")
    site_signer(tmp_path)
    assert not left.exists()


def test_a_folder_that_takes_no_key_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(MachineError, match="keys: the site's key cannot be kept here: File exists"):
        site_signer(tmp_path / "keys")


def test_a_full_disk_leaves_no_half_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom runner.evidence import signing\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "signing.site_signer(Path(sys.argv[1]))\n"
    )
    result = subprocess.run([sys.executable, "-c", script, str(keys)], capture_output=True, text=True, check=False)
    assert "MachineError" in result.stderr
    assert "ssh-keygen fails" in result.stderr
    assert list(keys.iterdir()) == []
    assert site_signer(keys).sign(b"x")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    signer = site_signer(tmp_path)
    (tmp_path / SITE_KEY).chmod(mode)
    with pytest.raises(MachineError, match=f"others can read this private key .mode {mode:04o}.*chmod 600"):
        signer.sign(b"x")


def test_a_key_that_is_gone_or_no_key_is_a_clear_error(tmp_path: Path) -> None:
    signer = site_signer(tmp_path)
    (tmp_path / SITE_KEY).unlink()
    with pytest.raises(MachineError, match="site: the key that signs the ledger cannot be read: No such file"):
        signer.sign(b"x")
    (tmp_path / SITE_KEY).write_text("hello\n")
    with pytest.raises(MachineError, match="site: begins with 'hello'"):
        site_signer(tmp_path)


def test_another_key_in_the_place_of_the_sites_is_not_taken_for_it(tmp_path: Path) -> None:
    signer = site_signer(tmp_path / "one")
    shutil.copy(made(tmp_path / "other"), tmp_path / "one" / SITE_KEY)
    with pytest.raises(MachineError, match=r"signs as SHA256:.*, not as SHA256:"):
        signer.sign(b"x")


def test_a_site_key_with_a_passphrase_asks_nobody_and_fails_at_once(tmp_path: Path) -> None:
    made(tmp_path / SITE_KEY, passphrase="geheim 1")
    with pytest.raises(MachineError, match="ssh-keygen fails"):
        site_signer(tmp_path).sign(b"x")


def test_a_key_that_follows_takes_the_place_of_the_sites(tmp_path: Path) -> None:
    old = site_signer(tmp_path)
    following = next_signer(tmp_path)
    assert next_signer(tmp_path).fingerprint() == following.fingerprint() != old.fingerprint()
    take_next(tmp_path)
    assert site_signer(tmp_path).fingerprint() == following.fingerprint()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_without_ssh_keygen_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match=r"ssh-keygen is missing.*openssh-client"):
        site_signer(tmp_path / "keys")


# -- ssh-keygen started early -----------------------------------------------------------------------------


def children() -> list[str]:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


def early_signer(keys: Path, early: EarlyCall | None) -> SshSigner:
    return SshSigner(keys / SITE_KEY, key_of(keys / SITE_KEY), alone=True, early=early)


def test_one_that_was_started_early_signs_one_entry_while_the_caller_goes_on_and_is_gone_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_signer(tmp_path)
    before, done = children(), []
    with started_early(tmp_path / SITE_KEY) as early:
        signer = early_signer(tmp_path, early)
        with monkeypatch.context() as patch:
            patch.setattr(signer, "sign_as", None)
            assert verify_signature(signer.sign(b"x", lambda: done.append(1)), b"x", ENTRY) == signer.public_key
        assert verify_signature(signer.sign(b"y", lambda: done.append(2)), b"y", ENTRY) == signer.public_key
    assert verify_signature(signer.sign(b"z", lambda: done.append(3)), b"z", ENTRY) == signer.public_key
    assert done == [1, 2, 3]
    assert children() == before


def test_one_that_signs_nothing_leaves_no_process(tmp_path: Path) -> None:
    site_signer(tmp_path)
    before = children()
    with pytest.raises(ZeroDivisionError), started_early(tmp_path / SITE_KEY):
        raise ZeroDivisionError
    assert children() == before


def test_more_than_a_pipe_takes_is_signed_all_the_same(tmp_path: Path) -> None:
    signer, data = site_signer(tmp_path), b"x" * 1_000_000
    with started_early(tmp_path / SITE_KEY) as early:
        assert verify_signature(early_signer(tmp_path, early).sign(data), data, ENTRY) == signer.public_key


def test_a_key_that_was_replaced_since_signs_as_what_it_is_now(tmp_path: Path) -> None:
    site_signer(tmp_path)
    with started_early(tmp_path / SITE_KEY) as early:
        time.sleep(0.2)
        following = next_signer(tmp_path)
        take_next(tmp_path)
        signature = early_signer(tmp_path, early).sign(b"x")
    assert verify_signature(signature, b"x", ENTRY) == following.public_key


def test_a_key_that_cannot_be_used_early_is_told_when_it_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started_early(tmp_path / SITE_KEY) as early:
        assert early is None
    made(tmp_path / SITE_KEY, passphrase="geheim 1")
    with started_early(tmp_path / SITE_KEY) as early:
        time.sleep(0.2)
        with pytest.raises(MachineError, match="ssh-keygen fails"):
            early_signer(tmp_path, early).sign(b"x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with started_early(tmp_path / SITE_KEY) as early:
        assert early is None


# -- an engineer's own key --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_an_engineer_signs_with_a_file_of_their_own(tmp_path: Path, kind: str) -> None:
    signer = own(made(tmp_path / "id", kind=kind))
    assert verify_signature(signer.sign(b"x"), b"x", ENTRY) == signer.public_key == key_of(tmp_path / "id.pub")


def test_a_file_of_the_older_form_is_known_by_the_public_one_beside_it(tmp_path: Path) -> None:
    signer = own(made(tmp_path / "id", kind="rsa", options=("-m", "PEM")))
    assert signer.sign(b"x")


def test_nobody_named_is_nobody() -> None:
    assert own_signer({}) is None
    assert own_signer({OWN_KEY: ""}) is None


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real agent that holds a key whose private file is gone; the path is that of the public one."""
    socket = tmp_path / "agent.sock"
    process = subprocess.Popen(("ssh-agent", "-D", "-a", str(socket)), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    path = made(tmp_path / "id")
    subprocess.run(("ssh-add", "-q", str(path)), check=True)
    path.unlink()
    yield path.with_suffix(".pub")
    process.terminate()
    process.wait()


def test_a_key_in_an_agent_signs_by_its_public_file(agent: Path) -> None:
    signer = own(agent)
    assert verify_signature(signer.sign(b"x"), b"x", ENTRY) == key_of(agent)


def test_an_agent_that_lost_the_key_is_told_before_anything_is_done(agent: Path) -> None:
    signer = own(agent)
    subprocess.run(("ssh-add", "-q", "-D"), check=True)
    with pytest.raises(BadInput, match="no private one is beside it, and the agent does not hold it"):
        own(agent)
    with pytest.raises(MachineError, match="ssh-keygen fails"):
        signer.sign(b"x")


def test_an_agent_that_is_gone_is_told(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere")
    with pytest.raises(BadInput, match="no agent can be asked"):
        own(agent)


def test_the_sites_key_asks_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A socket that nobody answers on: whoever asks there waits.
    import socket  # noqa: PLC0415 - only here

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        silent.setblocking(False)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "silent"))
        assert site_signer(tmp_path / "keys").sign(b"x")
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.parametrize(
    ("content", "reason"),
    [("hello\n", "begins with 'hello'"), (None, "cannot be read: No such file"), ("", "is empty")],
)
def test_a_file_that_is_no_key_is_bad_input(tmp_path: Path, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "id").write_text(content)
    with pytest.raises(BadInput, match=f"{OWN_KEY}: .*{reason}"):
        own(tmp_path / "id")


def test_a_certificate_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "id")
    signing = ("ssh-keygen", "-q", "-s", str(path), "-I", "x", "-n", "x", str(path.with_suffix(".pub")))
    subprocess.run(signing, check=True, capture_output=True)
    with pytest.raises(BadInput, match="is a certificate"):
        own(tmp_path / "id-cert.pub")


def test_a_key_that_answers_too_late_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = own(made(tmp_path / "id"))
    waiting = tmp_path / "bin" / "ssh-keygen"
    waiting.parent.mkdir()
    waiting.write_text("#!/bin/sh\nexec sleep 600\n")
    waiting.chmod(0o755)
    monkeypatch.setenv("PATH", f"{waiting.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("runner.evidence.signing.PERSON_SECONDS", 0.2)
    with pytest.raises(MachineError, match=r"ssh-keygen did not end within 0.2 s; nothing was signed"):
        signer.sign(b"x")


def test_a_device_that_waits_to_be_touched_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import base64  # noqa: PLC0415 - only here

    kind = b"sk-ssh-ed25519@openssh.com"
    blob = b"".join(len(one).to_bytes(4) + one for one in (kind, b"k" * 32, b"ssh:"))
    (tmp_path / "id.pub").write_text(f"{kind.decode()} {base64.b64encode(blob).decode()}\n")
    made(tmp_path / "id2")
    (tmp_path / "id2").rename(tmp_path / "id")
    with pytest.raises(MachineError, match="ssh-keygen fails"):
        own(tmp_path / "id.pub").sign(b"x")
    assert "waits for you to touch the device" in caplog.text
