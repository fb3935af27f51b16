"""Contract of every persistence layer: states found by words in several spaces, and reads beside writes."""

from __future__ import annotations

from state.persistence.base import PersistenceLayer
from state.values import Filters
from tests.persistence.backends import at_once
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


def test_one_read_is_of_one_moment_while_others_write(layer: PersistenceLayer) -> None:
    put(layer, a_write("a"), a_write("b"))
    done = False

    def write() -> None:
        nonlocal done
        try:
            for version in range(1, 40):
                put(layer, a_write("a", expect=version), a_write("b", expect=version))
        finally:
            done = True

    def read() -> None:
        while not done:
            both = layer.load_states(SPACE, ["a", "b"])
            page = layer.list_states(SPACE, Filters(), limit=5, with_data=True)
            for first, second in ((both["a"], both["b"]), page.states):
                assert first.data == second.data == {"step": first.version}
                assert first.revision == second.revision == first.version
            assert page.revision == page.states[0].revision >= both["a"].revision
            log = layer.read_log(SPACE, after=page.revision - 1, limit=1000)
            assert log.space.revision == log.entries[-1].revision, "space and entries of one moment"
            assert not log.more

    at_once(write, read, read)
