"""Which Python values are JSON in Stars, when two of them are the same, and how they are read and written as text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn

import msgspec

from state.errors import Invalid
from state.jsonvalue.pointers import pointer
from state.refusals import DocumentTooLarge, DuplicateKey, JsonDomain
from state.values import Json

#: Integers lie within ± this, so that every store can keep them.
MAX_INT: Final = 2**63 - 1
MAX_DEPTH: Final = 64
#: So many faults of a document are told; there may be more.
MAX_FAULTS: Final = 20
TOO_DEEP: Final = "This is nested too deeply."
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class Malformed(Invalid):
    """This is not JSON."""

    reason = "malformed"


def json_equal(a: Json, b: Json) -> bool:
    """Whether two JSON values are the same: `true` is not 1, 1 is 1.0, the order of keys says nothing.

    Python's own `==` differs from it only in taking True for 1 and False for 0.
    """
    if a is b:
        return True
    if a != b:
        return False
    if isinstance(a, dict | list):
        return _bools_match(a, b)
    return isinstance(a, bool) is isinstance(b, bool)


def _bools_match(a: Json, b: Json) -> bool:
    """Of two containers that Python takes for equal."""
    stack = [(a, b)]
    while stack:
        a, b = stack.pop()
        pairs = (
            zip(a, b, strict=True)
            if isinstance(a, list)
            else ((value, b[key]) for key, value in a.items())
        )
        for one, other in pairs:
            kind = type(one)
            if kind is dict or kind is list:
                stack.append((one, other))
            elif kind is not type(other) and (kind is bool or type(other) is bool):
                return False
    return True


def check(
    value: Json,
    *,
    max_depth: int = MAX_DEPTH,
    sanitize: bool = False,
    at: str = "",
    inside: tuple[str, ...] = (),
) -> Json:
    """The value, if every store can keep it (shared-state 1, "JSON domain"); depth is the number of nested containers.

    With `sanitize`, a copy in which U+FFFD stands for each U+0000 and lone surrogate (pairs are joined). Raises
    JsonDomain; its fields are pointers, which start with `at` (as it is) and the tokens `inside`.
    """
    if sanitize:
        value = _cleaned(value, max_depth)
    if _is_clean(value, max_depth):
        return value
    faults: dict[str, list[str]] = {}
    for tokens, sentence in _faults(value, max_depth):
        faults.setdefault(_printable(at + pointer(inside + tokens)), []).append(sentence)
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise JsonDomain(fields=faults)
    return value


def _is_clean(value: Json, room: int) -> bool:
    """Whether there are no faults, quickly: nearly all values have none."""
    kind = type(value)
    if kind is str:
        return not _text_fault(value)
    if kind is int:
        return bool(-MAX_INT <= value <= MAX_INT)
    if kind is dict:
        return room > 0 and all(
            type(key) is str and not _text_fault(key) and _is_clean(child, room - 1)
            for key, child in value.items()
        )
    if kind is list:
        return room > 0 and all(_is_clean(child, room - 1) for child in value)
    return value is None or kind is bool or (kind is float and math.isfinite(value))


def _faults(value: Json, max_depth: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where and why the value is outside the domain; with a stack of its own, so that no depth harms."""
    stack: list[tuple[Json, int, _Trail]] = [(value, 0, None)]
    while stack:
        node, depth, trail = stack.pop()
        kind = type(node)
        if kind is str:
            if sentence := _text_fault(node):
                yield _tokens(trail), sentence
        elif node is None or kind is bool:
            pass
        elif kind is int:
            if not -MAX_INT <= node <= MAX_INT:
                yield _tokens(trail), "This integer does not fit into 64 bits."
        elif kind is float:
            if not math.isfinite(node):
                yield _tokens(trail), "NaN and Infinity are not JSON."
        elif kind is dict or kind is list:
            if depth >= max_depth:
                yield _tokens(trail), TOO_DEEP
                continue
            items: Iterable[tuple[Json, Json]]
            items = node.items() if kind is dict else enumerate(node)
            for key, child in items:
                below = (trail, str(key))
                if kind is dict and (sentence := _key_fault(key)):
                    yield _tokens(below), sentence
                stack.append((child, depth + 1, below))
        else:
            yield _tokens(trail), f"{kind.__name__} is not a JSON type."


