"""One changing run on a host at a time: a hold that lies on the host itself.

Two things make it. A lease, a file with the run's id and its end, holds the host between the calls of a run and when
its controller died; a lock that the kernel takes off a dead process holds it while a call is at work, even past the
lease's end. Ends are counted in seconds since the host started, so that nobody lengthens or cuts one by setting a
clock; a lease of an earlier start of the host is void.

    FOLDER/change.json    {run, change, boot, until, taken}; written beside and renamed, never half there
    FOLDER/begun.json     {run, notes}: what a run noted before it touched the host, so that a call that comes twice,
                          as when a connection drops and it is sent again, knows of the one before; {run, call, result}
                          when that one has ended
    FOLDER/lock           held (flock) by whoever works on the host or changes the lease
"""

import errno
import fcntl
import json
import math
import os
import pwd
import stat
import time
from typing import Any, Dict, NamedTuple, Optional

from ..measuring import files

#: Where root's hold lies, gone with the next start; another account has only its own home, which hosts may share.
ROOTS_FOLDER = "/run/weibao"
OWN_FOLDER = ".weibao-%s"

LEASE, BEGUN, LOCK = "change.json", "begun.json", "lock"
LARGEST = 1 << 23

#: How long to wait for another process that works on the host, or changes the lease.
PATIENCE = 3.0


DAMAGED = "%s/%s is damaged: see that no change is running here, then remove it"


class Held(Exception):
    """The host cannot be held; the message is for the engineer."""


class Foreign(Held):
    """Another run holds the host, or works on it."""


class Moment(NamedTuple):
    """Which start of the host this is, and seconds since then."""

    boot: str
    uptime: float


def now() -> Moment:
    """Return the host's own time. Raises Held where the kernel does not tell."""
    boot, uptime = files.optional("/proc/sys/kernel/random/boot_id"), files.optional("/proc/uptime")
    if not boot or not uptime:
        raise Held("the kernel does not tell since when it runs (/proc/uptime)")
    return Moment(boot.strip(), float(uptime.split()[0]))


def standing(lease: Optional[Dict[str, Any]], run: str, moment: Moment) -> str:
    """Return what a lease means to a run: ``free``, ``ours``, ``foreign``, or ``void`` where its time is over."""
    if lease is None:
        return "free"
    if lease["run"] == run:
        return "ours"
    if lease["boot"] != moment.boot or lease["until"] <= moment.uptime:
        return "void"
    return "foreign"


def folder_of_account() -> str:
    """Return where this account's hold on this host lies. Raises Held where the account has no home."""
    if os.geteuid() == 0:
        return ROOTS_FOLDER
    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        raise Held("account %d has no home where the host could be held" % os.geteuid()) from None
    return os.path.join(home, OWN_FOLDER % os.uname().nodename)


