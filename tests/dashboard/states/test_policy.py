"""The policy's editor: every setting, refusals beside their fields, nobody's change lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from state.manager import StateManager
from state.policy import system
from state.values import AccessPolicy, SharedState
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import PLAN, near, words

POLICY = PLAN.format("policy")


def sent(**changes: Any) -> dict[str, Any]:
    """The form as the page shows it, with those fields changed."""
    form = {
        "version": "1",
        "name": "The spring plan",
        "tags": "dock",
        "owners": "agent:wim",
        "public": "on",
        "consistency": "weak",
        "resolution": "merge",
        "merge_fallback": "reject",
        "read_policy": "check",
    }
    return {**form, **changes}


def now(manager: StateManager) -> SharedState:
    return manager.get_state(system("Harbour"), "plan/spring")


def test_the_page_shows_the_settings(
    plan: str, operator: Browser, owner: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", POLICY)
    for browser, may in ((owner, True), (operator, False)):
        answer = browser.get(POLICY)
        assert "agent:wim" in near(answer, 'name="owners"')
        assert ("Only whoever administers this state" in words(answer)) is not may


def test_sent_as_it_is_nothing_changes(plan: str, owner: Browser, manager: StateManager) -> None:
    assert owner.post(POLICY, sent()).status_code == 303
    assert now(manager).version == 1


def test_changing_everything(plan: str, owner: Browser, manager: StateManager) -> None:
    form = sent(
        name="Plan of the spring",
        tags="dock\nnight watch",
        owners="role:leader\nhuman:ada",
        readers="tag:night",
        read_allow="*",
        write_allow="agent:wes",
        delete_allow="agent:wes\nagent:wim",
        admin_allow="human:bo",
        consistency="strong",
        resolution="custom",
        merge_fallback="park",
        read_policy="ignore",
        resolver="park",
        allow_override="on",
        merge="prefer_modify",
        schema='{"type": "object", "properties": {"crew": {"x-stars-merge": "set"}}}',
        metadata='{"berth": 7}',
        retention="2.5",
        keep="on",
    )
    del form["public"]
    answer = owner.post(POLICY, form)
    assert (answer.status_code, answer["Location"]) == (303, POLICY)
    state = now(manager)
    assert state.access_policy == AccessPolicy(
        read_allow=("*",),
        write_allow=("agent:wes",),
        delete_allow=("agent:wes", "agent:wim"),
        admin_allow=("human:bo",),
    )
    assert (state.owners, state.readers) == (("role:leader", "human:ada"), ("tag:night",))
    assert (state.name, state.tags) == ("Plan of the spring", ("dock", "night watch"))
    assert (state.consistency, state.resolution, state.resolver) == ("strong", "custom", "park")
    assert (state.merge_fallback, state.read_policy) == ("park", "ignore")
    assert (state.allow_override, state.keep, state.merge) == (True, True, "prefer_modify")
    assert state.schema and state.schema["properties"]["crew"] == {"x-stars-merge": "set"}
    assert (state.metadata, state.retention) == ({"berth": 7}, 2.5 * 86400)
    # And the page shows it just so: sent again, it changes nothing.
    again = owner.get(POLICY).context["form"].initial
    form = {name: value for name, value in again.items() if value not in (None, False)}
    form = {k: "\n".join(v) if isinstance(v, list | tuple) else v for k, v in form.items()}
    assert owner.post(POLICY, form).status_code == 303
    assert now(manager).version == state.version


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"owners": ""}, "owners", "A state needs an owner."),
        ({"owners": "moon:x"}, "owners", "'moon:x' is not a principal"),
        ({"write_allow": "agent:wim\na b"}, "write_allow", "'a b' is not a principal"),
        ({"tags": "x" * 65}, "tags", "A tag has 1 to 64 characters"),
        ({"schema": '{"type": "moon"}'}, "schema", "moon"),
        ({"schema": "[]"}, "schema", "This must be a JSON object"),
        ({"schema": '{"required": ["berth"]}'}, "document", "berth"),
        ({"metadata": "{"}, "metadata", "This is not JSON from line 1"),
        ({"consistency": "moon"}, "consistency", "moon"),
        ({"retention": "-1"}, "retention", ""),
        ({"merge": "moon"}, "merge", "moon"),
    ],
)
def test_a_refusal_stands_beside_its_field_and_changes_nothing(
    changes: dict[str, str],
    field: str,
    says: str,
    plan: str,
    owner: Browser,
    manager: StateManager,
) -> None:
    answer = owner.post(POLICY, sent(**changes))
    assert answer.status_code in (400, 409, 422)
    beside = 'class="form-error"' if field == "document" else f'id="id_{field}_error"'
    assert says in near(answer, beside)
    assert now(manager).version == 1


def test_who_may_not_change_it(
    plan: str, operator: Browser, viewer: Browser, manager: StateManager
) -> None:
    for browser in (operator, viewer):
        assert browser.post(POLICY, sent(name="Mine")).status_code == 403
    assert now(manager).name == "The spring plan"


def test_a_policy_that_changed_meanwhile_is_not_overwritten(
    plan: str, owner: Browser, manager: StateManager
) -> None:
    manager.configure(system("Harbour"), "plan/spring", {"tags": ["theirs"]})
    answer = owner.post(POLICY, sent(name="Mine"))
    assert answer.status_code == 409
    assert 'value="Mine"' in answer.content.decode()
    assert (now(manager).tags, now(manager).name) == (("theirs",), "The spring plan")


TRY = PLAN.format("try")
BASE = {"title": "Spring", "visits": 3}
FIRST = {"title": "Early", "visits": 4}
SECOND = {"title": "Late", "visits": 5}


def tried(browser: Browser, **changes: Any) -> Any:
    """What the try-out answers; the samples can be changed like the form."""
    samples = {"base": BASE, "first": FIRST, "second": SECOND}
    given = {name: json.dumps(changes.pop(name, value)) for name, value in samples.items()}
    return browser.send(TRY, {**sent(**changes), **given})


COUNTED = '{"properties": {"visits": {"x-stars-merge": "counter"}}}'


@pytest.mark.parametrize(
    ("changes", "outcome", "after"),
    [
        ({"resolution": "reject"}, "refused", FIRST),
        ({"resolution": "merge"}, "refused", FIRST),
        ({"merge_fallback": "park"}, "parked", FIRST),
        (
            {"merge_fallback": "theirs", "schema": COUNTED},
            "joined",
            {"title": "Early", "visits": 6},
        ),
        ({"resolution": "last_write"}, "replaced", SECOND),
        ({"second": {"title": "Spring", "visits": 3, "more": 1}}, "applied", {**FIRST, "more": 1}),
        ({"second": BASE}, "unchanged", FIRST),
    ],
)
def test_trying_a_policy_out_before_it_is_saved(
    changes: dict[str, Any],
    outcome: str,
    after: dict[str, Any],
    plan: str,
    owner: Browser,
    manager: StateManager,
) -> None:
    answer = tried(owner, **changes)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["outcome"], json.loads(found["text"])) == (outcome, after)
    assert found["words"]
    assert now(manager).version == 1


def test_what_cannot_be_tried_is_said_beside_its_field(
    plan: str, owner: Browser, guarded: Callable[..., None]
) -> None:
    guarded("post", TRY)
    for changes, field in (
        ({"owners": "moon:x"}, "owners"),
        ({"schema": '{"type": "moon"}'}, "schema"),
        ({"first": [1]}, "first"),
    ):
        answer = tried(owner, **changes)
        assert answer.status_code in (400, 422)
        assert field in answer.json()["fields"], answer.content


def test_the_page_offers_a_sample_of_the_document(plan: str, owner: Browser) -> None:
    trial = owner.get(POLICY).context["trial"].initial
    base, first, second = (json.loads(trial[name]) for name in ("base", "first", "second"))
    assert base["title"] == "Spring" and first["title"] != second["title"]
    assert first["crew"] != second["crew"]
