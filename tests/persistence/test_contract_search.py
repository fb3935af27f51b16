"""Contract of every persistence layer: states are found by their words, in several spaces."""

from __future__ import annotations

from state.persistence.base import PersistenceLayer
from tests.persistence.build import SPACE, a_write, put


def test_states_are_found_by_a_part_of_their_ids_in_several_spaces(layer: PersistenceLayer) -> None:
    for space in ("other", "hidden"):
        layer.open_space(space)
    for number, (space, state_id) in enumerate(
        [(SPACE, "plan/Alpha"), ("other", "ALPHA"), (SPACE, "beta"), ("hidden", "alpha")]
    ):
        put(layer, a_write(state_id, minute=number, space=space), space=space)
    found = layer.find_states([SPACE, "other", "nowhere"], "alpha", limit=5)
    assert [(each.space, each.id, each.data) for each in found] == [
        ("other", "ALPHA", {}),
        (SPACE, "plan/Alpha", {}),
    ]
    assert [each.id for each in layer.find_states([SPACE, "other"], "a", limit=1, offset=1)] == [
        "ALPHA"
    ]
    assert [e.id for e in layer.find_states([SPACE], "PLAN alpha", limit=5)] == ["plan/Alpha"]
    for none in ("%", "_", "gamma", "plan beta"):
        assert layer.find_states([SPACE, "other"], none, limit=5) == []
