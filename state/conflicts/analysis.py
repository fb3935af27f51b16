"""Where a write meets what others have written since its base, path by path, and its rebase on the head."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property

import msgspec

from state import jsonvalue, merge
from state.conflicts.effects import Effect, Written, effects, meeting
from state.conflicts.situation import Situation, plain, replay, same
from state.values import Entry, Json, Operation

#: What to take where a merge has found no answer.
Choose = Callable[[merge.MergeConflict], Json]


class Touch(msgspec.Struct, frozen=True):
    """One operation of the write meets a path that another entry has written."""

    #: Which operation of the write.
    number: int
    #: What both wrote: the deeper of the two paths.
    path: str
    #: The last entry that wrote there.
    entry: Entry
    #: Both left the same there.
    convergent: bool
    #: A commuting strategy keeps what both did.
    commuting: bool

    @property
    def collides(self) -> bool:
        """It is a write-write conflict."""
        return not (self.convergent or self.commuting)


class Join(msgspec.Struct, frozen=True):
    """Some operations merged by value with what others wrote, the rest applied after them."""

    merged: merge.Merged
    rest: tuple[Operation, ...]

    def data(self, choose: Choose) -> dict[str, Json]:
        """The document, with `choose`'s value for each conflict of the merge. Raises Inapplicable."""
        data: dict[str, Json] = jsonvalue.apply(merge.settle(self.merged, choose), self.rest)
        return data


class Rebased(msgspec.Struct, frozen=True):
    """The write on the present document: commuting paths by their strategies, all others as the operations say."""

    data: dict[str, Json]
    #: The operations whose values were merged by strategy.
    joined: frozenset[int] = frozenset()
    #: What the strategies could not merge although they should.
    conflicts: tuple[merge.MergeConflict, ...] = ()


class Analysis(Situation):
    """All that rules and resolutions ask about a write."""

    @cached_property
    def my_effects(self) -> tuple[tuple[Effect, ...], ...]:
        """The write set of each operation."""
        found, doc = [], self.seen
        for op in self.ops:
            found.append(effects(op, doc))
            doc = jsonvalue.apply(doc, (op,))
        return tuple(found)

    @cached_property
    def written(self) -> Written:
        """What others have written since the base."""
        found = Written()
        if self.blind:
            return found
        doc: Json = self.incoming.base_data
        for entry in self.incoming.since:
            for op in map(plain, entry.ops):
                if not self.own(entry):
                    for each in effects(op, doc):
                        found.add(each, entry)
                doc = replay(doc, (op,), entry)
        return found

    @cached_property
    def touches(self) -> tuple[Touch, ...]:
        """Where operations of this write meet what others wrote, each place once per operation."""
        if not self.written:
            return ()
        made = self.mine  # before looking at single operations: a misfit is told with its number
        found: dict[tuple[int, str], Touch] = {}
        for number, mine in enumerate(self.my_effects):
            for one in mine:
                if self.is_asserted(one.path):
                    continue
                for other, entry in self.written.near(one.place):
                    touch = self._touch(number, made, one, other, entry)
                    if touch is None:
                        continue
                    known = found.get((number, touch.path))
                    if known is None or known.entry.version <= entry.version:
                        found[number, touch.path] = touch
        return tuple(found.values())

    def _touch(
        self, number: int, made: Json, one: Effect, other: Effect, entry: Entry
    ) -> Touch | None:
        appends = one.appends and other.appends and one.place == other.place
        if not appends and not jsonvalue.overlap(one.path, other.path):
            return None
        commuting = self._commutes(min(one.place, other.place, key=len))
        if appends and not commuting:
            return None  # both are kept, one after the other; under a strategy it decides (a set has each once)
        path = meeting(one, other)
        equal = same(jsonvalue.get(made, path), jsonvalue.get(self.head.data, path))
        return Touch(number, path, entry, equal and not commuting, commuting)

    def _commutes(self, path: str) -> bool:
        """Whether the path is at or under one whose commuting strategy merges the three documents cleanly."""
        tokens = jsonvalue.parse(path)
        for end in range(len(tokens) + 1):
            above = tokens[:end]
            values = (jsonvalue.follow(doc, above) for doc in (self.head.data, self.mine))
            if merge.is_commuting(merge.effective(self.strategy_of(above), *values)):
                place = jsonvalue.pointer(above)
                left = self.three_way.conflicts
                return not any(jsonvalue.overlap(conflict.path, place) for conflict in left)
        return False

    # -- the write on the head ----------------------------------------------------------------------------------------

    @cached_property
    def rebased(self) -> Rebased:
        """The write as it is committed when nothing forbids it, and by `last_write`. Raises Inapplicable."""
        if self.seen is self.head.data:
            return Rebased(self.mine)
        colliding = self._with_dependents(each.number for each in self.touches if each.collides)
        commuting = {each.number for each in self.touches if each.commuting}
        joined = self._with_dependents(commuting - colliding)
        if not joined:
            return Rebased(jsonvalue.apply(self.head.data, self._without(frozenset())))
        join = self.join(joined)
        return Rebased(join.data(pick_theirs), joined, join.merged.conflicts)

    def join(self, numbers: Collection[int]) -> Join:
        """Merge these operations, and all that hang together with them, by value; rebase the others."""
        joined = self._with_dependents(numbers)
        rest = self._without(joined)
        try:
            made = jsonvalue.apply(self.seen, [self.ops[number] for number in sorted(joined)])
            merged = merge.merge(self.seen, self.head.data, made, self.strategy_of)
            jsonvalue.apply(merged.result, rest)
        except jsonvalue.Inapplicable:
            return Join(self.three_way, ())
        return Join(merged, rest)

    def _with_dependents(self, numbers: Iterable[int]) -> frozenset[int]:
        """Operations that write what these write depend on their order, so they go together."""
        found = set(numbers)
        waiting = list(found)
        while waiting:
            mine = self.my_effects[waiting.pop()]
            for number, effects_ in enumerate(self.my_effects):
                if number not in found and any(
                    jsonvalue.overlap(one.path, other.path) for one in mine for other in effects_
                ):
                    found.add(number)
                    waiting.append(number)
        return frozenset(found)

    def _without(self, numbers: frozenset[int]) -> tuple[Operation, ...]:
        """The other operations, save those that would move an array's elements a second time."""
        done = {each.number: each.convergent for each in self.touches}
        done |= {each.number: False for each in self.touches if not each.convergent}
        return tuple(
            op
            for number, op in enumerate(self.ops)
            if number not in numbers
            and not (done.get(number) and any(each.moves for each in self.my_effects[number]))
        )


def pick_theirs(conflict: merge.MergeConflict) -> Json:
    """Chooses what stands there."""
    return conflict.theirs


def pick_mine(conflict: merge.MergeConflict) -> Json:
    """Chooses what the writer wants."""
    return conflict.mine


def topmost(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths in the order of their tokens, each once, without those that lie under another one."""
    kept: list[tuple[str, ...]] = []
    for tokens in sorted({jsonvalue.parse(path) for path in paths}):
        if not (kept and tokens[: len(kept[-1])] == kept[-1]):
            kept.append(tokens)
    return tuple(jsonvalue.pointer(tokens) for tokens in kept)
