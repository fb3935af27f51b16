"""Changing a document by a function until it fits what others write meanwhile (shared-state 1.6)."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from state import jsonvalue
from state.errors import Conflict
from state.refusals import Compacted
from state.sync.client.values import State, Written
from state.values import Json, Operation

#: Changes the data it is given, or returns other data.
Change: TypeAlias = Callable[[Any], Any]
Writer: TypeAlias = Callable[[Sequence[Operation], State], Awaitable[Written]]

#: Seconds: of the first pause at most, and of any.
FIRST: Final = 0.02
LONGEST: Final = 1.0


async def edit(
    seen: State,
    change: Change,
    write: Writer,
    fresher: Callable[[State], Awaitable[State | None]],
    attempts: int,
) -> Written:
    """Write what `change` makes of the data upon the version seen; refused, upon the document that the refusal holds,
    or else the next one that `fresher` gives. Raises the last refusal."""
    attempt = 0
    while True:
        ops = jsonvalue.diff(seen.data, _changed(seen.data, change))
        if not ops:
            return Written(
                op_id="",
                status=200,
                state=seen.id,
                uid=seen.uid,
                version=seen.version,
                revision=seen.revision,
                changed=False,
            )
        try:
            return await write(ops, seen)
        except (Conflict, Compacted) as refusal:
            attempt += 1
            hopeless = isinstance(refusal, Conflict) and not refusal.extra.get("retryable")
            if hopeless or attempt >= attempts:
                raise
            found = current(seen, refusal) or await fresher(seen)
            if found is None:
                raise
            seen = found
        # Those who collided shall not collide again.
        await asyncio.sleep(random.uniform(0, min(LONGEST, FIRST * 2**attempt)))


def current(seen: State, refusal: Conflict | Compacted) -> State | None:
    """The state as it stands, where the refusal holds it."""
    extra = refusal.extra
    uid, dash, version = str(extra.get("etag", "")).strip('"').rpartition("-")
    if "current" not in extra or not dash or not version.isdigit():
        return None
    return State(
        id=seen.id,
        uid=uid,
        version=int(version),
        revision=seen.revision,
        data=extra["current"],
        frozen=seen.frozen,
    )


def _changed(data: dict[str, Json], change: Change) -> Json:
    draft = copy.deepcopy(data)
    returned = change(draft)
    return jsonvalue.check(draft if returned is None else returned)
