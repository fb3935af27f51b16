"""Taking a run away from its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groups.models import Run
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
