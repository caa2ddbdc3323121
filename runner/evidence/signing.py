"""Signing with ``ssh-keygen -Y sign``: by the site's own key, or an engineer's, kept in a file, an agent or a device.

    keys/site       the site's private key: ed25519, without a passphrase, readable by nobody else
    keys/site.next  the key that is to follow, as long as the ledger does not name it yet

Their public halves stand in the ledger, and in the files themselves: one beside could be that of another key.
Every signature is verified before it is handed out: one that nobody could verify is no evidence.
"""

from __future__ import annotations

import logging
import os
import select
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runner.errors import BadInput, MachineError
from runner.evidence.canonical import replace, sync_folder
from runner.evidence.holding import folder_held
from runner.public_key import PublicKey, parse_public_key, public_half

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: What a person's terminal shows of signing: told as a log of this name, which the command line prints.
LOG = logging.getLogger("runner.signing")

#: The environment variable that names an engineer's own key.
OWN_KEY = "WEIBAO_SIGNING_KEY"

SITE_KEY, NEXT_KEY, VARIABLES_KEY = "site", "site.next", "variables"
_VARIABLES_BYTES = 32

#: The site's key signs in milliseconds; a person finds the passphrase, or touches the device, within two minutes.
SITE_SECONDS, PERSON_SECONDS = 60, 120

#: So much a new pipe takes at once, in bytes: whoever writes no more need not wait for the reader.
_PIPE = 1 << 16

_MISSING = (
    "ssh-keygen is missing, which signs the ledger; install OpenSSH's client "
    "(openssh-client on Debian and Ubuntu, openssh-clients on Red Hat, openEuler and Kylin)"
)


class SshSigner:
    """Signs with one key through ssh-keygen; a Signer of the ledger."""

    def __init__(
        self, key_file: Path, public_key: PublicKey, *, alone: bool = False, early: EarlyCall | None = None
    ) -> None:
        """Take the file to sign with; ``alone``, nobody is there to be asked and no agent is.

        ``early`` is ssh-keygen started with that file, for the first entry.
        """
        self.key_file = key_file
        self.public_key = public_key
        self._alone = alone
        self._early = early

    def fingerprint(self) -> str:
        """Return the fingerprint of the key that signs."""
        return self.public_key.fingerprint

    def sign(self, data: bytes, meanwhile: Callable[[], None] = lambda: None) -> bytes:
        """Return the signature of an entry's bytes; raises MachineError as sign_as does.

        ``meanwhile`` is called once: while the signature is made, where ssh-keygen was started early.
        """
        from runner.evidence.sshsig import ENTRY  # noqa: PLC0415 - see _verified()

        given = self._early is not None and self._early.give(data)
        meanwhile()
        if self._early and given:
            # Whatever is wrong with it, such as a key that was replaced since, another call tells.
            with suppress(MachineError):
                check_private(self.key_file)
                return self._verified(self._early.taken(), ENTRY, data)
        return self.sign_as(ENTRY, data)

    def sign_as(self, namespace: str, data: bytes) -> bytes:
        """Return the armoured signature of data for a purpose, verified.

        Raises MachineError where the key cannot sign: it is gone, others can read it, the agent does not answer,
        nobody touched the device in time, or ssh-keygen is missing.
        """
        check_private(self.key_file)
        if self.public_key.in_hardware:
            LOG.warning("the ledger's entry waits for you to touch the device of %s", self.key_file)
        command = _signing(self.key_file, namespace)
        environment = _without_agent() if self._alone else _plain()
        seconds = SITE_SECONDS if self._alone else PERSON_SECONDS
        result = _run(command, self.key_file, environment, seconds, data, detached=self._alone)
        return self._verified(result, namespace, data)

    def _verified(self, signature: bytes, namespace: str, data: bytes) -> bytes:
        # Imported only now: most commands sign nothing.
        from runner.evidence.sshsig import SignatureError, verify_signature  # noqa: PLC0415

        try:
            made_by = verify_signature(signature, data, namespace)
        except SignatureError as error:
            raise MachineError(f"{self.key_file}: what ssh-keygen made with it {error}") from error
        if made_by != self.public_key:
            raise MachineError(f"{self.key_file}: signs as {made_by.fingerprint}, not as {self.fingerprint()}")
        return signature