_Trail = tuple["_Trail", str] | None


def _tokens(trail: _Trail) -> tuple[str, ...]:
    found: list[str] = []
    while trail is not None:
        trail, token = trail
        found.append(token)
    return tuple(reversed(found))


def _key_fault(key: Json) -> str:
    return _text_fault(key) if type(key) is str else "Keys are strings."


def _text_fault(text: str) -> str:
    if "\0" in text:
        return "U+0000 cannot be kept."
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "A lone surrogate cannot be kept."
    return ""


def _printable(text: str) -> str:
    """The text as any encoder can write it."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\u0000")


def _clean_text(text: str) -> str:
    if not _text_fault(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", REPLACEMENT)


def _cleaned(value: Json, depth: int) -> Json:
    """A copy with clean texts; what is too deep or no JSON stays as it is, for the check that follows."""
    if type(value) is str:
        return _clean_text(value)
    if depth <= 0:
        return value
    if type(value) is list:
        return [_cleaned(item, depth - 1) for item in value]
    if type(value) is dict:
        copy: dict[Json, Json] = {}
        for key, item in value.items():
            clean = _clean_text(key) if type(key) is str else key
            if clean in copy or (clean != key and clean in value):
                # Cleaning must not make one key of two: a value would be lost.
                return value
            copy[clean] = _cleaned(item, depth - 1)
        return copy
    return value


# -- text -----------------------------------------------------------------------------------------------------------


def loads(raw: bytes, *, max_bytes: int = 1024 * 1024, max_depth: int = MAX_DEPTH) -> Json:
    """Read strict JSON in UTF-8.

    Raises DocumentTooLarge, Malformed, DuplicateKey (fields name the key's path) and JsonDomain.
    """
    if len(raw) > max_bytes:
        raise DocumentTooLarge(f"More than {max_bytes} bytes are not taken.")
    try:
        text = raw.decode()
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except _Doubled:
        raise DuplicateKey(fields=_doubled(text)) from None
    except UnicodeDecodeError as error:
        raise Malformed(f"This is not UTF-8: byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"This is not JSON: {error.msg}, line {error.lineno} column {error.colno}."
        ) from None
    except RecursionError:
        raise JsonDomain(fields={"": [TOO_DEEP]}) from None
    except ValueError:  # Python converts no integer of more than some thousand digits
        raise JsonDomain(fields={"": ["An integer does not fit into 64 bits."]}) from None
    return check(value, max_depth=max_depth)


class _Doubled(Exception):
    """An object has a key twice."""


class _Pairs(list[tuple[str, Json]]):
    """An object's members as they were written."""


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled
    return found


def _constant(word: str) -> NoReturn:
    raise Malformed(f"{word} is not JSON.")


def _doubled(text: str) -> dict[str, list[str]]:
    """Read once more, slowly, to say which keys stand twice; the text was read well up to there."""
    faults: dict[str, list[str]] = {}

    def note(pairs: list[tuple[str, Json]]) -> _Pairs:
        return _Pairs(pairs)

    stack: list[tuple[tuple[str, ...], Json]] = [((), json.loads(text, object_pairs_hook=note))]
    while stack:
        tokens, node = stack.pop()
        if isinstance(node, _Pairs):
            seen: set[str] = set()
            for key, child in node:
                if key in seen:
                    faults[_printable(pointer((*tokens, key)))] = ["This key stands here twice."]
                seen.add(key)
                stack.append(((*tokens, key), child))
        elif isinstance(node, list):
            stack += [((*tokens, str(index)), child) for index, child in enumerate(node)]
    return faults


_encoder = msgspec.json.Encoder()


def dumps(value: Json) -> bytes:
    """The value as compact JSON in UTF-8, keys in their present order."""
    return _encoder.encode(value)


def size(value: Json) -> int:
    """Bytes of the value as compact JSON: what limits of documents are measured in."""
    return len(dumps(value))
