"""`make screenshots`: every page in two themes and two sizes, the most used in Chinese too, into docs/screenshots."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import django
from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.browser.conftest import CHROMIUM, Site
from tests.browser.looks.demo import Demo
from tests.browser.looks.walk import pages
from tests.browser.looks.words import CHINESE, ENGLISH, Words

FOLDER: Final = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
SIZES: Final = {"wide": (1440, 900), "phone": (390, 844)}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
#: Shown in Chinese as well.
MAIN: Final = ("home", "group", "run-crew", "run-graph", "state", "agents", "inbox")
#: WebP's quality: letters stay sharp, and a picture takes some 30 kB.
QUALITY: Final = 78
#: Milliseconds in which a page comes to rest once all was loaded.
REST: Final = 500
#: Likewise, in which it turns from one theme to the other.
TURN: Final = 300


@contextmanager
def shown(words: Words) -> Iterator[tuple[Site, dict[str, str]]]:
    """A site with the demo in these words, and its pages."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "data")
        try:
            with Demo(site, words) as demo:
                yield site, pages(demo.make())
        finally:
            site.stop()


def shoot(browser: Browser, site: Site, wanted: dict[str, str], language: str, tail: str) -> None:
    """A picture of each page, in each size and theme."""
    cookies = {"sessionid": site.session, "django_language": language}
    for size, (width, height) in SIZES.items():
        viewport: ViewportSize = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, reduced_motion="reduce")
        for name, value in cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": site.url}])
        page = context.new_page()
        for name, address in wanted.items():
            page.goto(site.url + address, wait_until="networkidle")
            page.wait_for_timeout(REST)
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                page.wait_for_timeout(TURN)
                with Image.open(io.BytesIO(page.screenshot())) as image:
                    image.save(
                        FOLDER / f"{name}-{size}-{theme}{tail}.webp", quality=QUALITY, method=6
                    )
        context.close()


def main() -> None:
    """Take all of them anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with shown(ENGLISH) as (site, found):
            shoot(browser, site, found, "en", "")
        with shown(CHINESE) as (site, found):
            shoot(browser, site, {name: found[name] for name in MAIN}, "zh-hans", "-zh")
        browser.close()
    sizes = [path.stat().st_size for path in FOLDER.glob("*.webp")]
    sys.stdout.write(f"{len(sizes)} pictures, {sum(sizes):,} bytes, in {FOLDER}\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main()