class EarlyCall:
    """ssh-keygen that has read a key and waits for one entry to sign.

    To start takes it longer than to sign: whoever starts it before waiting for the ledger holds that less long.
    """

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def give(self, data: bytes) -> bool:
        """Let it sign an entry; return whether it does: once, what its pipe takes, and where it still waits."""
        if self._stdin.closed or len(data) > _PIPE:
            return False
        try:
            with self._stdin:
                self._stdin.write(data)
        except BrokenPipeError:
            return False
        return True

    def taken(self) -> bytes:
        """Return what it answers; nothing where it could not sign. Raises MachineError where it does not end."""
        answer, waiting = b"", select.poll()
        waiting.register(self._stdout, select.POLLIN)
        while waiting.poll(SITE_SECONDS * 1000):
            part = os.read(self._stdout.fileno(), _PIPE)
            if not part:
                return answer
            answer += part
        raise MachineError(f"ssh-keygen did not end within {SITE_SECONDS} s")


@contextmanager
def started_early(path: Path) -> Iterator[EarlyCall | None]:
    """Yield ssh-keygen started with the site's key, if it can be; it is gone when the block ends.

    Only for a key that nobody need unlock or touch: ssh-keygen asks when it starts, and that is not yet its turn.
    """
    from runner.evidence.sshsig import ENTRY  # noqa: PLC0415 - see _verified(); before the ledger is held, too

    if not path.exists():
        yield None
        return
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            _signing(path, ENTRY),
            bufsize=0,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env=_without_agent(),
            start_new_session=True,
        )
    except OSError:
        # Signing tells what is missing.
        yield None
        return
    with process:
        try:
            yield EarlyCall(process.stdin, process.stdout) if process.stdin and process.stdout else None
        finally:
            process.kill()


# -- the site's key ---------------------------------------------------------------------------------------


def site_signer(keys_folder: Path) -> SshSigner:
    """Return the signer with the site's key, which is made where there is none; its fingerprint is then told.

    Raises MachineError where it can be neither read nor made.
    """
    path = keys_folder / SITE_KEY
    if not path.exists():
        with _holding(keys_folder):
            # Another program may have made it meanwhile.
            if not path.exists():
                key = _make(path)
                LOG.warning("made the site's key %s, which signs the ledger: %s", path, key.fingerprint)
    return SshSigner(path, key_of(path), alone=True)


def next_signer(keys_folder: Path) -> SshSigner:
    """Return the signer with the key that is to follow the site's, made where there is none yet."""
    path = keys_folder / NEXT_KEY
    with _holding(keys_folder):
        if not path.exists():
            _make(path)
    return SshSigner(path, key_of(path), alone=True)


def take_next(keys_folder: Path) -> None:
    """Put the key that follows in the place of the site's, which is gone then; another program may have done so."""
    with _holding(keys_folder), _told(keys_folder):
        if (keys_folder / NEXT_KEY).exists():
            (keys_folder / NEXT_KEY).replace(keys_folder / SITE_KEY)
            sync_folder(keys_folder)


def variables_key(keys_folder: Path) -> bytes:
    """Return the key of the digests of what hosts are given, 32 bytes, made where there is none.

    Evidence goes to others, who could else guess a value by its digest. It signs nothing. Raises MachineError where it
    can be neither read nor made.
    """
    path = keys_folder / VARIABLES_KEY
    with _holding(keys_folder), _told(keys_folder):
        if not path.exists():
            replace(path, os.urandom(_VARIABLES_BYTES))
        key = path.read_bytes()
    if len(key) != _VARIABLES_BYTES:
        raise MachineError(f"{path}: is not what weibao made; put it back from a backup, or remove it")
    return key


def _make(path: Path) -> PublicKey:
    """Make a key in a folder of its own and link it into place: it is there as a whole, or not at all."""
    folder = path.parent
    with _told(folder):
        # Only who holds the folder makes keys: what lies there was left by programs that died.
        for left in folder.glob(".making-*"):
            shutil.rmtree(left, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
        try:
            made = making / path.name
            comment = f"weibao site {folder.parent.name}"
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(made)]
            _run(command, path, _without_agent(), SITE_SECONDS, detached=True)
            key = key_of(made)
            with made.open("rb") as file:
                os.fsync(file.fileno())
            os.link(made, path)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        sync_folder(folder)
    return key


@contextmanager
def _holding(folder: Path) -> Iterator[None]:
    """Make the folder of keys, for this user alone, and hold it against other programs."""
    with ExitStack() as held:
        with _told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(folder_held(folder))
        yield


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(f"{folder}: the site's key cannot be kept here: {error.strerror}") from error


