"""What a replica makes of each frame, and when it says that it cannot go on. Pure."""

from __future__ import annotations

import msgspec
import pytest

from state.sync.client.replica import Lost, Replica
from state.sync.client.values import ChangeKind
from state.sync.protocol import Delta, Mark, Reset, Revoked, Snap, SnapState
from state.values import EntryKind, Operation, OperationType
from tests.sync.client.world import World, shown


def begun(world: World, *, verify: bool = True) -> Replica:
    """A replica that has the beginning."""
    replica = Replica(verify=verify)
    assert replica.ask(fresh=True) == (None, "")
    for frame in world.beginning():
        replica.receive(frame)
    assert replica.synced
    return replica


@pytest.fixture
def world() -> World:
    found = World()
    for number in range(5):
        found.put(f"notes/{number}", {"n": number})
    return found


# -- the beginning ------------------------------------------------------------------------------


def test_a_snapshot_is_shown_when_it_is_whole_and_consistent_and_not_before(world: World) -> None:
    replica = Replica()
    replica.ask(fresh=True)
    for snap in world.snaps():
        assert replica.receive(snap) == []
        assert shown(replica) == {}
    changes = replica.receive(world.mark(world.head))
    assert [change.kind for change in changes] == [ChangeKind.SNAPSHOT] * 5
    assert shown(replica) == world.history[-1]
    assert (replica.revision, replica.token) == (5, "e1.5")


def test_states_of_a_snapshot_that_are_newer_than_it_are_not_changed_back(world: World) -> None:
    replica = Replica()
    replica.ask(fresh=True)
    early = world.head
    world.put("notes/1", {"n": 1, "late": True})
    world.delete("notes/2")
    for snap in world.snaps():
        replica.receive(msgspec.structs.replace(snap, rev=early))
    assert replica.receive(world.delta(early, world.head, synced=False)) == []
    replica.receive(world.mark(world.head))
    assert shown(replica) == world.history[-1]
    assert replica.lost is None


def test_a_lost_part_of_a_snapshot_is_noticed(world: World) -> None:
    first, second, third = world.snaps()
    parts: list[Snap]
    for parts in ([first, third], [second], [first, second]):
        replica = Replica()
        replica.ask(fresh=True)
        for part in parts:
            replica.receive(part)
        replica.receive(world.mark(world.head))
        assert replica.lost is Lost.GAP, parts
        assert replica.ask(fresh=False) == (None, "")


# -- following ----------------------------------------------------------------------------------


