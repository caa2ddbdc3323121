"""Headless Chromium through the DevTools protocol, over a pipe: no driver, no port, no further package."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.required import needs

PROGRAM = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)

needs_browser = needs(PROGRAM, "no Chromium on this machine")

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--mute-audio"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe"),
)
_PATIENCE = 30.0


def _start(command: list[str]) -> tuple[int, int, int]:
    """Start the browser, which reads from its descriptor 3 and writes to 4; return its id and our ends."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    # Out of the way of 3 and 4.
    ends = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 100) for one in (theirs_in, theirs_out)]
    actions = [(os.POSIX_SPAWN_OPEN, place, os.devnull, os.O_RDWR, 0) for place in (0, 1, 2)]
    moved = [(os.POSIX_SPAWN_DUP2, end, place) for place, end in enumerate(ends, 3)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=[*actions, *moved])
    for one in (theirs_in, theirs_out, *ends):
        os.close(one)
    return process, ours_out, ours_in


class Browser:
    """One page; ``problems`` are its errors and warnings, ``requests`` every address that it asked for."""

    def __init__(self, profile: Path, language: str = "zh-CN", width: int = 1280, height: int = 900) -> None:
        assert PROGRAM
        flags = [*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--lang={language}"]
        self._process, self._to, self._from = _start([PROGRAM, *flags, "about:blank"])
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.problems: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setLocaleOverride", locale=language)
        agent = self.evaluate("navigator.userAgent")
        self.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session = None
        try:
            self.call("Browser.close")
        except (OSError, AssertionError):
            os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._to)
        os.close(self._from)

    # -- the protocol --------------------------------------------------------------------------------------

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; what happens meanwhile is taken down."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], _PATIENCE)
            assert ready, "the browser says nothing"
            read = os.read(self._from, 1 << 20)
            assert read, "the browser has gone"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._take_down(message.get("method"), message.get("params", {}))
        return message

    def _take_down(self, method: str | None, parameters: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(json.dumps(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(json.dumps(parameters["entry"]))

    # -- the page ------------------------------------------------------------------------------------------

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true, and return its value."""
        until = time.monotonic() + _PATIENCE
        while not (
            value := self.evaluate(f"(() => {{ try {{ return {expression} }} catch (e) {{ return null }} }})()")
        ):
            assert time.monotonic() < until, f"never true: {expression}; {self.text()[:2000]}; {self.problems}"
            time.sleep(0.02)
        return value

    def text(self) -> str:
        """Return what the page reads."""
        return str(self.evaluate("document.body.innerText"))

    def go(self, page: str) -> None:
        """Open a page of the site by what stands after #."""
        self.evaluate(f"location.hash = {json.dumps(page)}")
        self.wait(f"document.getElementById('main').dataset.page === {json.dumps(page)}")

    def click(self, selector: str) -> None:
        """Click with the mouse on the middle of an element."""
        box = self.wait(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            " return b.width && [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press a key: a letter, Enter, Tab or an arrow."""
        codes = {"Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        told: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        if len(key) == 1 or key == "Enter":
            told["text"] = "\r" if key == "Enter" else key
        self.call("Input.dispatchKeyEvent", type="keyDown", **told)
        self.call("Input.dispatchKeyEvent", type="keyUp", **{name: told[name] for name in told if name != "text"})

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=False)["data"]))

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])