def key_of(path: Path) -> PublicKey:
    """Return the public key of a private file, of its ``.pub`` beside it, or of a public file.

    Raises MachineError where it cannot be read, or holds none.
    """
    try:
        content = path.read_bytes()
        found = public_half(content)
        if found is None and b"PRIVATE KEY" in content:
            content = path.with_name(f"{path.name}.pub").read_bytes()
        return found or parse_public_key(content.decode())
    except OSError as error:
        raise MachineError(f"{error.filename or path}: the key cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise MachineError(f"{path}: {error}") from error


# -- an engineer's own key --------------------------------------------------------------------------------


def own_signer(environment: Mapping[str, str] = os.environ) -> SshSigner | None:
    """Return the signer with the key that WEIBAO_SIGNING_KEY names; None where it names none.

    Raises BadInput where that file holds no key, or a public one whose private half is nowhere to be found.
    """
    named = environment.get(OWN_KEY)
    if not named:
        return None
    path = Path(named).expanduser().absolute()
    try:
        key = key_of(path)
        private = path.with_suffix("") if path.suffix == ".pub" else path
        if not (private.is_file() and b"PRIVATE KEY" in private.read_bytes()):
            _check_agent(path, key)
    except OSError as error:
        raise BadInput(f"{OWN_KEY}: {path}: the key cannot be read: {error.strerror}") from error
    except MachineError as error:
        raise BadInput(f"{OWN_KEY}: {error}") from error
    return SshSigner(path, key)


def _check_agent(path: Path, key: PublicKey) -> None:
    """Raise MachineError where no agent holds a key: better told now than after hours of work."""
    try:
        result = subprocess.run(["ssh-add", "-L"], capture_output=True, text=True, check=False, timeout=PERSON_SECONDS)
    except FileNotFoundError:
        raise MachineError(_MISSING) from None
    except subprocess.TimeoutExpired:
        raise MachineError(f"{path}: is a public key, and the agent does not answer") from None
    if key.line not in result.stdout:
        told = "no agent can be asked" if result.returncode == 2 else "the agent does not hold it"
        raise MachineError(f"{path}: is a public key; no private one is beside it, and {told} (ssh-add)")


# -- ssh-keygen -------------------------------------------------------------------------------------------


def require_ssh_keygen() -> None:
    """Raise MachineError where the machine has no ssh-keygen."""
    if shutil.which("ssh-keygen") is None:
        raise MachineError(_MISSING)


def check_private(path: Path) -> None:
    """Raise MachineError where a private key is gone, or others can read it, as ssh-keygen does in more words."""
    try:
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes() if mode & 0o077 else b""
    except OSError as error:
        raise MachineError(f"{path}: the key that signs the ledger cannot be read: {error.strerror}") from error
    if b"PRIVATE KEY" in content:
        raise MachineError(
            f"{path}: others can read this private key (mode {mode:04o}), so it is not used; "
            "chmod 600, and if anybody may have copied it: weibao ledger keys lost --stolen"
        )


def _signing(path: Path, namespace: str) -> list[str]:
    return ["ssh-keygen", "-Y", "sign", "-f", str(path), "-n", namespace]


def _plain() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _without_agent() -> dict[str, str]:
    """Return an environment in which nobody is asked: neither an agent nor a person."""
    return {key: value for key, value in _plain().items() if key not in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "DISPLAY")}


def _run(
    command: list[str], path: Path, environment: dict[str, str], seconds: int, data: bytes = b"", *, detached: bool
) -> bytes:
    """Return what ssh-keygen prints; ``detached`` from the terminal, where it may ask nobody anything."""
    try:
        result = subprocess.run(
            command,
            input=data,
            capture_output=True,
            check=False,
            timeout=seconds,
            env=environment,
            start_new_session=detached,
        )
    except FileNotFoundError:
        raise MachineError(_MISSING) from None
    except OSError as error:
        raise MachineError(f"ssh-keygen cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise MachineError(f"{path}: ssh-keygen did not end within {seconds} s; nothing was signed") from None
    if result.returncode != 0:
        raise MachineError(f"{path}: ssh-keygen fails: {_reason(result.stderr) or f'exit {result.returncode}'}")
    return result.stdout


def _reason(stderr: bytes) -> str:
    """Return what ssh-keygen complained of, on one line."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines()]
    return "; ".join([line for line in lines if line and not line.startswith(("Signing data", "@"))][-3:])