class Hold:
    """This process's grip on the host, for one run; to be closed when its work is done, the lease stays."""

    def __init__(self, run: str, folder: Optional[str] = None, patience: float = PATIENCE) -> None:
        """Raises Held where another process works on the host, or the folder is not to be trusted."""
        self.run = run
        self.path = folder or folder_of_account()
        self._folder = _opened(self.path)
        try:
            self._lock = self._locked(patience)
        except BaseException:
            os.close(self._folder)
            raise

    def _locked(self, patience: float) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            lock = os.open(LOCK, flags, 0o600, dir_fd=self._folder)
        except OSError as error:
            raise Held("%s/%s cannot be opened: %s" % (self.path, LOCK, error.strerror)) from error
        end = time.monotonic() + patience
        try:
            _checked(lock, "%s/%s" % (self.path, LOCK))
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    if error.errno not in (errno.EWOULDBLOCK, errno.EACCES) or time.monotonic() > end:
                        raise Foreign(_busy(self._lease())) from error
                    time.sleep(0.05)
                else:
                    return lock
        except BaseException:
            os.close(lock)
            raise

    def take(self, seconds: float, change: Optional[str] = None) -> None:
        """Hold the host for this run for so many seconds from now on, or longer where it does already.

        Raises Held where another run holds it.
        """
        moment = now()
        lease = self._lease()
        means = standing(lease, self.run, moment)
        if means == "foreign":
            raise Foreign(_foreign(lease or {}, moment, self.path))
        if means != "ours":
            self._remove(BEGUN)
        taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        until = moment.uptime + seconds
        if means == "ours" and lease and lease["boot"] == moment.boot:
            until = max(until, lease["until"])
        wanted = {"run": self.run, "change": change, "boot": moment.boot, "until": until}
        self._write(LEASE, dict(wanted, taken=taken))

    def note(self, notes: Any) -> None:
        """Note what this run knows before it touches the host, for as long as it holds it. Raises Held."""
        self._write(BEGUN, {"run": self.run, "notes": notes})

    def noted(self) -> Optional[Any]:
        """Return what this run noted on the host in a call that has not ended; None where it did not. Raises Held."""
        return self._begun().get("notes")

    def end(self, call: str, result: Any) -> None:
        """Note what a call returns, for its repetition; what it had noted before is over. Raises Held."""
        self._write(BEGUN, {"run": self.run, "call": call, "result": result})

    def ended(self, call: str) -> Optional[Any]:
        """Return what the last call of this run that ended returned, where it is the same; else None. Raises Held."""
        found = self._begun()
        return found["result"] if found.get("call") == call else None

    def _begun(self) -> Dict[str, Any]:
        found = self._read(BEGUN)
        return found if found and found["run"] == self.run else {}

    def release(self) -> bool:
        """Give the host free; False where this run did not hold it. Raises Held where another run does."""
        lease, moment = self._lease(), now()
        means = standing(lease, self.run, moment)
        if means == "foreign":
            raise Foreign(_foreign(lease or {}, moment, self.path))
        if means != "ours":
            return False
        self._remove(BEGUN)
        os.unlink(LEASE, dir_fd=self._folder)
        return True

    def _lease(self) -> Optional[Dict[str, Any]]:
        """Return the lease, None where there is none. Raises Held where what lies there is none of ours."""
        found = self._read(LEASE)
        try:
            return found and {"run": found["run"], "boot": str(found["boot"]), "until": _finite(found["until"])}
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise Held(DAMAGED % (self.path, LEASE)) from error

    def _read(self, name: str) -> Optional[Dict[str, Any]]:
        """Return a file's content, which names its run; None where there is none. Raises Held as _lease() does."""
        path = "%s/%s" % (self.path, name)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Held("%s cannot be opened: %s" % (path, error.strerror)) from error
        try:
            _checked(descriptor, path)
            found = json.loads(os.read(descriptor, LARGEST).decode("utf-8"))
            return dict(found, run=str(found["run"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Held(DAMAGED % (self.path, name)) from error
        finally:
            os.close(descriptor)

    def _write(self, name: str, content: Dict[str, Any]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        new, text = name + ".new", json.dumps(content, sort_keys=True).encode("ascii") + b"\n"
        try:
            self._remove(new)  # of a process that died while it wrote
            descriptor = os.open(new, flags, 0o600, dir_fd=self._folder)
            try:
                if os.write(descriptor, text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(new, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            self._remove(new)
            raise Held("%s/%s cannot be written: %s" % (self.path, name, error.strerror)) from error

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._folder)
        except FileNotFoundError:
            pass

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self._lock)
        os.close(self._folder)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _opened(path: str) -> int:
    """Return the folder opened, made if need be; raises Held unless it is ours and nobody else may write there."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise Held("%s cannot be made: %s" % (path, error.strerror)) from error
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Held("%s is no folder of ours: %s" % (path, error.strerror)) from error
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
        os.close(folder)
        raise Held("%s belongs to somebody else, or others may write there" % path)
    return folder


def _checked(descriptor: int, path: str) -> None:
    """Raise Held unless an opened file is a plain one of ours with no other name."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink != 1:
        raise Held("%s is no plain file of ours" % path)


def _busy(lease: Optional[Dict[str, Any]]) -> str:
    return "run %s is at work on this host right now" % lease["run"] if lease else "another run is at work on this host"


def _foreign(lease: Dict[str, Any], moment: Moment, folder: str) -> str:
    left = max(1, round(lease["until"] - moment.uptime))
    told = "run %s holds this host, for %d s more unless it is done before; where that run is dead, remove %s/%s"
    return told % (lease["run"], left, folder, LEASE)


def _finite(figure: Any) -> float:
    """Return a figure; raises ValueError for one that no moment is."""
    if not math.isfinite(float(figure)):
        raise ValueError(figure)
    return float(figure)
