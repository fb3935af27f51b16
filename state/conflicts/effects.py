"""Write sets (shared-state 1.3), and where two of them meet."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from state import jsonvalue
from state.jsonvalue import APPEND
from state.values import Entry, Json, Operation, OperationType


class Effect(msgspec.Struct, frozen=True):
    """One path of a write set."""

    path: str
    #: Where to look for what it did: of an append, the array.
    place: str
    #: Elements moved or were added: positions under `place` mean something else before and after.
    moves: bool

    @property
    def appends(self) -> bool:
        """It adds to the end of the array at `place`."""
        return self.path != self.place


def effects(op: Operation, doc: Json) -> tuple[Effect, ...]:
    """The write set of one operation on `doc`, in order."""
    found = []
    for path in sorted(jsonvalue.write_set((op,), doc)):
        tokens = jsonvalue.parse(path)
        appends = tokens[-1:] == (APPEND,)
        place = jsonvalue.pointer(tokens[:-1]) if appends else path
        shifts = op.op is not OperationType.SET and len(tokens) < len(jsonvalue.parse(op.path))
        found.append(Effect(path, place, appends or shifts))
    return tuple(found)


def meeting(one: Effect, other: Effect) -> str:
    """Where two overlapping effects meet: the deeper place, save that an array with moved elements is one whole."""
    upper, lower = sorted((one, other), key=lambda each: len(jsonvalue.parse(each.place)))
    return upper.place if upper.moves else lower.place


class Written:
    """What has been written, each path with the last entry that did, to be looked up by place."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, ...], dict[Effect, Entry]] = {}
        self._under: dict[tuple[str, ...], dict[Effect, Entry]] = {}

    def __bool__(self) -> bool:
        return bool(self._at)

    def add(self, effect: Effect, entry: Entry) -> None:
        """Entries come in the order of their versions."""
        tokens = jsonvalue.parse(effect.place)
        self._at.setdefault(tokens, {})[effect] = entry
        for end in range(len(tokens)):
            self._under.setdefault(tokens[:end], {})[effect] = entry

    def near(self, place: str) -> Iterator[tuple[Effect, Entry]]:
        """All at, above or under the place."""
        tokens = jsonvalue.parse(place)
        yield from self._under.get(tokens, {}).items()
        for end in range(len(tokens) + 1):
            yield from self._at.get(tokens[:end], {}).items()

    def last_near(self, place: str) -> Entry | None:
        """The last entry that wrote at, above or under the place."""
        found = (entry for _, entry in self.near(place))
        return max(found, key=lambda entry: entry.version, default=None)
