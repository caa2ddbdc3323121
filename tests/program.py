"""The program as tests run it: a process of its own, with a home and sites of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]


def copy_project(folder: Path) -> Path:
    """Copy what a run needs of the project, for a test to change; return the copy."""
    folder.mkdir()
    plugins = ("action_plugins", "strategy_plugins")
    parts = ("ansible.cfg", "runner", "reports", "module_utils", "playbooks", "roles", "library", *plugins)
    for part in parts:
        subprocess.run(["cp", "-r", PROJECT / part, folder / part], check=True)
    return folder


@dataclass(frozen=True)
class Program:
    """Calls of ``weibao`` that share a home, one folder of further sites, and a site to work on."""

    home: Path
    sites: Path
    site: str = "local"
    project: Path = PROJECT

    def environment(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("WEIBAO_", "ANSIBLE_"))}
        return {
            **kept,
            "WEIBAO_HOME": str(self.home),
            "WEIBAO_SITES": str(self.sites),
            "PYTHONPATH": str(self.project),
            "LC_ALL": "C.UTF-8",
            **more,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "runner.cli", "--site", self.site, *arguments]

    def run(self, *arguments: str, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.project,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str, code: int = 0, **more: str) -> dict[str, Any]:
        """Run with --json, expect an exit code, and return the object printed."""
        result = self.run("--json", *arguments, **more)
        assert result.returncode == code, result.stdout + result.stderr
        printed: dict[str, Any] = json.loads(result.stdout)
        return printed

    def make_site(self, name: str, hosts: str | None = None, **files: str) -> Program:
        """Make a site from the embedded default, with other hosts and further files; return calls on it."""
        folder = self.sites / name
        shutil.copytree(PROJECT / "inventories" / "local", folder)
        if hosts is not None:
            (folder / "hosts.yml").write_text(hosts, encoding="utf-8")
        for path, text in files.items():
            target = folder / path.replace("__", "/")
            target = target.with_name(target.name + ".yml")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return replace(self, site=name)

    @property
    def state(self) -> Path:
        return self.home / self.site

    def runs(self) -> list[Path]:
        return sorted(path for path in (self.state / "runs").glob("*") if path.name != ".open")

    def manifest(self) -> dict[str, Any]:
        """The manifest of the newest run."""
        manifest: dict[str, Any] = json.loads((self.runs()[-1] / "manifest.json").read_text())
        return manifest
