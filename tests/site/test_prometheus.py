"""`/metrics`: who may scrape, what is told, what it costs, and what is left when store or database are away."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from groups.models import Group
from groups.services import runs
from state import conf
from state.errors import Unavailable
from state.policy import Caller
from state.sync.metrics import counts
from state.values import AccessPolicy
from tests.factories import make_token, make_user

TOKEN = "a-long-and-random-one"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WIM = Caller(space="Harbour", name="agent:wim", principals=frozenset({"role:worker"}))


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.STARS_METRICS_TOKEN = TOKEN


def scrape(client: Client, **headers: str) -> dict[str, dict[str, float]]:
    """What Prometheus's own parser reads: by name and labels (as JSON)."""
    answer = client.get("/metrics", headers={**BEARER, **headers})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert answer["Cache-Control"].startswith("max-age=0")
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[json.dumps(sample.labels)] = sample.value
    return found


def alone(found: dict[str, dict[str, float]], name: str) -> float:
    [value] = found[name].values()
    return value


# -- who -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        None,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Token {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer sternförmig",
        "Token \xff\xfe",
    ],
)
def test_strangers_are_told_how_to_come_in(db: None, client: Client, given: str | None) -> None:
    answer = client.get("/metrics", headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"STARS_METRICS_TOKEN" in answer.content
    assert b"stars_" not in answer.content


def test_without_a_token_in_the_settings_no_bearer_is_right(
    db: None, client: Client, settings: Any
) -> None:
    settings.STARS_METRICS_TOKEN = ""
    for given in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 401


def test_an_administrator_may_by_session_and_by_token_and_others_may_not(
    ada: User, client: Client, settings: Any
) -> None:
    settings.STARS_METRICS_TOKEN = ""
    boss = make_user(username="boss", is_staff=True)
    for user, status in ((boss, 200), (ada, 403)):
        by_token = {"Authorization": f"Token {make_token(user=user)}"}
        assert client.get("/metrics", headers=by_token).status_code == status
        browser = Client()
        browser.force_login(user)
        assert browser.get("/metrics").status_code == status
    wrong = {"Authorization": "Token nonsense"}
    assert browser.get("/metrics", headers=wrong).status_code == 401


def test_it_can_only_be_read(db: None, client: Client) -> None:
    assert client.post("/metrics", headers=BEARER).status_code == 405


# -- what ----------------------------------------------------------------------------------------------------------


def test_it_tells_of_states_syncing_runs_and_the_process(
    harbour: Group, ada: User, client: Client
) -> None:
    before = scrape(client)
    manager = conf.manager()
    manager.create_state(WIM, "plan", data={"n": 0}, access_policy=AccessPolicy(public=True))
    manager.update_state(WIM, "plan", {"n": 1})
    manager.get_state(WIM, "plan")
    counts.acked(7, 0.01)
    counts.converged(0.02)
    counts.parked(+1)
    runs.start(actor=ada, group=harbour, task="Count the ships")
    try:
        after = scrape(client)
    finally:
        counts.parked(-1)

    def grown(name: str) -> float:
        return alone(after, name) - alone(before, name)

    assert alone(after, "stars_state_active_states") == 1
    assert (grown("stars_state_write_ops_total"), grown("stars_state_read_ops_total")) == (2, 1)
    assert (grown("stars_state_batch_size_count"), grown("stars_state_batch_size_sum")) == (2, 2)
    assert grown("stars_state_lane_wait_seconds_count") == 2
    assert grown("stars_state_convergence_seconds_count") == 1, "of this process's manager"
    assert grown("stars_sync_entries_acked_total") == 7
    assert grown("stars_sync_latency_seconds_count") == 1
    assert (grown("stars_sync_parks_total"), grown("stars_sync_parked_connections")) == (1, 1)
    assert after["stars_state_space_revision"]['{"space": "Harbour"}'] == 2
    assert after["stars_state_space_compact_revision"]['{"space": "Harbour"}'] == 0
    assert after["stars_runs"]['{"status": "queued"}'] == 1
    assert sum(after["stars_subtasks"].values()) >= 1
    assert (alone(after, "stars_state_up"), alone(after, "stars_database_up")) == (1, 1)
    assert alone(after, "process_resident_memory_bytes") > 1e6


def test_every_name_is_of_ours_and_described(harbour: Group, client: Client) -> None:
    text = client.get("/metrics", headers=BEARER).content.decode()
    for family in text_string_to_metric_families(text):
        assert family.name.startswith(("stars_", "process_", "python_")), family.name
        assert family.documentation, family.name
        assert family.type != "unknown", family.name


def test_openmetrics_to_whoever_asks_for_it(harbour: Group, client: Client) -> None:
    wants = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.get("/metrics", headers={**BEARER, **wants})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    read: Any = openmetrics_families  # has no types
    names = {family.name for family in read(answer.content.decode())}
    assert {"stars_state_write_ops", "stars_sync_latency_seconds"} <= names


def test_a_scrape_costs_the_same_for_3_states_and_for_30(harbour: Group, client: Client) -> None:
    manager = conf.manager()

    def queries() -> int:
        scrape(client)
        with CaptureQueriesContext(connection) as asked:
            scrape(client)
        return len(asked)

    for n in range(30):
        caller = Caller(space=f"space-{n}", name="agent:wim", admin=True)
        manager.create_state(caller, "day", data={"n": n})
        if n == 2:
            few = queries()
    assert queries() == few <= 10


# -- away ----------------------------------------------------------------------------------------------------------


def test_without_the_store_the_process_and_its_runs_are_still_watched(
    harbour: Group, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> NoReturn:
        raise Unavailable

    monkeypatch.setattr(conf.manager().store, "counts", away)
    found = scrape(client)
    assert (alone(found, "stars_state_up"), alone(found, "stars_database_up")) == (0, 1)
    assert "stars_state_active_states" not in found
    assert "stars_runs" in found


def test_without_the_database_a_token_still_reads_what_is_left(db: None, client: Client) -> None:
    def fail(*args: Any) -> NoReturn:
        raise OperationalError("db.internal is away")

    conf.manager()
    with connection.execute_wrapper(fail):
        found = scrape(client)
    assert (alone(found, "stars_state_up"), alone(found, "stars_database_up")) == (0, 0)
    assert "process_cpu_seconds_total" in found
    assert "stars_runs" not in found
