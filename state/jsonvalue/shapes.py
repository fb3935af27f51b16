"""Whether operations are well-formed, whatever document they are for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET

from state.errors import Invalid, TooLarge
from state.jsonvalue.domain import TOO_DEEP, check
from state.jsonvalue.pointers import parse
from state.refusals import JsonDomain
from state.values import Json, Limits, Operation, OperationType


def check_ops(ops: Sequence[Operation], limits: Limits) -> None:
    """Raise TooLarge (too many), Invalid (fields like `ops[2].path`) or JsonDomain (`ops[2].value/a`)."""
    if len(ops) > limits.ops_per_request:
        raise TooLarge(
            f"A request has at most {limits.ops_per_request} operations.",
            fields={"ops": [f"{len(ops)} operations are too many."]},
        )
    faults: dict[str, list[str]] = {}
    for number, op in enumerate(ops):
        for member, sentence in _faults(op):
            faults.setdefault(f"ops[{number}].{member}", []).append(sentence)
    if faults:
        raise Invalid(fields=faults)
    outside: dict[str, list[str]] = {}
    for number, op in enumerate(ops):
        # What is written at a path lies as many levels deep as the path has tokens.
        room = limits.document_depth - len(parse(op.path))
        for member, value, depth in (
            ("path", op.path, 0),
            ("value", op.value, room),
            ("expect", op.expect, limits.document_depth),
        ):
            try:
                if value is not UNSET:
                    check(value, max_depth=depth, at=f"ops[{number}].{member}")
            except JsonDomain as refused:
                outside |= refused.fields
        if room < 0:
            outside[f"ops[{number}].path"] = [TOO_DEEP]
    if outside:
        raise JsonDomain(fields=outside)


def _faults(op: Operation) -> Iterator[tuple[str, str]]:
    """(member, what is wrong with it)."""
    if op.op not in tuple(OperationType):
        yield "op", "An operation is one of " + ", ".join(OperationType) + "."
        return
    try:
        tokens = parse(op.path)
    except Invalid as refused:
        yield "path", refused.message
        return
    if op.op == OperationType.DELETE:
        if op.value is not UNSET:
            yield "value", "A delete has no value."
    elif op.value is UNSET:
        yield "value", "Say which value."
    elif not tokens and not isinstance(op.value, dict):
        yield "value", "The whole document is an object."
    yield from _condition_faults(op)


def _condition_faults(op: Operation) -> Iterator[tuple[str, str]]:
    conditions: dict[str, Json] = {
        "expect": op.expect is not UNSET,
        "expect_absent": op.expect_absent,
        "expect_version": op.expect_version is not None,
    }
    given = [name for name, present in conditions.items() if present]
    if op.op == OperationType.CAS:
        if len(given) != 1:
            yield "expect", "A cas has exactly one of expect, expect_absent and expect_version."
    else:
        for name in given:
            yield name, "Only a cas has conditions."
