"""Documents side by side: what collides between a base, what stands and what somebody wants, and choices applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from django.core.exceptions import ValidationError

from groups.forms.states import json_of, text_of
from state import jsonvalue, merge, schema
from state.jsonvalue import MISSING
from state.values import Blame, Json, SharedState

#: Names of the fields in which a choice per path is sent, and a value of one's own: these and the path.
PICK: Final = "pick:"
VALUE: Final = "value:"
#: What can be chosen: one of the three documents, or a value of one's own.
PICKS: Final = (*get_args(merge.Pick), "value")


@dataclass(frozen=True)
class Side:
    """One colliding path: three values as text (None: nothing stands there) and who wrote what stands."""

    path: str
    base: str | None
    current: str | None
    incoming: str | None
    by: str = ""
    version: int = 0
    picked: str = ""
    #: A value of one's own as it was typed, and what is wrong with it.
    own: str | None = None
    fault: str = ""

    @property
    def field(self) -> str:
        """The name of its radio buttons."""
        return PICK + self.path

    @property
    def value_field(self) -> str:
        """The name of the field for a value of one's own."""
        return VALUE + self.path


@dataclass(frozen=True)
class Choices:
    """What somebody has chosen, by path."""

    picks: dict[str, merge.Pick] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)
    #: The values as they were typed, also those that are no JSON; by path, with what is wrong.
    texts: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> set[str]:
        """Where something was chosen."""
        return {*self.picks, *self.values}

    def picked(self, path: str) -> str:
        """The choice at a path, as its radio button is called; "" none."""
        return "value" if path in self.values or path in self.faults else self.picks.get(path, "")


def choices_in(sent: Mapping[str, Any], paths: Iterable[str] | None = None) -> Choices:
    """The choices that were sent, all or those at these paths."""
    found = {
        name.removeprefix(PICK): str(sent[name])
        for name in sent
        if name.startswith(PICK) and sent[name] in PICKS
    }
    wanted = found.keys() if paths is None else found.keys() & set(paths)
    picks, values, faults = dict[str, Any](), dict[str, Json](), dict[str, str]()
    texts = {name.removeprefix(VALUE): str(sent[name]) for name in sent if name.startswith(VALUE)}
    for path in wanted:
        if found[path] != "value":
            picks[path] = found[path]
            continue
        try:
            values[path] = json_of(texts.get(path, ""))
        except ValidationError as error:
            faults[path] = " ".join(error.messages)
    return Choices(picks, values, texts, faults)


def settled(
    base: dict[str, Json],
    theirs: dict[str, Json],
    mine: dict[str, Json],
    choices: Choices,
    state: SharedState,
) -> tuple[dict[str, Json], bool]:
    """As `merge.picked` says, by the strategies of that state."""
    strategy = schema.strategies(state.schema, state.merge)
    return merge.picked(base, theirs, mine, choices.picks, choices.values, strategy)


def colliding(
    base: dict[str, Json], state: SharedState, mine: dict[str, Json], named: Iterable[str]
) -> list[str]:
    """Paths that collide: those named by whoever found the conflict, and those that a merge leaves open.

    A path below another one is left to it; the whole document only when nothing more exact is known.
    """
    merged = _merged(base, state.data, mine, state)
    paths = {*(path for path in named if path), *(each.path for each in merged.conflicts)}
    found = sorted(path for path in paths if not any(path.startswith(f"{p}/") for p in paths))
    return found


def sides(
    paths: Iterable[str],
    base: dict[str, Json],
    state: SharedState,
    mine: dict[str, Json],
    *,
    blame: Mapping[str, Blame] | None = None,
    choices: Choices | None = None,
) -> list[Side]:
    """These paths in the three documents, with who wrote what stands there."""
    # Elements of keyed arrays stand elsewhere in each document: the merge knows which belong together.
    known = {each.path: each for each in _merged(base, state.data, mine, state).conflicts}
    chosen = choices or Choices()
    found = []
    for path in paths:
        at = known.get(path)
        values = (
            [jsonvalue.get(each, path) for each in (base, state.data, mine)]
            if at is None
            else [at.base, at.theirs, at.mine]
        )
        here = [b for where, b in (blame or {}).items() if jsonvalue.overlap(where, path)]
        last = max(here, key=lambda each: each.version, default=None)
        before, now, wanted = (None if value is MISSING else text_of(value) for value in values)
        by, version = (last.agent, last.version) if last else ("", 0)
        found.append(
            Side(
                path,
                before,
                now,
                wanted,
                by=by,
                version=version,
                picked=chosen.picked(path),
                own=chosen.texts.get(path),
                fault=chosen.faults.get(path, ""),
            )
        )
    return found


def _merged(base: Json, theirs: Json, mine: Json, state: SharedState) -> merge.Merged:
    return merge.merge(base, theirs, mine, schema.strategies(state.schema, state.merge))
