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
from tests.browser.looks.walk import STILL, pages
from tests.browser.looks.words import CHINESE, ENGLISH, Words

FOLDER: Final = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
SIZES: Final[dict[str, ViewportSize]] = {
    "wide": {"width": 1440, "height": 900},
    "phone": {"width": 390, "height": 844},
}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
#: Shown in Chinese as well.
MAIN: Final = ("home", "group", "run-crew", "run-graph", "state", "agents", "inbox")
#: WebP's quality: letters stay sharp, and a picture takes some 30 kB.
QUALITY: Final = 78
#: Milliseconds in which a page comes to rest once it was loaded.
REST: Final = 1_200
#: Likewise, in which it turns from one theme to the other.
TURN: Final = 150


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
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    context.add_init_script(STILL)
    for name, value in cookies.items():
        context.add_cookies([{"name": name, "value": value, "url": site.url}])
    page = context.new_page()
    for name, address in wanted.items():
        page.set_viewport_size(SIZES["wide"])
        page.goto(site.url + address)
        page.wait_for_timeout(REST)
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            # Of a view within a page, the view.
            page.evaluate(
                "(view) => view && document.querySelector('.run-views').scrollIntoView()",
                "view=" in address,
            )
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                page.wait_for_timeout(TURN)
                with Image.open(io.BytesIO(page.screenshot())) as image:
                    image.save(FOLDER / f"{name}-{size}-{theme}{tail}.webp", quality=QUALITY)
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
