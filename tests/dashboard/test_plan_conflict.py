"""Two people at one plan: whoever decides on a plan that is no longer the one seen is told so."""

from __future__ import annotations

import json

import pytest

from groups.models import Run
from tests.dashboard.conftest import Browser


@pytest.mark.parametrize("what", ["plan", "approve"])
def test_a_plan_that_somebody_else_changed_meanwhile(
    what: str, proposed: Run, owner: Browser, operator: Browser
) -> None:
    path, seen = f"/runs/{proposed.id}", proposed.last_seq
    mine = json.loads(json.dumps(proposed.plan))
    mine["subtasks"][0]["title"] = "Count the barges"
    theirs = json.loads(json.dumps(proposed.plan))
    theirs["subtasks"][0]["title"] = "Count the gulls"
    assert owner.send(f"{path}/plan/", {"plan": theirs, "seen": seen}).status_code == 200
    refused = operator.send(f"{path}/{what}/", {"plan": mine, "seen": seen})
    assert (refused.status_code, refused.json()["reason"]) == (409, "plan_changed")
    proposed.refresh_from_db()
    assert proposed.status == "awaiting_approval"
    assert proposed.plan is not None
    assert proposed.plan["subtasks"][0]["title"] == "Count the gulls"
    known = {"plan": mine, "seen": proposed.last_seq}
    assert operator.send(f"{path}/{what}/", known).status_code == 200
    proposed.refresh_from_db()
    assert proposed.plan is not None
    assert proposed.plan["subtasks"][0]["title"] == "Count the barges"


@pytest.mark.parametrize("seen", ["3", 1.5, True, -1, 2**63, []])
def test_a_number_that_no_event_has(seen: object, proposed: Run, operator: Browser) -> None:
    refused = operator.send(f"/runs/{proposed.id}/approve/", {"seen": seen})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["seen"])
