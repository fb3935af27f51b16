"""What a mode may answer when it is asked what comes next."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from groups.execution.records import Draft


class Wait(NamedTuple):
    """Nothing: what is under way goes on."""


class Add(NamedTuple):
    """These subtasks are to exist from now on."""

    drafts: tuple[Draft, ...]


class Complete(NamedTuple):
    """The run is over and this is its result."""

    result: str


class Fail(NamedTuple):
    """The run is over without a result."""

    error: str


Step: TypeAlias = Wait | Add | Complete | Fail