def test_entries_are_told_with_the_state_before_and_after(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    (change,) = replica.receive(world.delta(5, 6))
    assert change.kind is ChangeKind.ENTRY
    assert (change.before, change.after) != (None, None)
    assert change.before is not None and change.before.data == {"n": 0}
    assert change.after is not None and change.after.data == {"n": 7}
    assert change.after.version == 2
    assert change.entry is not None and change.entry.by == "agent:ada"


def test_what_comes_twice_does_no_harm(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    world.delete("notes/1")
    world.put("notes/1", {"n": "again"})
    frames = [world.delta(at, at + 1) for at in (5, 6, 7)]
    for frame in frames:
        assert len(replica.receive(frame)) == 1
        for again in frames[: frames.index(frame) + 1]:
            assert replica.receive(again) == []
    for snap in world.snaps():
        replica.receive(msgspec.structs.replace(snap, rev=5))
    assert replica.lost is None
    assert shown(replica) == world.history[-1]


def test_a_state_made_and_deleted_in_one_frame_stays_gone_when_that_comes_twice(
    world: World,
) -> None:
    replica = begun(world)
    world.put("brief", {})
    world.delete("brief")
    frame = world.delta(5, 7)
    assert len(replica.receive(frame)) == 2
    assert replica.receive(frame) == []
    assert "brief" not in replica.states


def test_a_missing_frame_is_a_gap_and_the_place_before_it_is_asked_for(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    world.put("notes/0", {"n": 8})
    assert replica.receive(world.delta(6, 7)) == []
    assert replica.lost is Lost.GAP
    assert not replica.synced
    assert shown(replica) == world.history[5]
    # What is still on its way is of no use.
    world.put("notes/0", {"n": 9})
    assert replica.receive(world.delta(7, 8)) == []
    assert replica.ask(fresh=False) == ("e1.5", "")
    assert replica.receive(world.delta(7, 8)) == []
    assert replica.lost is None
    assert replica.is_waiting
    assert len(replica.receive(world.delta(5, 8))) == 3
    assert not replica.is_waiting


def test_a_gap_right_after_coming_back_asks_for_a_snapshot(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    world.put("notes/0", {"n": 8})
    for asked in (("e1.5", ""), (None, "")):
        replica.receive(world.delta(6, 7))
        assert replica.lost is Lost.GAP
        assert replica.ask(fresh=True) == asked
    replica = begun(world)
    replica.receive(world.delta(8, 8))
    replica.ask(fresh=False)
    replica.give_up()
    assert replica.ask(fresh=False) == (None, "")


def test_versions_of_a_state_are_a_chain_of_their_own(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    world.put("notes/0", {"n": 8})
    torn = world.delta(5, 7)
    replica.receive(msgspec.structs.replace(torn, entries=torn.entries[1:]))
    assert replica.lost is Lost.GAP


def test_a_frame_is_applied_whole_or_not_at_all(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    world.put("notes/1", {"n": 7})
    torn = world.delta(5, 7)
    bad = msgspec.structs.replace(torn.entries[1], pv=5)
    assert replica.receive(msgspec.structs.replace(torn, entries=(torn.entries[0], bad))) == []
    assert shown(replica) == world.history[5]


def test_a_creation_replaces_whatever_is_there_and_other_entries_need_it(world: World) -> None:
    replica = begun(world)
    unknown = world.put("elsewhere", {"x": 1})
    later = world.put("elsewhere", {"x": 2})
    replica.receive(msgspec.structs.replace(world.delta(6, 7), prev=5, entries=(later,)))
    assert replica.lost is None
    assert "elsewhere" not in replica.states
    world.delete("notes/0")
    world.put("notes/0", {"n": "new life"})
    frame = world.delta(7, 9)
    replica.receive(msgspec.structs.replace(frame, entries=frame.entries[1:]))
    assert replica.states["notes/0"].data == {"n": "new life"}
    assert unknown.uid != replica.states["notes/0"].uid


def test_a_deletion_removes_whatever_is_there(world: World) -> None:
    replica = begun(world)
    world.put("notes/0", {"n": 7})
    world.delete("notes/0")
    frame = world.delta(5, 7)
    (change,) = replica.receive(msgspec.structs.replace(frame, entries=frame.entries[1:]))
    assert replica.lost is None
    assert (change.state, change.after) == ("notes/0", None)
    assert "notes/0" not in replica.states


def test_changes_of_settings_count_and_freezing_is_known(world: World) -> None:
    replica = begun(world)
    entry = world.put("notes/0", {"n": 0})
    frozen = msgspec.structs.replace(entry, kind=EntryKind.CONFIG, config={"frozen": True})
    replica.receive(msgspec.structs.replace(world.delta(5, 6), entries=(frozen,)))
    assert replica.states["notes/0"].frozen
    assert replica.states["notes/0"].version == 2


def test_several_changes_as_one_hold_whatever_was_there(world: World) -> None:
    replica = begun(world)
    for number in range(3):
        world.put("notes/0", {"n": 10 + number})
    entry = world.log[-1][0]
    whole = msgspec.structs.replace(
        entry,
        pv=0,
        coalesced=True,
        ops=(Operation(OperationType.SET, "", {"n": 12}),),
    )
    made = msgspec.structs.replace(whole, id="notes/new", uid="u77")
    # Mode "latest" stays at its place until all of a batch was sent.
    first = Delta(sub=1, prev=5, rev=5, token="e1.5", entries=(whole,))
    assert len(replica.receive(first)) == 1
    second = Delta(sub=1, prev=5, rev=8, token="e1.8", synced=True, entries=(made,))
    assert len(replica.receive(second)) == 1
    gone = msgspec.structs.replace(made, v=9, rev=9, kind=EntryKind.DELETE, ops=(), h="")
    replica.receive(Delta(sub=1, prev=8, rev=9, entries=(gone,)))
    assert replica.states["notes/0"].data == {"n": 12}
    assert "notes/new" not in replica.states
    assert replica.lost is None


def test_a_quiet_mark_moves_the_place(world: World) -> None:
    replica = begun(world)
    replica.receive(Mark(sub=1, prev=5, rev=40, token="e1.40", synced=True))
    assert (replica.revision, replica.token) == (40, "e1.40")


# -- rights, and beginning anew -------------------------------------------------------------------


def test_what_may_be_read_no_more_is_forgotten_and_given_whole_when_it_may_again(
    world: World,
) -> None:
    replica = begun(world)
    (change,) = replica.receive(Revoked(sub=1, states=("notes/1", "never seen")))
    assert (change.kind, change.state, change.after) == (ChangeKind.REVOKED, "notes/1", None)
    assert "notes/1" not in replica.states
    entry = world.put("notes/1", {"n": "secret"})
    replica.receive(Delta(sub=1, prev=5, rev=6, token="e1.6", entries=(entry,)))
    assert "notes/1" not in replica.states
    given = world.states["notes/1"]
    (change,) = replica.receive(Snap(sub=1, part=1, last=True, rev=6, states=(given,)))
    assert change.kind is ChangeKind.SNAPSHOT
    assert shown(replica) == world.history[-1]


def test_a_reset_forgets_states_and_token(world: World) -> None:
    replica = begun(world)
    (change,) = replica.receive(world.reset())
    assert (change.kind, change.reason) == (ChangeKind.RESET, "compacted")
    assert shown(replica) == {}
    assert (replica.token, replica.synced, replica.saved()) == ("", False, None)
    world.put("notes/0", {"n": "after"})
    for frame in world.beginning():
        replica.receive(frame)
    assert shown(replica) == world.history[-1]
    # Nothing but a snapshot may follow a reset.
    replica.receive(world.reset())
    replica.receive(world.mark(0))
    assert replica.lost is Lost.GAP


def test_a_hash_that_does_not_fit_asks_for_everything_anew(world: World) -> None:
    replica = begun(world)
    entry = world.put("notes/0", {"n": 7})
    wrong = msgspec.structs.replace(entry, h="0" * 64)
    frame = msgspec.structs.replace(world.delta(5, 6), entries=(wrong,))
    assert replica.receive(frame) == []
    assert replica.lost is Lost.INTEGRITY
    assert replica.ask(fresh=False) == (None, "integrity")
    # What was on its way before the server heard of it:
    replica.receive(world.delta(6, 6))
    assert replica.receive(world.snaps(size=9)[0]) == []
    assert replica.receive(world.mark(6)) == []
    assert replica.is_waiting, "states that were granted are not all there are"
    assert replica.lost is None
    replica.receive(Reset(sub=1, reason="integrity", head=6))
    for again in world.beginning():
        replica.receive(again)
    assert shown(replica) == world.history[-1]
    careless = begun(world, verify=False)
    world.put("notes/0", {"n": 8})
    frame = world.delta(6, 7)
    entry = msgspec.structs.replace(frame.entries[0], h="0" * 64)
    assert careless.receive(msgspec.structs.replace(frame, entries=(entry,)))


def test_a_wrong_hash_in_a_snapshot_is_noticed_and_operations_that_do_not_fit(
    world: World,
) -> None:
    replica = Replica()
    replica.ask(fresh=True)
    replica.receive(
        Snap(sub=1, part=1, last=True, rev=1, states=(SnapState("a", "u", 1, 1, {}, "0" * 64),))
    )
    assert replica.lost is Lost.INTEGRITY
    replica = begun(world)
    entry = world.put("notes/0", {"n": 7})
    wrong = msgspec.structs.replace(entry, ops=(Operation(OperationType.SET, "/n/under", 1),))
    replica.receive(msgspec.structs.replace(world.delta(5, 6), entries=(wrong,)))
    assert replica.lost is Lost.INTEGRITY


def test_a_kept_replica_goes_on_from_its_token(world: World) -> None:
    saved = begun(world).saved()
    assert saved is not None
    replica = Replica(saved=msgspec.json.decode(msgspec.json.encode(saved), type=type(saved)))
    assert shown(replica) == world.history[-1]
    assert replica.ask(fresh=True) == ("e1.5", "")
    world.put("notes/0", {"n": 7})
    replica.receive(world.delta(5, 6))
    assert shown(replica) == world.history[-1]
