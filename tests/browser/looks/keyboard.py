"""What the keyboard gets to on a page: looked at in the page, and tried by pressing Tab through it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Page

SCRIPT: Final = Path(__file__).with_suffix(".js").read_text()


def unreached(page: Page) -> list[str]:
    """Whatever can be clicked and no key gets to, stops out of order, widgets of several stops."""
    page.evaluate(SCRIPT)
    found: list[str] = page.evaluate("keyboard.unreached()")
    return found


def tab_through(page: Page) -> list[str]:
    """What is wrong with the way that Tab takes: every stop once, in order, to be seen, to the end of the page."""
    page.evaluate(SCRIPT)
    count: int = page.evaluate("keyboard.begin()")
    found: list[str] = []
    for _ in range(count + 10):
        page.keyboard.press("Tab")
        faults = page.evaluate("keyboard.step()")
        if faults is None:
            return [*found, *page.evaluate("keyboard.end()")]
        found += faults
    return [*found, f"Tab never leaves the page, which has {count} stops"]
