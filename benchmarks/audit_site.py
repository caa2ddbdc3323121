"""The auditor's pack at 10,000 runs: how long its export takes, and how long each page takes to open in a browser.

    python -m benchmarks.audit_site [--runs 10000] [--hosts 3] [--rounds 5]

A page is open when its rows stand in the document and have been laid out; each round is a new browser, so that nothing
was loaded before. Needs Chromium; the peer of verify.sh is sha256sum alone over the same files.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.measure import machine, seconds, verdict
from runner.operations.check_site import CheckedSite, check_site
from runner.operations.export import export
from runner.site import PROJECT, Site
from tests.browser import PROGRAM, Browser
from tests.many_runs import write_runs

PAGES = ("overview", "compliance", "calendar", "runs", "documents", "entries", "entry/5000")


def site(folder: Path, runs: int, hosts: int) -> CheckedSite:
    """Return a site with so many runs: the contract of seed A, its people, and this machine for hosts."""
    shutil.copytree(PROJECT / "inventories" / "hospital-a", folder / "sites" / "many")
    found = Site("many", folder / "sites" / "many", folder / "home" / "many")
    found.prepare()
    write_runs(found.state, runs, datetime.now(UTC), hosts)
    return check_site(found)


def opened(pack: Path, profile: Path) -> dict[str, float]:
    """Return the seconds that each page took to open in a new browser; ``start`` is the first one."""
    taken: dict[str, float] = {}
    with Browser(profile) as browser:
        start = time.perf_counter()
        browser.open((pack / "index.html").as_uri())
        browser.wait("document.getElementById('main').dataset.page")
        taken["start"] = time.perf_counter() - start
        newest = browser.evaluate("Site.load('runs-0').then((runs) => runs[0][0])")
        for page in (*PAGES, f"run/{newest}"):
            start = time.perf_counter()
            browser.evaluate(f"location.hash = {json.dumps('#/' + page)}")
            browser.wait(f"document.getElementById('main').dataset.page === {json.dumps('#/' + page)}")
            browser.evaluate("document.body.offsetHeight")
            taken["a run" if page.startswith("run/") else page] = time.perf_counter() - start
        browser.call("Runtime.disable")
    return taken


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="weibao-audit-") as name:
        folder = Path(name)
        checked, pack = site(folder, options.runs, options.hosts), folder / "pack"
        print(f"export of {options.runs} runs on {options.hosts} hosts")
        taken = seconds(lambda: export(checked, pack))
        verdict("seconds for 1,000 runs", taken * 1000 / options.runs, 60, at_least=False)
        sums = seconds(lambda: subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=pack, check=True))
        checking = seconds(lambda: subprocess.run(["sh", "verify.sh"], cwd=pack, check=True, capture_output=True))
        print(f"  sh verify.sh {checking:.1f} s, sha256sum alone {sums:.1f} s: {checking / sums:.1f} times")
        if PROGRAM is None:
            print("no Chromium on this machine: pages are not measured")
            return
        rounds = [opened(pack, folder / f"profile-{number}") for number in range(options.rounds)]
        for page in rounds[0]:
            verdict(f"seconds until the page opens: {page}", median(one[page] for one in rounds), 1, at_least=False)


if __name__ == "__main__":
    main()
