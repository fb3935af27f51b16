"""No page is heavy: the script and style that it loads by itself, as they are served, before any compression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders

from groups.models import Group, Run
from stars_site.static import lean
from state import conf
from state.policy import Caller
from tests.dashboard.conftest import Browser
from tests.factories import make_run

MOST: Final = 300_000
PAGES: Final = (
    *("/", "/search/?q=ship", "/inbox/", "/trends/", "/budget/", "/styleguide/"),
    *("/new/group/", "/groups/Harbour/", "/groups/Harbour/settings/"),
    *("/runs/", "/runs/{run}/", "/runs/import/", "/runs/compare/?a={run}&b={other}"),
    *("/agents/", "/new/agent/", "/agents/lena/", "/agents/lena/talk/", "/agents/lena/settings/"),
    *("/tool-servers/", "/new/tool-server/", "/tokens/", "/settings/", "/settings/display/"),
    *("/states/", "/groups/Harbour/states/", "/groups/Harbour/states/new/"),
    *(f"/groups/Harbour/states/{part}/ship/" for part in ("of", "history", "policy")),
    *("/groups/Harbour/sync/", "/groups/Harbour/conflicts/", "/states/metrics/"),
)
#: What a page fetches although nobody has asked for it: `import(…)` and sheets of `run/parts.js`.
LATER: Final = {
    "/runs/{run}/": ("js/run/run-replay.js", "css/run/run-replay.css", "js/run/run-causes.js"),
    "/runs/import/": (
        *("js/run/run-replay.js", "css/run/run-replay.css", "js/run/run-causes.js"),
        *("js/run/run-votes.js", "css/run/run-votes.css"),
        *("js/run/run-timeline.js", "css/run/run-timeline.css"),
    ),
}
TAG: Final = re.compile(r'<script [^>]*src="([^"]+)"|<link rel="stylesheet" href="([^"]+)"')
#: What a module loads along with itself; `import(…)` waits until it is wanted.
IMPORT: Final = re.compile(r'(?:^|[;}\n])(?:import|export)(?:[^;"()]*from)?"(\.[^"]+)"')
SHEET: Final = re.compile(r'@import url\("?([^")]+)"?\)')


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
        text = lean(path.read_text(), path.suffix)
        sizes[path] = len(text.encode())
        pattern = SHEET if path.suffix == ".css" else IMPORT
        waiting += [(path.parent / name).resolve() for name in pattern.findall(text)]
    return sizes


@pytest.fixture
def ship(harbour: Group, settings: Any) -> Iterator[None]:
    """A state of the group."""
    settings.STARS_STATES = {"type": "memory", "retention": {}, "min_entries": 0}
    conf.close_manager()
    conf.manager().create_state(Caller(space=harbour.id, name="human:ada"), "ship", data={"n": 1})
    yield
    conf.close_manager()


def weighed(browser: Browser, page: str, more: tuple[str, ...]) -> dict[Path, int]:
    """The bytes of every script and sheet that the page loads, and of `more` with what they load."""
    answer = browser.get(page)
    assert answer.status_code == 200, page
    addresses = [a or b for a, b in TAG.findall(answer.content.decode())]
    assert len(addresses) >= 3, "theme, app and its sheet"
    catalog = "".join(url.partition("?of=")[2] for url in addresses)
    sizes: dict[Path, int] = {}
    for url in addresses:
        if "/static/" in url:
            sizes |= loaded(found(url))
        else:
            sizes[Path(url)] = len(browser.get(url).content)
    for name in more:
        sizes |= loaded(found(f"/static/{name}"))
        if name.endswith(".js") and catalog:
            texts = f"/texts.js?of={name.removeprefix('js/')}&after={catalog}"
            sizes[Path(texts)] = len(browser.get(texts).content)
    return sizes


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_is_heavy(
    language: str, ship: None, working: Run, owner: Browser, ada: User
) -> None:
    other = make_run(group=working.group)
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    owner.client.cookies["django_language"] = language
    heavy = []
    for page in PAGES:
        sizes = weighed(owner, page.format(run=working.id, other=other.id), LATER.get(page, ()))
        if (total := sum(sizes.values())) > MOST:
            most = sorted(sizes.items(), key=lambda each: -each[1])[:8]
            heavy.append((page, total, [f"{path.name} {size}" for path, size in most]))
    assert not heavy
