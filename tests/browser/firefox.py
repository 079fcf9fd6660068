"""Firefox without a window, by Marionette, the protocol that it speaks itself: no driver is needed."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("firefox-esr", "firefox")
SETTINGS = {  # no network, no questions, any free port
    "marionette.port": 0,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
}
LEAST_WIDTH, BARS = 520, 200  # of a window, and the height of what is not the page
SIZE = """const [width, height] = arguments, { style } = window.gBrowser.selectedBrowser;
for (const [name, size] of [["width", width], ["height", height]])
    for (const kind of ["", "min-", "max-"]) style.setProperty(kind + name, size + "px");
return [style.width, style.height];"""
STARTS_WITHIN = 90.0  # seconds
ERRORS = """return Services.console.getMessageArray()
    .filter((each) => each instanceof Ci.nsIScriptError && !(each.flags & 1) && each.sourceName.startsWith("file:"))
    .map((each) => `${each.errorMessage} (${each.sourceName}:${each.lineNumber})`);"""


def program() -> str | None:
    """Firefox, where it is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Firefox:
    """A running Firefox with one page. folder: for its profile."""

    def __init__(self, path: str, folder: Path) -> None:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in SETTINGS.items()]
        (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
        words = [path, "--headless", "--no-remote", "--marionette", "--profile", str(folder), "about:blank"]
        words.insert(-1, "-remote-allow-system-access")  # for `_as_browser`; older ones allow it anyway
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._number = 0
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port(folder)), timeout=180)
            self._read()  # who is there
            self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
            self.ask("WebDriver:SetTimeouts", script=180_000, pageLoad=120_000)
        except BaseException:
            self._process.kill()
            raise

    def _port(self, folder: Path) -> int:
        until, file = time.monotonic() + STARTS_WITHIN, folder / "MarionetteActivePort"
        while time.monotonic() < until:
            if file.exists() and (text := file.read_text().strip()):
                return int(text)
            if self._process.poll() is not None:
                raise RuntimeError(f"Firefox ended at once, with {self._process.returncode}")
            time.sleep(0.1)
        raise RuntimeError("Firefox does not start")

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.ask("Marionette:Quit", flags=["eForceQuit"])
            self._process.wait(20)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
        finally:
            self._socket.close()

    def _read(self) -> Any:
        """One message: its length, a colon, JSON."""
        length = b""
        while (byte := self._socket.recv(1)) != b":":
            if not byte:
                raise RuntimeError("Firefox has gone")
            length += byte
        text = b""
        while len(text) < int(length):
            text += self._socket.recv(int(length) - len(text))
        return json.loads(text)

    def ask(self, command: str, **parameters: Any) -> Any:
        """The answer to a command of WebDriver or Marionette; RuntimeError where it is an error."""
        self._number += 1
        text = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(f"{len(text)}:".encode() + text)
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return result.get("value", result) if isinstance(result, dict) else result

    def open(self, path: Path, width: int, height: int = 900) -> None:
        """A page from disk, in an inner window of this size, which may be narrower than windows can be."""
        self.ask("WebDriver:SetWindowRect", width=max(width, LEAST_WIDTH), height=height + BARS)
        self._as_browser(SIZE, width, height)
        self.ask("WebDriver:Navigate", url=path.as_uri())
        inner = self.run("return [innerWidth, innerHeight]")
        if inner != [width, height]:
            raise RuntimeError(f"the inner window is {inner}, not {width} by {height}")

    def _as_browser(self, script: str, *arguments: Any) -> Any:
        self.ask("Marionette:SetContext", value="chrome")
        try:
            return self.run(script, *arguments)
        finally:
            self.ask("Marionette:SetContext", value="content")

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.ask("WebDriver:ExecuteScript", script=script, args=list(arguments), sandbox=None)

    def wait(self, script: str, *arguments: Any) -> Any:
        """What the promise of an expression is fulfilled with."""
        then = f"const done = arguments[arguments.length - 1]; Promise.resolve({script}).then(done);"
        return self.ask("WebDriver:ExecuteAsyncScript", script=then, args=list(arguments), sandbox=None)

    def evaluate(self, expression: str) -> Any:
        """What an expression is in the page, or a function returns, as Playwright's pages do it."""
        called = f"({expression})()" if expression.lstrip().startswith(("()", "async ()")) else expression
        return self.wait(called)

    def errors(self) -> list[str]:
        """What scripts of pages from disk have complained about, since Firefox started."""
        return list(self._as_browser(ERRORS))

    def forget(self) -> None:
        """Forgets these complaints."""
        self._as_browser("Services.console.reset()")

    def picture(self, path: Path | None = None) -> bytes:
        """What is seen of the page, as PNG; also written to `path`."""
        found = base64.b64decode(self.ask("WebDriver:TakeScreenshot", full=False))
        if path is not None:
            path.write_bytes(found)
        return found

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        """Presses the mouse at one place of the inner window, moves it to another, and lets go."""
        moves = [
            {
                "type": "pointerMove",
                "duration": 30,
                "x": round(start[0] + (end[0] - start[0]) * i / steps),
                "y": round(start[1] + (end[1] - start[1]) * i / steps),
            }
            for i in range(steps + 1)
        ]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self.ask("WebDriver:PerformActions", actions=[mouse])
        self.ask("WebDriver:ReleaseActions")
