"""Contract of every persistence layer: what is read of all spaces at once."""

from __future__ import annotations

from state.persistence.base import PersistenceLayer
from state.values import ConflictStatus
from tests.persistence.build import SPACE, a_conflict, a_tx, a_write, commit


def test_the_newest_entries_of_all_spaces_come_first(layer: PersistenceLayer) -> None:
    layer.open_space("east")
    assert layer.newest(5) == []
    commit(layer, a_tx(a_write("plan", minute=1)))
    commit(layer, a_tx(a_write("map", minute=2, space="east")), space="east")
    commit(layer, a_tx(a_write("plan", expect=1, minute=3)))
    found = layer.newest(2)
    assert [(entry.space, entry.state_id, entry.version) for entry, _ in found] == [
        (SPACE, "plan", 2),
        ("east", "map", 1),
    ]
    assert [state.owners for _, state in found] == [("agent:lena",)] * 2


def test_open_conflicts_of_all_spaces(layer: PersistenceLayer) -> None:
    layer.open_space("east")
    assert layer.open_conflicts(5) == []
    commit(layer, a_tx(a_write("plan")))
    commit(layer, a_tx(a_write("map", space="east")), space="east")
    commit(layer, a_tx(conflicts=(a_conflict("c-1"),)))
    closed = a_conflict("c-2", status=ConflictStatus.RESOLVED)
    commit(layer, a_tx(conflicts=(closed,)))
    assert [(each.conflict_id, state.id) for each, state in layer.open_conflicts(5)] == [
        ("c-1", "plan")
    ]
