"""A Stars of its own, started as a person starts it, and a Chromium in front of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests import migrated
from tests.servers import free_port
from tests.upping import start_up

#: Seconds from the start of the process to its printed link.
READY: Final = 60.0
CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


class Site:
    """A running Stars: its address and the link that signs in once."""

    def __init__(self, data: Path) -> None:
        port = free_port()
        #: Of whoever signed in first: the link works once.
        self.session = ""
        self.url = f"http://127.0.0.1:{port}"
        self.log = data.parent / "up.log"
        migrated.lay(data / "stars.sqlite3")
        self.process = start_up(data, port, self.log)

    def link(self) -> str:
        """The one-time link, as soon as it is printed. Raises AssertionError when it never is."""
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline:
            found = re.search(r"http\S+/login/link/\S+", self.log.read_text())
            if found:
                return found[0]
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"no link within {READY} s: {self.log.read_text()}")

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site") / "data")
    yield running
    running.stop()


# Of the package, not of the session: while Playwright's loop runs no other test of this process could run its own.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A Chromium found on the machine; without one there is nothing to test with, and that is a failure."""
    assert CHROMIUM, "No Chromium found; `make browser` installs one."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A page that must not complain: an error of a script, or a breach of the content policy, fails the test.

    It stands still as far as people may ask for that: without a graphics card what moves costs a processor. The
    groups' page, of which movement is a part, is tested in motion.
    """
    complaints: list[str] = []
    motion: Literal["no-preference", "reduce"] = (
        "no-preference" if request.module.__name__.endswith("test_group_page") else "reduce"
    )
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion=motion)
    page = context.new_page()
    page.set_default_timeout(15_000)

    def listen(message: ConsoleMessage) -> None:
        # An answer of 4xx is the server's business; tests that ask for one say so.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def until(page: Page, condition: str) -> None:
    """Come back when the JavaScript is true. (Playwright's own waiting needs eval, which our policy forbids.)"""
    by = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < by, f"never came true: {condition}"
        page.wait_for_timeout(50)
