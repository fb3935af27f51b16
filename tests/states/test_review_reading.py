"""What reads show: the life that a state lives now, lists without hidden names, one's own queued writes, and whose
leaf is whose at bounded cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import pytest

from state.manager import Answer, StateManager, reading
from state.manager.compacting import compact
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import (
    BaseRequired,
    Conflicting,
    ConflictNotFound,
    DocumentTooLarge,
    Stale,
    VersionNotFound,
)
from state.values import AccessPolicy, Entry, Limits, PersistenceConfig, StatePage
from tests.states.build import (
    ADMIN,
    LENA,
    SPACE,
    WES,
    WIM,
    Office,
    at,
    drop,
    put,
    refused,
)

HIDDEN: Final = AccessPolicy()


# -- lives ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def reborn(office: Office) -> StateManager:
    """Versions 1 to 3 were Lena's secret; Wim made 4 under the same id, and wrote 5."""
    manager = office.manager()
    manager.create_state(LENA, "pay", data={"secret": 42}, access_policy=HIDDEN)
    manager.update_state(LENA, "pay", [put("/secret", 43)])
    manager.delete_state(LENA, "pay")
    manager.create_state(WIM, "pay", data={"n": 0})
    manager.update_state(WIM, "pay", [put("/n", 1)])
    return manager


def test_an_earlier_life_under_the_id_shows_to_admins_of_the_space_only(
    reborn: StateManager,
) -> None:
    assert [each.version for each in reborn.history(WIM, "pay")] == [5, 4]
    assert reborn.history(WIM, "pay", before=4) == []
    for version in (1, 2, 3):
        calls: tuple[Callable[[], object], ...] = (
            partial(reborn.get_state, WIM, "pay", version=version),
            partial(reborn.diff, WIM, "pay", version, 5),
            partial(reborn.diff, WIM, "pay", 4, version),
            partial(reborn.restore_version, WIM, "pay", version),
        )
        for call in calls:
            with pytest.raises(VersionNotFound):
                call()
    assert reborn.get_state(WIM, "pay", version=4).data == {"n": 0}
    assert set(reborn.blame(WIM, "pay")) == {"/n"}
    assert [each.version for each in reborn.history(ADMIN, "pay")] == [5, 4, 3, 2, 1]
    assert reborn.get_state(ADMIN, "pay", version=2).data == {"secret": 43}
    assert reborn.restore_version(ADMIN, "pay", 2).version == 6
    assert reborn.restore_version(WIM, "pay", 5).version == 7


def test_an_earlier_life_stays_hidden_where_only_its_snapshot_is_left(
    office: Office, reborn: StateManager
) -> None:
    compact(office.layer, SPACE, floor=3)
    with pytest.raises(VersionNotFound):
        reborn.get_state(WIM, "pay", version=3)
    assert reborn.get_state(ADMIN, "pay", version=3).data == {}
    compact(office.layer, SPACE, floor=4)
    assert reborn.get_state(WIM, "pay", version=4).data == {"n": 0}


def parked(manager: StateManager, state_id: str, **given: Any) -> str:
    """A conflict of Wes's that waits."""
    manager.create_state(
        LENA, state_id, data={"x": 0}, resolution="custom", resolver="park", **given
    )
    manager.update_state(LENA, state_id, [put("/x", 1)], base=at(1))
    found = manager.update_state(WES, state_id, [put("/x", 2)], base=at(1)).conflict
    assert found is not None
    return str(found["conflict_id"])


def test_conflicts_of_an_earlier_life_are_not_shown(quick: Office) -> None:
    manager = quick.manager()
    hidden = parked(manager, "pay", access_policy=AccessPolicy(write_allow=("wes",)))
    manager.delete_state(LENA, "pay")
    manager.create_state(WIM, "pay", data={})
    assert manager.conflicts(WIM) == []
    for call in (manager.conflict, partial(manager.resolve_conflict, answer=Answer(dismiss=True))):
        with pytest.raises(ConflictNotFound):
            call(WIM, hidden)
    assert [each.conflict_id for each in manager.conflicts(ADMIN)] == [hidden]
    assert manager.conflict(ADMIN, hidden).uid != manager.get_state(WIM, "pay").uid


def test_hidden_conflicts_take_no_places_of_those_that_show(quick: Office) -> None:
    manager = quick.manager()
    shown = [parked(manager, f"open{n}") for n in range(3)][::-1]
    for n in range(3):
        parked(manager, f"shut{n}", access_policy=AccessPolicy(write_allow=("wes",)))
    for limit in (1, 2, 3, 9):
        found = [each.conflict_id for each in manager.conflicts(WIM, limit=limit)]
        assert found == shown[:limit]
    assert len(manager.conflicts(LENA, limit=4)) == 4


# -- lists ------------------------------------------------------------------------------------------------------------


def test_pages_of_lists_are_full_and_name_nothing_hidden(office: Office) -> None:
    manager = office.manager()
    for n in range(4):
        manager.create_state(LENA, f"merger-{n}", data={}, access_policy=HIDDEN)
        manager.create_state(LENA, f"open-{n}", data={})
    manager.create_state(LENA, "secret", data={}, access_policy=HIDDEN)
    office.layer.config = _batches_of(office.layer, 1)
    ids, after = list[str](), ""
    while True:
        page = manager.list_states(WIM, limit=2, after=after)
        assert len(page.states) == 2
        ids += [each.id for each in page.states]
        if not page.next:
            break
        assert page.next == ids[-1]
        after = page.next
    assert ids == [f"open-{n}" for n in range(4)], (
        "and no empty page for what is hidden behind them"
    )


