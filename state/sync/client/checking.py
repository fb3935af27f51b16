"""Whether a write is one that the server can take, before it is kept and sent again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from state import jsonvalue
from state.errors import Invalid
from state.sync.protocol import Write, encode, parse
from state.values import Json, Limits, Operation

#: The server judges sizes; shapes can be judged here.
_LIMITS: Final = Limits(ops_per_request=1_000_000)


def operations(ops: Iterable[Operation | Mapping[str, Json]]) -> tuple[Operation, ...]:
    """As they are sent. Raises Invalid, JsonDomain."""
    try:
        found = tuple(
            each if isinstance(each, Operation) else msgspec.convert(dict(each), Operation)
            for each in ops
        )
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from None
    jsonvalue.check_ops(found, _LIMITS)
    return found


def check(write: Write) -> None:
    """As the server reads it; what it could not read it could not answer. Raises FrameTooLarge, InvalidFrame,
    JsonDomain, Invalid."""
    if bool(write.ops) == (write.create is not None):
        raise Invalid("Say which operations, or what to create.")
    jsonvalue.check([write.state, write.op_id, write.note, *write.after])
    if write.create is not None:
        jsonvalue.check([msgspec.structs.asdict(write.create)], max_depth=jsonvalue.MAX_DEPTH + 3)
    parse(encode(write))
