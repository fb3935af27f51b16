"""The StateSyncManager's connections: who may make, see and end them, and how they stand to each state."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as site
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from state import conf
from state.manager import Base
from state.models import Connection
from state.refusals import ConfigInvalid, Damaged, WrongKey
from state.sync import secrets
from state.sync.filters import BadPattern
from state.sync.protocol.limits import SUPERSEDED
from state.sync.refusals import (
    ConnectionInvalid,
    ConnectionNotFound,
    NotYourAgent,
    NotYourConnection,
    TooManyConnections,
)
from state.sync.webhooks.addresses import AddressInvalid, AddressPrivate
from state.values import (
    AccessPolicy,
    AgentConnection,
    ConnectionStatus,
    ConnectionType,
    EventType,
    SyncStatus,
)
from tests.bus.build import until
from tests.sync.desk import ADA, LENA, VI, WES, WIM, Desk, agent, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
HOOK = "https://example.com/hook"


def seen(desk: Desk, caller: Any, **more: Any) -> dict[str, AgentConnection]:
    """By agent."""
    return {each.agent: each for each in desk.sync.list_agent_connections(caller, **more)}


# -- making ------------------------------------------------------------------------------------------------------------


def test_a_webhook_is_connected_with_a_secret_that_is_shown_once(desk: Desk) -> None:
    made = desk.sync.connect_agent(WIM, "wim", "desk", HOOK, states=["plan", "notes/*"])
    assert made.secret.startswith("whsec_") and made.missing == ()
    found = desk.sync.get_agent_connection(WIM, made.connection.id)
    assert found.subscribed_states == ("plan", "notes/*")
    assert (found.name, found.address, found.status) == ("desk", HOOK, ConnectionStatus.CONNECTING)
    assert made.secret not in repr(found) + repr(desk.sync.list_agent_connections(ADA))
    row = Connection.objects.get()
    kept = bytes(row.secret or b"")
    assert (
        made.secret.encode() not in kept and made.secret.removeprefix("whsec_").encode() not in kept
    )
    assert secrets.reveal(kept, row.pk) == made.secret


def test_a_secret_outlives_a_new_key_of_the_site_and_opens_in_no_other_row(settings: Any) -> None:
    sealed = secrets.seal("whsec_x", "s_1")
    settings.SECRET_KEY_FALLBACKS = [site.SECRET_KEY]
    settings.SECRET_KEY = "another one"
    assert secrets.reveal(sealed, "s_1") == "whsec_x"
    with pytest.raises(Damaged):
        secrets.reveal(sealed, "s_2")
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(WrongKey) as refused:
        secrets.reveal(sealed, "s_1")
    assert "whsec" not in refused.value.message and "another" not in refused.value.message


def test_states_that_are_not_there_for_the_agent_are_named_and_the_others_served(
    desk: Desk,
) -> None:
    desk.states.create_state(ADA, "hidden", data={}, access_policy=AccessPolicy())
    desk.write("gone", n=1)
    desk.states.delete_state(LENA, "gone")
    made = desk.sync.connect_agent(
        WIM, address=HOOK, states=["plan", "hidden", "gone", "never", "notes/*"]
    )
    assert made.missing == ("gone", "hidden", "never")
    assert set(made.connection.subscribed_states) > {"plan", "hidden", "gone", "never"}


@pytest.mark.parametrize(
    ("given", "refusal", "field"),
    [
        ({"address": HOOK, "type": ConnectionType.PULL}, ConnectionInvalid, "type"),
        ({"address": HOOK, "type": ConnectionType.BIDIRECTIONAL}, ConnectionInvalid, "type"),
        ({"type": ConnectionType.PUSH}, ConnectionInvalid, "type"),
        ({"address": HOOK, "states": []}, ConnectionInvalid, "states"),
        ({"address": HOOK, "states": ["a"] * 1001}, ConnectionInvalid, "states"),
        ({"address": HOOK, "name": "a\nb"}, ConnectionInvalid, "name"),
        ({"address": HOOK, "name": "x" * 201}, ConnectionInvalid, "name"),
        ({"address": HOOK, "metadata": {"x": "y" * 20_000}}, ConnectionInvalid, "metadata"),
        ({"address": "ftp://example.com"}, AddressInvalid, "address"),
        ({"address": "http://127.0.0.1/x"}, AddressPrivate, "address"),
        ({"address": HOOK, "agent_id": "wes"}, NotYourAgent, "agent"),
    ],
)
def test_a_connection_that_cannot_be_is_refused_by_field(
    desk: Desk, given: dict[str, Any], refusal: type[Exception], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        desk.sync.connect_agent(WIM, **given)
    assert field in refused.value.fields  # type: ignore[attr-defined]
    assert not Connection.objects.exists()


def test_patterns_mean_something(desk: Desk) -> None:
    with pytest.raises(BadPattern):
        desk.sync.connect_agent(WIM, address=HOOK, states=["*plan"])


def test_one_agent_has_so_many_webhooks_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("state.sync.connecting.MOST", 2)
    first = desk.webhook()
    desk.webhook()
    desk.socket(WIM)
    with pytest.raises(TooManyConnections):
        desk.webhook()
    desk.webhook(WES)
    desk.sync.disconnect_agent(WIM, first.pk)
    desk.webhook()


# -- ending ------------------------------------------------------------------------------------------------------------


def test_disconnecting_frees_what_was_held_tells_the_socket_and_may_be_repeated(desk: Desk) -> None:
    opened = desk.socket(WIM, acked=1)
    desk.told()
    assert desk.sync.disconnect_agent(WIM, opened.id) == 1
    assert desk.sync.disconnect_agent(WIM, opened.id) == 0
    assert desk.sync.disconnect_agent(WIM, "wim") == 0
    until(lambda: desk.ended)
    (end,) = desk.ended
    assert (end.session, end.code, end.generation) == (opened.id, SUPERSEDED, opened.generation)
    assert desk.told(EventType.AGENT_DISCONNECTED) == [EventType.AGENT_DISCONNECTED]
    found = desk.sync.get_agent_connection(WIM, opened.id)
    assert (found.status, found.subscribed_states) == (ConnectionStatus.DISCONNECTED, ())


def test_an_agent_is_disconnected_everywhere_at_once(desk: Desk) -> None:
    desk.socket(WIM, name="a")
    desk.away(desk.socket(WIM, name="b"))
    desk.webhook()
    other = desk.socket(WES)
    assert desk.sync.disconnect_agent(ADA, "agent:wim") == 3
    assert Connection.objects.get(ended_at=None).pk == other.id


def test_others_are_ended_by_the_leader_and_owners_only(desk: Desk) -> None:
    wim = desk.socket(WIM)
    for caller in (WES, VI):
        with pytest.raises(ConnectionNotFound):
            desk.sync.disconnect_agent(caller, wim.id)
        with pytest.raises(NotYourConnection):
            desk.sync.disconnect_agent(caller, "wim")
        with pytest.raises(ConnectionNotFound):
            desk.sync.get_agent_connection(caller, wim.id)
    with pytest.raises(ConnectionNotFound):
        desk.sync.disconnect_agent(ADA, "s_nothing")
    assert desk.sync.disconnect_agent(LENA, wim.id) == 1


# -- looking -----------------------------------------------------------------------------------------------------------


def test_callers_see_their_own_and_who_leads_sees_all(desk: Desk) -> None:
    for caller in (WIM, WES, LENA):
        desk.socket(caller)
    assert list(seen(desk, WIM)) == ["agent:wim"]
    assert (
        list(seen(desk, LENA)) == list(seen(desk, ADA)) == ["agent:lena", "agent:wes", "agent:wim"]
    )
    assert list(seen(desk, ADA, agent="wes")) == ["agent:wes"]
    assert seen(desk, VI) == {}


def test_how_far_each_connection_is_behind_on_each_state(desk: Desk) -> None:
    desk.write("other", n=0)
    early = desk.write(step=2)
    for step in (3, 4):
        desk.write(step=step)
    head = desk.states.space(LENA).revision
    desk.socket(WIM, acked=early)
    desk.socket(WES, "plan", acked=head)
    parked = desk.socket(agent("slow"), "plan", acked=0)
    desk.note(parked, "plan", acked=0, parked=True)
    desk.away(desk.socket(agent("away"), "other", acked=0))
    found = seen(desk, ADA)
    told = {
        name.removeprefix("agent:"): {
            each.state_id: (each.status, each.behind) for each in one.states
        }
        for name, one in found.items()
    }
    assert told == {
        "wim": {"plan": (SyncStatus.SYNCING, 2), "other": (SyncStatus.SYNCED, 0)},
        "wes": {"plan": (SyncStatus.SYNCED, 0)},
        "slow": {"plan": (SyncStatus.PENDING, 4)},
        "away": {"other": (SyncStatus.PENDING, 1)},
    }
    slow = found["agent:slow"]
    assert (slow.parked, slow.acked, slow.head, slow.sync_status) == (
        True,
        0,
        head,
        {"plan": SyncStatus.PENDING},
    )


def test_an_open_conflict_of_the_agent_shows(desk: Desk) -> None:
    desk.states.create_state(LENA, "held", data={"a": 0}, resolution="custom", resolver="park")
    desk.states.update_state(LENA, "held", {"a": 1}, base=Base(version=1))
    desk.states.update_state(WIM, "held", {"a": 2}, base=Base(version=1))
    head = desk.states.space(LENA).revision
    desk.socket(WIM, "held", acked=head)
    desk.socket(WES, "held", acked=head)
    found = seen(desk, ADA)
    assert found["agent:wim"].sync_status == {"held": SyncStatus.CONFLICT}
    assert found["agent:wes"].sync_status == {"held": SyncStatus.SYNCED}


def test_neither_the_viewer_nor_the_agent_is_shown_states_it_may_not_read(desk: Desk) -> None:
    for name, reader in (("a", "agent:wim"), ("b", "agent:lena")):
        policy = AccessPolicy(read_allow=(reader,))
        desk.states.create_state(ADA, name, data={}, access_policy=policy)
    wim = desk.socket(WIM)
    assert [each.state_id for each in seen(desk, ADA)["agent:wim"].states] == ["a", "plan"]
    assert [each.state_id for each in seen(desk, LENA)["agent:wim"].states] == ["plan"]
    pending = desk.sync.get_agent_connection(LENA, wim.id).pending_updates
    assert {each.state_id for each in pending} == {"plan"}


def test_what_was_not_acknowledged_is_listed_for_one_connection(desk: Desk) -> None:
    second = desk.write(step=2)
    desk.write(step=3)
    desk.write("other", n=1)
    opened = desk.socket(WIM, "plan", acked=second)
    (update,) = desk.sync.get_agent_connection(WIM, opened.id).pending_updates
    assert (update.state_id, update.key, update.new_value) == ("plan", "/step", 3)


def test_lags_of_who_is_behind_the_compacted_history_are_told(desk: Desk) -> None:
    for step in range(2, 8):
        desk.write(step=step)
    desk.socket(WIM, acked=1)
    desk.states.store.compact(LENA.space, 4)
    (lag,) = seen(desk, ADA)["agent:wim"].states
    assert (lag.status, lag.behind) == (SyncStatus.SYNCING, 3)


def test_looking_takes_the_same_number_of_reads_for_any_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    for name in ("list_states", "conflicts", "read_log", "open_space", "load_states"):
        real = getattr(desk.states.store, name)

        def counted(*args: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
            reads.append(_name)
            return _real(*args, **more)

        monkeypatch.setattr(desk.states.store, name, counted)
    costs = []
    for number in (1, 12):
        for each in range(number):
            desk.write(f"s{each}", n=number)
            desk.socket(agent(f"w{each}"), acked=each % 3)
        reads.clear()
        with CaptureQueriesContext(connection) as queries:
            assert len(seen(desk, ADA)) == number
        costs.append((len(queries), sorted(reads)))
    assert costs[0] == costs[1]
    assert costs[0][0] == 1


def test_metrics_count_what_waits_and_how_far_the_slowest_is_behind(desk: Desk) -> None:
    desk.write(step=2)
    desk.socket(WIM, acked=1)
    desk.socket(WES, acked=0)
    desk.task()
    found = desk.sync.get_metrics()
    assert (found.pending_tasks, found.max_lag) == (1, 2)
    desk.write(step=3)
    gone = desk.socket(agent("gone"), acked=0)
    desk.away(gone)
    Connection.objects.filter(agent="agent:wes").update(acked=2)
    assert desk.sync.get_metrics().max_lag == 2  # whoever is away is not waited for
    desk.work()
    for caller in ("wim", "wes"):
        for task in desk.sync.list_sync_tasks(ADA):
            desk.ack(task.id, caller)
    desk.work()
    after = desk.sync.get_metrics()
    assert after.successful_syncs == found.successful_syncs + 1
    assert after.pending_tasks == 0


# -- configuration -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [{"bogus": 1}, {"max_retries": -1}, {"compression_type": "rot13"}, {"batch_size": 0}],
)
def test_settings_of_syncing_that_mean_nothing_name_the_setting(settings: Any, given: Any) -> None:
    settings.STARS_STATE_SYNC = given
    with pytest.raises(ConfigInvalid) as refused:
        conf.sync_config()
    assert list(refused.value.fields) == ["STARS_STATE_SYNC"]
    assert "stars.E010" in [each.id for each in run_checks()]


def test_changed_settings_of_syncing_are_announced(settings: Any) -> None:
    heard = []
    for batch in (64, 64, 32):
        settings.STARS_STATE_SYNC = {"batch_size": batch}
        manager = conf.make_manager()
        manager.announce_config()
        records = manager.store.read_audit("_global", after=0, limit=10)
        heard.append([each.event.metadata["paths"] for each in records])
        manager.close()
    assert heard == [[], [], [["/sync/batch_size"]]]
