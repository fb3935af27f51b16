"""JSON Schema keywords that hold for any data in bounded time: patterns have a budget, and uniqueItems is linear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from math import prod
from time import perf_counter
from typing import Any, Final

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from state.jsonvalue import canonical
from state.values import Json

MAX_PATTERN: Final = 256
#: What repetitions of a pattern may multiply to: the engine unrolls those that must be there.
MAX_REPEATS: Final = 20_000
#: Seconds that all patterns together may search in the data of one write, and one of them in one text.
PATIENCE: Final = 0.25
PATIENCE_ONCE: Final = 0.05

_AT_LEAST: Final = re.compile(r"\{\s*(\d+)")


class BadPattern(Exception):
    """The pattern cannot be used; its words say why."""


class TooSlow(Exception):
    """The patterns took all the time there was."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern, by the engine that searches. Raises BadPattern."""
    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"A pattern has at most {MAX_PATTERN} characters.")
    if prod(max(1, int(count[:9])) for count in _AT_LEAST.findall(pattern)) > MAX_REPEATS:
        raise BadPattern(f"A pattern repeats at most {MAX_REPEATS} times.")
    try:
        return regex.compile(pattern)
    except (regex.error, ValueError, OverflowError, RecursionError):
        raise BadPattern(f"This is no regular expression: {pattern}") from None


class Patience:
    """The time that is left for searching."""

    def __init__(self) -> None:
        self.left = PATIENCE

    def search(self, pattern: str, text: str) -> bool:
        """Whether the pattern is found. Raises TooSlow, BadPattern."""
        found = compiled(pattern)
        started = perf_counter()
        try:
            return found.search(text, timeout=min(self.left, PATIENCE_ONCE)) is not None
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.left -= perf_counter() - started
            if self.left <= 0:
                raise TooSlow


#: Of the validation that is going on; jsonschema hands nothing of ours to the keywords.
PATIENCE_LEFT: Final[ContextVar[Patience]] = ContextVar("patience left for patterns")


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found, within the time of this validation."""
    return PATIENCE_LEFT.get().search(pattern, text)


def _pattern(
    validator: Any, pattern: str, value: Json, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Json], value: Json, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, below in patterns.items():
            for key, each in value.items():
                if matches(pattern, key):
                    yield from validator.descend(each, below, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, rest: Json, value: Json, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [
        key
        for key in value
        if key not in named and not any(matches(pattern, key) for pattern in patterns)
    ]
    if isinstance(rest, dict):
        for key in extras:
            yield from validator.descend(value[key], rest, path=key)
    elif not rest and extras:
        keys = ", ".join(repr(key) for key in sorted(extras))
        yield ValidationError(f"Additional properties are not allowed: {keys}")


def _unique_items(
    validator: Any, wanted: bool, value: Json, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if wanted and isinstance(value, list) and len(set(map(canonical, value))) < len(value):
        yield ValidationError(f"{value!r} has non-unique elements")


#: Not for schemas with `$schema`: jsonschema would go back to its own class there.
LimitedValidator: Final[Any] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    },
)


def _undeclared(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in schema.items() if key != "$schema"}


def _of_schemas() -> Any:
    """What judges schemas themselves: the dialect's own schema, under the same limits."""
    known = [
        (uri, DRAFT202012.create_resource(_undeclared(REGISTRY.contents(uri))))
        for uri in REGISTRY
        if "/draft/2020-12/" in uri
    ]
    registry: Registry[Any] = Registry().with_resources(known)
    return LimitedValidator(_undeclared(Draft202012Validator.META_SCHEMA), registry=registry)


SCHEMAS: Final = _of_schemas()
