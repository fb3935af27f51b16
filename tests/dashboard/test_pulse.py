"""How lately those that work on a run were heard of: on its page and by REST, in one query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from groups.models import Run
from groups.pulse import pulse
from tests.dashboard.conftest import Browser


def test_a_beat_is_when_the_lease_was_extended_last(
    working: Run,
    viewer: Browser,
    vi: User,
    settings: Any,
    guarded: Callable[[str, str], None],
    django_assert_num_queries: Any,
) -> None:
    settings.STARS_LEASE_SECONDS = 30.0
    beat = timezone.now() - timedelta(seconds=12)
    [item] = working.subtasks.filter(status="running")
    working.subtasks.filter(pk=item.pk).update(lease_until=beat + timedelta(seconds=30))
    guarded("get", f"/runs/{working.id}/pulse/")
    told = viewer.get(f"/runs/{working.id}/pulse/").json()
    [heard] = told["beats"]
    assert (heard["subtask"], heard["agent_id"], heard["key"]) == (str(item.id), "wim", "count")
    assert abs(datetime.fromisoformat(heard["at"]) - beat) < timedelta(milliseconds=1)
    assert (told["late"], told["lost"]) == (15.0, 30.0)
    assert datetime.fromisoformat(told["at"]) > beat
    with django_assert_num_queries(1):
        pulse(working)
    rest = APIClient()
    rest.force_authenticate(vi)
    assert rest.get(f"/api/v1/runs/{working.id}/pulse/").json()["beats"] == told["beats"]


def test_nobody_at_work_is_nobody_to_hear_of(proposed: Run, viewer: Browser) -> None:
    assert viewer.get(f"/runs/{proposed.id}/pulse/").json()["beats"] == []


def test_strangers_hear_nothing_over_rest_either(working: Run, cy: User) -> None:
    rest = APIClient()
    assert rest.get(f"/api/v1/runs/{working.id}/pulse/").status_code == 401
    rest.force_authenticate(cy)
    assert rest.get(f"/api/v1/runs/{working.id}/pulse/").status_code == 404
