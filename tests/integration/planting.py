"""Failures that are planted on the lab's hosts for real, each with what an inspection must find because of it.

Each is a context: it breaks something when it is entered, gives the findings that must come of it, and mends what it
broke when it is left, also where the breaking itself failed.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.lab import STATE, Lab, LabError, command

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A finding of an inspection, host, check and subject, and its level.
Finding = tuple[str, str, str]
Findings = dict[Finding, str]

PAGE = "挂号系统"
BACKUPS = "/var/backups/mariadb"
CERTIFICATE = "/etc/nginx/tls/app.pem"

#: A transaction is long after so many seconds here.
LONG_TRANSACTION = 3

#: A page is slow after so many milliseconds here, because two busy cores may make any page slow; and how slow a page is
#: made to be, in seconds.
SLOW_PAGE = 3000
SLEEP = 3.5


def wait(lab: Lab, host: str, condition: str, seconds: int = 30) -> None:
    """Wait until a shell condition holds on a host; raise LabError where it does not."""
    lab.shell(host, f"for _ in $(seq {seconds * 5}); do if {condition}; then exit; fi; sleep 0.2; done; exit 1")


def set_clock(lab: Lab, host: str) -> None:
    """Wait until a host follows the time source, wherever that is by now."""
    lab.shell(host, "chronyc refresh && chronyc waitsync 60 0 0 1")


@contextmanager
def kept(lab: Lab, host: str, path: str, after: str = "true") -> Iterator[str]:
    """Keep a file or folder of a host as it is, whatever is done to it meanwhile; a shell line ends the mending."""
    copy = f"/root/kept-{uuid4().hex}"
    lab.podman(host, "cp", "--archive", path, copy)
    try:
        yield path
    finally:
        lab.shell(host, f"rm -rf {path}; mv {copy} {path}; {after}")


@contextmanager
def service(lab: Lab, host: str, unit: str, *options: str) -> Iterator[None]:
    """Run a transient unit on a host; its failure, too, is forgotten at the end."""
    try:
        lab.podman(host, "systemd-run", f"--unit={unit}", *options)
        yield
    finally:
        lab.shell(host, f"systemctl stop {unit} || true; systemctl reset-failed {unit} || true")
        wait(lab, host, f'[ -z "$(systemctl list-units --all --no-legend {unit}.service)" ]')


# -- file systems -----------------------------------------------------------------------------------------


@contextmanager
def mounted(lab: Lab, host: str, path: str, options: str) -> Iterator[str]:
    """Mount a small file system on a host, which may not do so itself."""
    process = command(["podman", "inspect", "--format", "{{.State.Pid}}", f"weibao-lab-{host}"]).strip()
    inside = ["nsenter", "--target", process, "--mount"]
    lab.podman(host, "mkdir", path)
    try:
        command([*inside, "mount", "-t", "tmpfs", "-o", options, "weibao-lab", path])
        try:
            yield path
        finally:
            command([*inside, "umount", path])
    finally:
        lab.podman(host, "rmdir", path)


@contextmanager
def full_file_system(lab: Lab, host: str) -> Iterator[Findings]:
    with mounted(lab, host, "/srv/pacs", "size=20m") as path:
        with pytest.raises(LabError, match="No space left on device"):
            lab.podman(host, "dd", "if=/dev/zero", f"of={path}/image", "bs=1M")
        yield {(host, "filesystem.used", path): "critical"}


@contextmanager
def exhausted_inodes(lab: Lab, host: str) -> Iterator[Findings]:
    with mounted(lab, host, "/srv/spool", "size=20m,nr_inodes=200") as path:
        with pytest.raises(LabError, match="No space left on device"):
            lab.shell(host, f"for number in $(seq 300); do : >{path}/$number; done")
        yield {(host, "filesystem.inodes", path): "critical"}


@contextmanager
def deleted_but_open(lab: Lab, host: str) -> Iterator[Findings]:
    path, unit = "/var/tmp/his-export.log", "his-export"
    script = f"exec 9>{path}; fallocate --length 1100MiB {path}; rm {path}; exec sleep infinity"
    with service(lab, host, unit, "sh", "-euc", script):
        wait(lab, host, f"ls -l /proc/$(systemctl show --property MainPID --value {unit})/fd | grep -q deleted")
        yield {(host, "filesystem.deleted_open", ""): "warning"}


# -- what runs on a host ----------------------------------------------------------------------------------


@contextmanager
def failed_unit(lab: Lab, host: str) -> Iterator[Findings]:
    with service(lab, host, "his-interface", "/bin/false"):
        wait(lab, host, "systemctl is-failed --quiet his-interface")
        yield {(host, "unit.failed", "his-interface.service"): "critical"}


@contextmanager
def flapping_unit(lab: Lab, host: str) -> Iterator[Findings]:
    """Let a unit end four times within a second or two; then it stays."""
    unit, starts = "his-gateway", "/run/his-gateway.starts"
    script = f'echo >>{starts}; [ "$(wc -l <{starts})" -lt 5 ] && exit 1; exec sleep infinity'
    try:
        with service(lab, host, unit, "--property=Restart=always", "--property=RestartSec=200ms", "sh", "-c", script):
            wait(lab, host, f'[ "$(wc -l <{starts})" = 5 ] && systemctl is-active --quiet {unit}')
            yield {(host, "unit.restarts", f"{unit}.service"): "warning"}
    finally:
        lab.podman(host, "rm", "--force", starts)


def memory_files(host: str) -> list[tuple[Path, str]]:
    """Return the files that limit a host's memory and then its swap, each with what it says where there is no limit."""
    process = command(["podman", "inspect", "--format", "{{.State.Pid}}", f"weibao-lab-{host}"]).strip()
    lines = Path(f"/proc/{process}/cgroup").read_text(encoding="utf-8").splitlines()
    groups = {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
    if "memory" in groups:
        folder = Path("/sys/fs/cgroup/memory" + groups["memory"])
        return [(folder / "memory.limit_in_bytes", "-1"), (folder / "memory.memsw.limit_in_bytes", "-1")]
    folder = Path("/sys/fs/cgroup" + groups[""].removesuffix("/init.scope"))
    return [(folder / "memory.max", "max"), (folder / "memory.swap.max", "max")]


@contextmanager
def memory_kill(lab: Lab, host: str) -> Iterator[Findings]:
    """Let the kernel end a process that wants more memory than there is; the host must start anew to forget it."""
    greedy = 'echo 1000 >/proc/self/oom_score_adj; exec python3 -c "held = [bytearray(1 << 20) for _ in range(1000)]"'
    limits = [(path, unlimited) for path, unlimited in memory_files(host) if path.exists()]
    try:
        try:
            for (path, _), limit in zip(limits, ("300M", "300M" if limits[0][1] == "-1" else "0"), strict=False):
                path.write_text(limit, encoding="utf-8")
            with pytest.raises(LabError, match="exit 137"):
                lab.shell(host, greedy)
        finally:
            for path, unlimited in reversed(limits):
                path.write_text(unlimited, encoding="utf-8")
        yield {(host, "memory.oom_kills", ""): "warning"}
    finally:
        lab.kill(host)
        lab.start(host)
        set_clock(lab, host)


@contextmanager
def unexpected_port(lab: Lab, host: str) -> Iterator[Findings]:
    with service(lab, host, "forgotten-server", "python3", "-m", "http.server", "8099", "--directory", "/srv"):
        wait(lab, host, "ss --listening --tcp --numeric | grep -q :8099")
        yield {(host, "network.unexpected_port", "tcp/8099"): "warning"}


@contextmanager
def interrupted_dpkg(lab: Lab, host: str) -> Iterator[Findings]:
    """Kill dpkg while it waits for a package that never ends its installation."""
    folder, name, waiting = "/root/his-driver", "his-driver", "[s]leep 987654"
    fields = "\\n".join((f"Package: {name}", "Version: 1", "Architecture: all", "Maintainer: lab", "Description: lab"))
    try:
        lab.shell(
            host,
            f"mkdir -p {folder}/DEBIAN; cd {folder}/DEBIAN; printf '{fields}\\n' >control\n"
            "printf '#!/bin/sh\\nexec sleep 987654\\n' >postinst; chmod 0755 postinst\n"
            f"dpkg-deb --build {folder} {folder}.deb\n"
            f"setsid --fork dpkg --install {folder}.deb >/dev/null 2>&1 </dev/null",
        )
        wait(lab, host, f"pgrep --full '{waiting}'")
        lab.shell(host, f"pkill -KILL --exact dpkg; pkill -KILL --full '{waiting}'")
        yield {(host, "packages.interrupted", ""): "critical"}
    finally:
        lab.shell(
            host,
            f"pkill -KILL --exact dpkg || true; pkill -KILL --full '{waiting}' || true\n"
            f'dpkg --purge {name}; rm -rf {folder} {folder}.deb; [ -z "$(dpkg --audit)" ]',
        )


@contextmanager
def clock_astray(lab: Lab, host: str) -> Iterator[Findings]:
    """Let chrony follow a server that does not answer (RFC 5737)."""
    with kept(lab, host, "/etc/chrony/chrony.conf", "systemctl restart chrony.service"):
        lab.shell(host, "sed -i 's/^server jump /server 192.0.2.1 /' /etc/chrony/chrony.conf; systemctl restart chrony")
        wait(lab, host, "chronyc -c tracking | grep -q 'Not synchronised'")
        yield {(host, "time.synchronised", ""): "critical"}
    set_clock(lab, host)


# -- services ---------------------------------------------------------------------------------------------


@contextmanager
def expired_certificate(lab: Lab, host: str) -> Iterator[Findings]:
    with kept(lab, host, CERTIFICATE, "systemctl restart nginx.service"):
        lab.shell(host, f"cat >{CERTIFICATE} <<'PEM'\n{expired(STATE / 'tls')}PEM\nsystemctl restart nginx.service")
        yield {(host, "certificate.expiry", CERTIFICATE): "critical", (host, "http.certificate", PAGE): "critical"}


def expired(authority: Path) -> str:
    """Return a certificate of the lab's authority that has expired, and its key, as PEM."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "index").touch()
        (folder / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=lab\n[lab]\nnew_certs_dir={folder}\ndatabase={folder}/index\nrand_serial=yes\n"
            "default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n"
            "[names]\nsubjectAltName=DNS:app1,DNS:app2,DNS:localhost\n",
            encoding="utf-8",
        )
        request = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=app1", "-keyout", "key", "-out", "request")
        sign = ("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", authority / "ca.crt",
                "-keyfile", authority / "ca.key", "-startdate", "20240101000000Z", "-enddate", "20250101000000Z",
                "-in", "request", "-out", "certificate")  # fmt: skip
        for arguments in (request, sign):
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
        return "".join((folder / part).read_text(encoding="ascii") for part in ("certificate", "key"))


@contextmanager
def edited_page(lab: Lab, host: str, expression: str) -> Iterator[None]:
    """Change the application on a host with sed, and start it anew."""
    path, restart = "/usr/local/lib/weibao-lab/hello.py", "systemctl restart hello.service"
    with kept(lab, host, path, restart):
        lab.podman(host, "sed", "-i", expression, path)
        lab.shell(host, restart)
        yield


@contextmanager
def wrong_text(lab: Lab, host: str) -> Iterator[Findings]:
    with edited_page(lab, host, f"s/{PAGE}/系统维护中/g"):
        yield {(host, "http.text", PAGE): "critical"}


@contextmanager
def slow_page(lab: Lab, host: str) -> Iterator[Findings]:
    slow = f"if self.path == '/': __import__('time').sleep({SLEEP})"
    with edited_page(lab, host, rf"s|^\( *\)kind, text = |\1{slow}\n&|"):
        yield {(host, "http.time", PAGE): "warning"}


# -- databases and backups --------------------------------------------------------------------------------


def sql(lab: Lab, host: str, statements: str) -> str:
    """Have statements executed by a host's database; return what they select."""
    return lab.podman(host, "mariadb", "--skip-column-names", "--batch", "--execute", statements)


def follow(lab: Lab) -> None:
    """Wait until db2 follows db1 and has what db1 has."""
    position = sql(lab, "db1", "SELECT @@gtid_binlog_pos").strip()
    assert sql(lab, "db2", f"SELECT MASTER_GTID_WAIT('{position}', 30)") == "0\n"
    running = "mariadb -e 'SHOW REPLICA STATUS\\G' | grep -cE ' Slave_(IO|SQL)_Running: Yes$'"
    wait(lab, "db2", f'[ "$({running})" = 2 ]')


@contextmanager
def stopped_database(lab: Lab, host: str) -> Iterator[Findings]:
    """Stop the primary: its replica and the applications miss it."""
    try:
        lab.podman(host, "systemctl", "stop", "mariadb.service")
        yield {
            (host, "unit.active", "mariadb.service"): "critical",
            (host, "network.missing_port", "tcp/3306"): "critical",
            (host, "database.reachable", "his"): "critical",
            ("app1", "tcp.reachable", "HIS 数据库"): "critical",
            ("app2", "tcp.reachable", "HIS 数据库"): "critical",
            ("db2", "database.replication", "his"): "critical",
        }
    finally:
        lab.podman(host, "systemctl", "start", "mariadb.service")
        wait(lab, "db2", "mariadb -e 'SHOW REPLICA STATUS\\G' | grep -q ' Slave_IO_Running: Yes$'")


@contextmanager
def broken_replication(lab: Lab, host: str) -> Iterator[Findings]:
    """Write a row to the replica that its primary writes afterwards, too.

    The row is no part of the replica's own log, so its removal mends everything: the primary's event applies then.
    """
    row, local = 900001, "SET SESSION sql_log_bin = 0"
    try:
        sql(lab, host, f"{local}; INSERT INTO his.patient VALUES ({row}, '本地写入')")
        sql(lab, "db1", f"INSERT INTO his.patient VALUES ({row}, '新病人')")
        wait(lab, host, "mariadb -e 'SHOW REPLICA STATUS\\G' | grep -q ' Last_SQL_Errno: 1062'")
        yield {(host, "database.replication", "his"): "critical"}
    finally:
        sql(lab, host, f"{local}; DELETE FROM his.patient WHERE id = {row}; START REPLICA")
        sql(lab, "db1", f"DELETE FROM his.patient WHERE id = {row}")
        follow(lab)


@contextmanager
def long_transaction(lab: Lab, host: str) -> Iterator[Findings]:
    # One process alone, which reads statements from a pipe that never ends.
    held, pipe = "START TRANSACTION; SELECT * FROM his.department FOR UPDATE;", "/run/his-report"
    script = f"mkfifo {pipe}; exec 9<>{pipe}; rm {pipe}; echo '{held}' >&9; exec mariadb <&9"
    with service(lab, host, "his-report", "sh", "-euc", script):
        age = "SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx_started, NOW())), 0) FROM information_schema.innodb_trx"
        wait(lab, host, f'[ "$(mariadb -NBe "{age}")" -ge {LONG_TRANSACTION} ]')
        yield {(host, "database.transaction", "his"): "warning"}


@contextmanager
def backups(lab: Lab, host: str, damage: str) -> Iterator[None]:
    """Do something to a host's backups; the script has the newest one's name in $newest."""
    with kept(lab, host, BACKUPS):
        lab.shell(host, f"cd {BACKUPS}; newest=$(ls -t *.gz | head -n 1)\n{damage}")
        yield


@contextmanager
def stale_backup(lab: Lab, host: str) -> Iterator[Findings]:
    """Set every backup's time back by three days."""
    with backups(lab, host, 'for name in *; do touch --date "@$(($(stat -c %Y "$name") - 259200))" "$name"; done'):
        yield {(host, "backup.age", "his"): "critical"}


@contextmanager
def shrunken_backup(lab: Lab, host: str) -> Iterator[Findings]:
    """Cut the newest backup short, and make the checksum of what is left: the size alone tells."""
    cut = (
        "when=$(stat -c @%Y $newest); truncate --size 2000 $newest; sha256sum $newest >$newest.sha256\n"
        "touch --date $when $newest $newest.sha256"
    )
    with backups(lab, host, cut):
        yield {(host, "backup.size_change", "his"): "critical"}


@contextmanager
def damaged_backup(lab: Lab, host: str) -> Iterator[Findings]:
    """Change a byte of the newest backup: its checksum alone tells."""
    flip = (
        "when=$(stat -c @%Y $newest); printf X | dd of=$newest bs=1 seek=15 conv=notrunc status=none\n"
        "touch --date $when $newest"
    )
    with backups(lab, host, flip):
        yield {(host, "backup.checksum", "his"): "critical"}


# -- the way in -------------------------------------------------------------------------------------------


@contextmanager
def no_way_in(lab: Lab, host: str) -> Iterator[None]:
    """Stop a host's sshd, with the sessions that earlier connections have left open."""
    try:
        lab.shell(host, "systemctl stop ssh.service ssh.socket; pkill -KILL --exact sshd || true")
        yield
    finally:
        lab.podman(host, "systemctl", "start", "ssh.service")
