"""No page is heavy: the script and style that it loads by itself, as they are served, before any compression."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders

from groups.models import Run
from stars_site.static import lean
from tests.dashboard.conftest import Browser
from tests.factories import make_run

MOST: Final = 300_000
PAGES: Final = (
    *(
        "/",
        "/groups/Harbour/",
        "/groups/Harbour/settings/",
        "/runs/",
        "/runs/{run}/",
        "/runs/import/",
        "/inbox/",
    ),
    *("/agents/", "/agents/lena/", "/tokens/", "/tool-servers/"),
    "/runs/compare/?a={run}&b={other}",
    *("/states/", "/groups/Harbour/states/", "/groups/Harbour/sync/"),
    *("/groups/Harbour/conflicts/", "/states/metrics/"),
)
TAG: Final = re.compile(r'<script [^>]*src="([^"]+)"|<link rel="stylesheet" href="([^"]+)"')
#: What a module loads along with itself; `import(…)` waits until it is wanted.
IMPORT: Final = re.compile(r'(?m)^(?:import|export)\s(?:[^;"]*\sfrom\s)?"(\.[^"]+)"')
SHEET: Final = re.compile(r'@import url\("([^"]+)"\)')


def found(url: str) -> Path:
    """The file behind a static address."""
    path = finders.find(urlsplit(url).path.removeprefix("/static/"))
    assert path, f"{url} is not there"
    return Path(path)


def loaded(entry: Path) -> dict[Path, int]:
    """The bytes of the file and of all that it loads."""
    sizes: dict[Path, int] = {}
    waiting = [entry.resolve()]
    while waiting:
        path = waiting.pop()
        if path in sizes:
            continue
        text = lean(path.read_text())
        sizes[path] = len(text.encode())
        pattern = SHEET if path.suffix == ".css" else IMPORT
        waiting += [(path.parent / name).resolve() for name in pattern.findall(text)]
    return sizes


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_heavy(page: str, working: Run, owner: Browser) -> None:
    other = make_run(group=working.group)
    answer = owner.get(page.format(run=working.id, other=other.id))
    assert answer.status_code == 200, page
    addresses = [a or b for a, b in TAG.findall(answer.content.decode())]
    assert len(addresses) >= 4, "theme, htmx, app and its sheet"
    sizes: dict[Path, int] = {}
    for url in addresses:
        if "/static/" in url:
            sizes |= loaded(found(url))
        else:
            sizes[Path(url)] = len(owner.get(url).content)
    heavy = ", ".join(
        f"{path.name} {size}" for path, size in sorted(sizes.items(), key=lambda p: -p[1])[:12]
    )
    assert sum(sizes.values()) <= MOST, f"{sum(sizes.values()):,} bytes: {heavy}"
