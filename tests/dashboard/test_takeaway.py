"""Taking a run away from its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groups.models import Group, Run
from tests.dashboard.conftest import Browser


@pytest.mark.parametrize(
    ("query", "beginning"),
    [("", "<!doctype"), ("?as=html", "<!doctype"), ("?as=markdown", "# "), ("?as=json", "{")],
)
def test_whoever_may_see_it_may_take_it_away(
    query: str, beginning: str, working: Run, viewer: Browser, guarded: Callable[[str, str], None]
) -> None:
    path = f"/runs/{working.id}/export/{query}"
    guarded("get", path)
    answer = viewer.get(path)
    assert answer.status_code == 200
    assert b"".join(answer).decode().startswith(beginning)
    assert answer["Cache-Control"] == "private, no-store"


def test_there_is_no_other_form(working: Run, viewer: Browser) -> None:
    assert viewer.get(f"/runs/{working.id}/export/?as=pdf").status_code == 400


def test_a_file_is_opened_by_whoever_is_signed_in(
    harbour: Group, viewer: Browser, nobody: Browser
) -> None:
    assert nobody.get("/runs/import/").status_code == 302
    page = viewer.get("/runs/import/").content.decode()
    assert "<run-import" in page
    body = page[page.index("<run-import") :]
    assert 'type="file"' in body and "<form" not in body[: body.index("<template>")], "not sent"
    assert page.index("<template>") < page.index("<stars-run"), "shown once a file is read"
    assert "plan-editor" not in page
    assert 'href="/runs/import/"' in viewer.get("/runs/").content.decode()
