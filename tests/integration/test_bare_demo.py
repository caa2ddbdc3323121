"""`make demo` works on a bare Debian with make and python3 and nothing else, and reports that very system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import PROJECT, SCRIPTS, command
from tests.texts import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

FORMATS = (".html", ".docx", ".pdf", ".xlsx")
CLONE = "/root/weibao"


@dataclass(frozen=True)
class Bare:
    """A container that holds a bare Debian and a copy of the project."""

    container: str
    system: str

    def run(self, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["podman", "exec", "--workdir", CLONE, self.container, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


def pip_settings() -> dict[str, str]:
    """Return this machine's pip configuration as environment variables, wherever it is written down."""
    listed = command([sys.executable, "-m", "pip", "config", "list"])
    entries = re.findall(r"^\S+?\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    return {f"PIP_{key.upper().replace('-', '_')}": value.replace("\\n", " ") for key, value in entries}


def local_folders(settings: dict[str, str]) -> set[Path]:
    """Return the folders of packages that pip's settings name; an index refers to files beside it."""
    paths = {Path(path) for value in settings.values() for path in re.findall(r"(?:^|\s|file://)(/\S+)", value)}
    return {path.parent if path.name == "simple" else path for path in paths if path.is_dir()}


def sources() -> bytes:
    """Return the working tree as a tar archive: what git tracks or would track."""
    listed = command(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")
    present = "\0".join(name for name in listed if name and (PROJECT / name).is_file())
    return subprocess.run(
        ["tar", "--create", "--null", "--files-from=-"],
        cwd=PROJECT,
        input=present.encode(),
        capture_output=True,
        check=True,
    ).stdout


@pytest.fixture(params=[("bookworm", "12"), ("trixie", "13")], ids=["debian12", "debian13"])
def bare(request: pytest.FixtureRequest, lab_machine: None) -> Iterator[Bare]:
    suite, version = request.param
    command([SCRIPTS / "prepare.sh"])
    image = command([SCRIPTS / "image.sh", suite, "make,python3"]).splitlines()[-1]
    settings = pip_settings() | {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    name = f"weibao-bare-{version}-{os.getpid()}"
    options = [option for key, value in settings.items() for option in ("--env", f"{key}={value}")]
    options += [f"--volume={folder}:{folder}:ro" for folder in sorted(local_folders(settings))]
    limits = ["--ulimit=nofile=20000:20000", "--ulimit=nproc=32768:32768", "--tmpfs=/planted:size=50m"]
    starting = ["podman", "--runtime", "runc", "run", "--detach", "--rm", "--name", name, "--hostname"]
    # Should the whole test run be killed, the container still ends by itself.
    command([*starting, f"bare{version}", *limits, *options, image, "sleep", "1800"])
    try:
        root = command(["podman", "mount", name]).strip()
        command(["sh", "-c", '. "$0"; grant_archives "$1" "$2"', SCRIPTS / "machine.sh", root, suite])
        unpack = ["podman", "exec", "--interactive", name, "sh", "-c", f"mkdir {CLONE} && tar -C {CLONE} -x"]
        subprocess.run(unpack, input=sources(), check=True)
        yield Bare(name, f"Debian GNU/Linux {version} ({suite})")
    finally:
        subprocess.run(["podman", "rm", "--force", "--time", "0", name], capture_output=True, check=False)


def test_demo_on_a_bare_system(bare: Bare, tmp_path: Path) -> None:
    assert bare.run("python3", "-c", "import venv, ensurepip").returncode != 0, "not bare: venv is there"
    bare.run("dd", "if=/dev/zero", "of=/planted/full", "bs=1M", "count=30")
    done = bare.run("make", "demo")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output

    command(["podman", "cp", f"{bare.container}:{CLONE}/var", str(tmp_path)])
    documents = [path for path in sorted((tmp_path / "var").rglob("*")) if path.suffix in FORMATS]
    assert sorted(path.suffix for path in documents) == sorted(FORMATS), output
    for path in documents:
        assert path.name in output
        text = re.sub(r"\s", "", text_of(path))
        assert bare.system.replace(" ", "") in text, path.name
        assert f"bare{bare.system.split()[2]}" in text, path.name
        assert "/planted" in text, path.name
        assert ("|60|" if path.suffix == ".xlsx" else "60.0%") in text, path.name

    again = bare.run("make", "demo", timeout=120)
    assert again.returncode == 0, again.stdout + again.stderr
