"""A replica is a prefix of the server's history, whatever happens on the wire and behind it. Pure."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from state.sync.client.replica import Frame, Replica
from state.sync.protocol import Mark, Reset
from tests.sync.client.world import Data, World, shown

STATES = st.sampled_from(["a", "b", "c", "d"])
DATA = st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3) | st.booleans(), max_size=3)
CHANGE = st.tuples(STATES, st.none() | DATA)
#: What happens, as often as it stands here.
KINDS = [
    *["tell"] * 6,
    *["hear"] * 5,
    *["commit", "send", "lose", "lose", "twice", "reconnect", "compact", "restore"],
]
CHANGES = st.lists(CHANGE, min_size=1, max_size=3, unique_by=lambda change: change[0])
STEP = st.tuples(st.sampled_from(KINDS), CHANGES, st.integers(1, 4))
Step: TypeAlias = tuple[str, list[tuple[str, Data | None]], int]


class Wire:
    """A server's stream to one replica, over a wire that loses and repeats, and the checks after each frame."""

    def __init__(self) -> None:
        self.world = World()
        self.replica = Replica()
        self.queue: deque[Frame] = deque()
        self.prev = 0
        #: The least revision of which the replica can be.
        self.at = 0
        self.subscribe(fresh=True)

    def subscribe(self, *, fresh: bool) -> None:
        token, why = self.replica.ask(fresh=fresh)
        if fresh:
            self.queue.clear()
        place = self.world.place(token) if token and not why else None
        if place is None:
            if token or why:
                self.queue.append(self.world.reset())
            self.queue.extend(self.world.beginning())
            self.prev = self.world.head
        else:
            self.prev = place
            token = self.world.token(place)
            self.queue.append(Mark(sub=1, prev=place, rev=place, token=token))

    def do(self, what: str, changes: list[tuple[str, Data | None]], how: int) -> None:
        world = self.world
        match what:
            case "tell":
                self.do("commit", changes, how)
                self.do("send", changes, how)
            case "commit":
                wanted = [c for c in changes if c[1] is not None or c[0] in world.states]
                if wanted:
                    world.commit(wanted)
            case "send":
                reached = min(world.head, self.prev + how)
                if reached > self.prev:
                    self.queue.append(
                        world.delta(
                            self.prev, reached, token=how % 2 == 0, synced=reached == world.head
                        )
                    )
                    self.prev = reached
            case "hear":
                for _ in range(how):
                    self.hear()
            case "lose":
                # A lost reset leaves no trace; a real wire loses nothing but what comes last.
                if self.queue and not isinstance(self.queue[0], Reset):
                    self.queue.popleft()
            case "twice":
                if self.queue:
                    self.queue.appendleft(self.queue[0])
            case "reconnect":
                self.subscribe(fresh=True)
            case "compact":
                world.floor = world.head
            case "restore":
                world.epoch += "'"
                self.queue.append(world.reset())
                self.queue.extend(world.beginning())
                self.prev = world.head

    def hear(self) -> None:
        if not self.queue:
            return
        frame = self.queue.popleft()
        before = shown(self.replica)
        changes = self.replica.receive(frame)
        now = shown(self.replica)
        if isinstance(frame, Reset):
            assert now == {}
        else:
            places = range(self.at, self.world.head + 1)
            # Between a reset and its snapshot there is nothing.
            if now != {} or now != before:
                found = [at for at in places if self.world.history[at] == now]
                assert found, "this never was"
                self.at = found[0]
        replayed = {} if isinstance(frame, Reset) else before
        for change in changes:
            if change.after is not None:
                replayed[change.state] = change.after.data
            else:
                replayed.pop(change.state, None)
        assert replayed == now, "the changes tell what happened"
        if self.replica.lost:
            self.subscribe(fresh=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, min_size=5, max_size=60))
def test_a_replica_is_a_prefix_of_history_always_and_all_of_it_in_the_end(
    steps: list[Step],
) -> None:
    wire = Wire()
    for step in steps:
        wire.do(*step)
    # A quiet end on a good wire.
    for _ in range(4):
        wire.subscribe(fresh=True)
        while wire.prev < wire.world.head:
            wire.do("send", [], 4)
        wire.queue.append(wire.world.mark(wire.prev))
        while wire.queue:
            wire.hear()
    assert shown(wire.replica) == wire.world.history[-1]
    assert wire.replica.revision == wire.world.head