def _batches_of(layer: PersistenceLayer, size: int) -> PersistenceConfig:
    return msgspec.structs.replace(layer.config, batch_size=size)


def test_a_list_is_one_read_for_whoever_may_read_all(
    quick: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = quick.manager()
    for n in range(5):
        manager.create_state(LENA, f"s{n}", data={})
    read, asked = quick.layer.list_states, list[object]()

    def counted(*args: Any, **more: Any) -> StatePage:
        asked.append(args)
        return read(*args, **more)

    monkeypatch.setattr(quick.layer, "list_states", counted)
    for limit, following in ((1, "s0"), (4, "s3"), (5, ""), (9, "")):
        asked.clear()
        assert manager.list_states(WIM, limit=limit).next == following
        assert len(asked) == 1


def test_a_list_shows_ones_own_queued_writes_and_all_to_admins_of_the_state(
    office: Office,
) -> None:
    manager = office.manager(drains=False)
    manager.create_state(LENA, "s", data={}, consistency="eventual")
    manager.update_state(WES, "s", [put("/x", "of Wes")])
    manager.update_state(WIM, "s", [put("/x", "of Wim")])

    def shown(caller: Caller) -> list[object]:
        [state] = manager.list_states(caller).states
        return [each.value for each in state.pending_ops]

    assert (shown(WIM), shown(WES)) == (["of Wim"], ["of Wes"])
    assert shown(LENA) == shown(ADMIN) == ["of Wes", "of Wim"]


# -- blame ------------------------------------------------------------------------------------------------------------


def test_blame_tells_neighbours_with_a_common_beginning_apart(quick: Office) -> None:
    manager = quick.manager()
    data = {"a": {"b": 1, "c": 1}, "a-": 1, "a0": 1, "a.b": {"c": 1}, "é": {"": 1}}
    manager.create_state(LENA, "s", data=data)
    manager.update_state(WIM, "s", [put("/a", {"b": 2, "c": 2}), put("/é", {"": 2})])
    manager.update_state(WES, "s", [put("/a/b", 3), put("/n", {}), put("/n2", 1), drop("/n2")])
    found = {path: each.version for path, each in manager.blame(WIM, "s").items()}
    assert found == {
        "/a/b": 3,
        "/a/c": 2,
        "/a-": 1,
        "/a0": 1,
        "/a.b/c": 1,
        "/é/": 2,
        "/n": 3,
    }


def test_blame_looks_at_the_first_leaves_and_the_newest_entries_only(
    quick: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "s", data={"big": list(range(10_001)), "c": 0})
    for n in range(3):
        manager.update_state(WIM, "s", [put("/a", n), put("/z", n)])
    found = manager.blame(WIM, "s")
    assert (len(found), "/z" in found) == (10_000, False)
    monkeypatch.setattr(reading, "LEAVES", 20_000)
    assert len(manager.blame(WIM, "s")) == 10_004
    monkeypatch.setattr(reading, "ENTRIES", 3)
    assert set(manager.blame(WIM, "s")) == {"/a", "/z"}, "what is older is left out"


# -- writes -----------------------------------------------------------------------------------------------------------


def test_a_settlement_is_no_larger_than_a_document_may_be(quick: Office) -> None:
    manager = quick.manager(limits=Limits(document_bytes=1000))
    found = parked(manager, "s")
    for answer in (Answer(value={"x": "y" * 5000}), Answer(ops=(put("/x", "y" * 5000),))):
        with pytest.raises(DocumentTooLarge):
            manager.resolve_conflict(LENA, found, answer, expected_head=2)
    assert manager.resolve_conflict(LENA, found, Answer(value={"x": 7}), expected_head=2).changed


def test_a_strong_state_asks_for_the_base_of_a_restoration(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "s", data={"x": 0}, consistency="strong")
    manager.update_state(LENA, "s", [put("/x", 1)], base=at(1))
    error = refused(lambda: manager.restore_version(LENA, "s", 1))
    assert isinstance(error, BaseRequired)
    with pytest.raises(Conflicting):
        manager.restore_version(LENA, "s", 1, base=at(1))
    assert manager.restore_version(LENA, "s", 1, base=at(2)).version == 3


def test_a_stale_exact_write_is_refused_without_reading_what_was_written_between(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = office.manager()
    uid = manager.create_state(LENA, "s", data={"x": 0}).uid
    for n in range(5):
        manager.update_state(WES, "s", [put("/x", n + 1)])
    manager.update_state(LENA, "s", [put("/y", 1)])
    read, entries = office.layer.history, list[Entry]()

    def counted(*args: Any, **more: Any) -> list[Entry]:
        found = read(*args, **more)
        entries.extend(found)
        return found

    monkeypatch.setattr(office.layer, "history", counted)
    monkeypatch.setattr(office.layer, "data_at", None)
    base = at(1, uid=uid, exact=True, header=True)
    error = refused(lambda: manager.update_state(WIM, "s", [put("/x", 9)], base=base))
    assert isinstance(error, Stale) and error.status == 412
    assert len(entries) == 1
    [cause] = error.extra["causes"]
    assert (cause["type"], cause["kind"]) == ("version", "stale")
    assert (cause["by"], cause["version"]) == (LENA.name, 7)
    assert error.extra["head_version"] == 7
    assert error.extra["current"] == {"x": 5, "y": 1}
