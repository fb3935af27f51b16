"""One text for each JSON value, and its hash."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec
import rfc8785

from state.jsonvalue.domain import MAX_INT
from state.values import Json

_sorted = msgspec.json.Encoder(order="sorted")
_ordered = msgspec.json.Encoder()
# Numbers that msgspec may write otherwise than RFC 8785: whole floats (1.0) and those with an exponent. The same
# within a text costs time, not correctness. Two patterns, as each begins with a letter that is found fast.
_WHOLE: Final = re.compile(rb"\.0(?:[,\]}]|\Z)")
_EXPONENT: Final = re.compile(rb"e(?<=[0-9]e)[-+0-9]")
#: UTF-8 sorts as code points do, RFC 8785 by UTF-16 units: they differ between U+E000–U+FFFF and what lies above.
_ABOVE: Final = re.compile(rb"[\xf0-\xf4]")
_BELOW: Final = re.compile(rb"[\xee\xef]")


def digest(value: Json) -> str:
    """SHA-256 (hex) of the canonical form: equal for two values exactly when `json_equal` says so."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Json) -> bytes:
    """The value by RFC 8785 (JSON Canonicalization Scheme), save that whole numbers within 64 bits are written exactly.

    RFC 8785 takes every number for a float, so that 2^53 and 2^53+1 would have one hash, and a changed counter would
    pass for an unchanged one. Here integers keep all digits, and a float that equals one is written like it.
    """
    raw = _sorted.encode(value)
    if _WHOLE.search(raw) or _EXPONENT.search(raw):
        raw = _sorted.encode(_written(value))
    if not raw.isascii() and _ABOVE.search(raw) and _BELOW.search(raw):
        return slow_canonical(value)
    return raw


def slow_canonical(value: Json) -> bytes:
    """`canonical` without the short cut; tests hold the two against each other."""
    return _ordered.encode(_arranged(_written(value)))


def _written(value: Json) -> Json:
    """A copy whose floats are written already."""
    kind = type(value)
    if kind is dict:
        return {key: _written(each) for key, each in value.items()}
    if kind is list:
        return [_written(each) for each in value]
    if kind is float:
        if value.is_integer() and -MAX_INT <= value <= MAX_INT:
            return int(value)
        return msgspec.Raw(rfc8785.dumps(value))
    return value


def _arranged(value: Json) -> Json:
    """A copy whose keys stand in the order of RFC 8785."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: _arranged(value[key]) for key in keys}
    if isinstance(value, list):
        return [_arranged(item) for item in value]
    return value
