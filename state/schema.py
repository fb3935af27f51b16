"""JSON Schemas of states (draft 2020-12 with `x-stars-merge`): which are taken, what violates them, and the merge
strategy they name at a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec
from referencing import Registry
from referencing.exceptions import Unresolvable

from state.errors import Invalid
from state.jsonvalue import MISSING, canonical, follow, get, pointer
from state.limited import (
    PATIENCE_LEFT,
    SCHEMAS,
    BadPattern,
    LimitedValidator,
    Patience,
    TooSlow,
    compiled,
)
from state.merge import IF_SUITED, STRATEGIES, is_known
from state.merge.strategies import type_for
from state.refusals import Unprocessable
from state.values import Json

MERGE_KEYWORD: Final = "x-stars-merge"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
#: Subschemas that one value may have to be held against; more comes of references that multiply each other.
MAX_STEPS: Final = 2000
MAX_VIOLATIONS: Final = 50
MAX_SENTENCE: Final = 300
TOO_SLOW: Final = "The pattern takes too long."

# Where subschemas stand (JSON Schema core, 10 and 11). The first three judge the same value as the schema itself.
_SAME_ONE: Final = ("not", "if", "then", "else")
_SAME_LIST: Final = ("allOf", "anyOf", "oneOf")
_SAME_MAP: Final = ("dependentSchemas",)
_ONE: Final = (
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_LIST: Final = ("prefixItems",)
_MAP: Final = ("properties", "patternProperties", "$defs", "definitions")
Schema = dict[str, Any]
Place = tuple[str, ...]


def check_schema(schema: Json) -> None:
    """Raise Unprocessable (fields {"schema": [...]}) unless this is a schema that states can have.

    Refused are also references that lead out of it or round in a circle, keywords that would fetch or rename
    (`$id` and `$schema` below the root, `$dynamicRef`), long patterns, and merge strategies that do not suit the
    declared `type`.
    """
    if not isinstance(schema, dict):
        _refuse(["A schema is an object."])
    if schema.get("$schema", DIALECT) not in (DIALECT, DIALECT + "#"):
        _refuse([f"The schema's dialect is {DIALECT}."])
    _check_form(schema)
    nodes = list(_all_subschemas(schema))
    known = {id(node) for _, node in nodes}
    faults = [
        f"{pointer(place) or 'The schema'}: {sentence}"
        for place, node in nodes
        for sentence in _faults(schema, known, place, node)
    ]
    keys = {key for _, node in nodes for key in node}
    if {"patternProperties", "unevaluatedProperties"} <= keys:
        # jsonschema's own look at what is unevaluated searches without a limit.
        faults.append("unevaluatedProperties is not supported together with patternProperties.")
    if not faults and _steps(schema) > MAX_STEPS:
        faults.append("References lead round in a circle, or multiply each other.")
    if faults:
        _refuse(faults[:MAX_VIOLATIONS])


def _check_form(schema: Schema) -> None:
    """Raise Unprocessable unless the dialect's own schema takes it."""
    token = PATIENCE_LEFT.set(Patience())
    try:
        fault = next(SCHEMAS.iter_errors(schema), None)
    except RecursionError:
        _refuse(["This schema is nested too deeply."])
    except TooSlow:
        _refuse([TOO_SLOW])
    finally:
        PATIENCE_LEFT.reset(token)
    if fault is not None:
        place = pointer(str(part) for part in fault.absolute_path)
        _refuse([f"{place or 'The schema'}: {_cut(fault.message)}"])


def violations(schema: Json, data: Json) -> list[tuple[str, str]]:
    """Where and how the data violates a checked schema: (pointer, sentence), at most 50, by path.

    Patterns that take too long for the data (`limited.PATIENCE`) are a violation too, of the whole, and the last.
    """
    if schema is None:
        return []
    found = []
    token = PATIENCE_LEFT.set(Patience())
    try:
        for error in _validator(canonical(schema)).iter_errors(data):
            place = pointer(str(part) for part in error.absolute_path)
            found.append((place, _cut(error.message)))
            if len(found) >= MAX_VIOLATIONS:
                break
    except (RecursionError, Unresolvable):
        _refuse(["This schema cannot be applied: its references lead nowhere or in a circle."])
    except BadPattern as error:
        _refuse([str(error)])
    except TooSlow:
        found.append(("", TOO_SLOW))
    finally:
        PATIENCE_LEFT.reset(token)
    return sorted(found)


def strategies(schema: Json, default: str = "") -> Callable[[Place], str | None]:
    """The merge strategy at a path, for `merge`: the schema's, else the state's default where it suits.

    Follows properties, patternProperties, additionalProperties, items, prefixItems, allOf and local references.
    The strategy raises Unprocessable when patterns take too long for the paths.
    """
    fallback = IF_SUITED + default if default else None
    if not isinstance(schema, dict):
        return lambda tokens: fallback

    patience = Patience()

    def strategy_of(tokens: Place) -> str | None:
        nodes = _expanded(schema, [schema])
        for token in tokens:
            below = [child for node in nodes for child in _children(node, token, patience)]
            nodes = _expanded(schema, below)
            if not nodes:
                return fallback
        return next((node[MERGE_KEYWORD] for node in nodes if MERGE_KEYWORD in node), fallback)

    return strategy_of


def _refuse(sentences: list[str]) -> None:
    raise Unprocessable("This schema cannot be used.", fields={"schema": sentences})


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SENTENCE else text[: MAX_SENTENCE - 1] + "…"


@lru_cache(maxsize=256)
def _validator(text: bytes) -> Any:
    """A validator by the schema's canonical text; its empty registry fetches nothing."""
    schema = msgspec.json.decode(text)
    schema.pop("$id", None)
    schema.pop("$schema", None)  # see LimitedValidator
    return LimitedValidator(schema, registry=Registry())


# -- the parts of a schema ------------------------------------------------------------------------------------------


def _same_value(node: Schema) -> Iterator[tuple[Place, Json]]:
    """Subschemas that judge the same value, without references."""
    yield from _parts(node, _SAME_ONE, _SAME_LIST, _SAME_MAP)


def _parts(
    node: Schema, ones: tuple[str, ...], lists: tuple[str, ...], maps: tuple[str, ...]
) -> Iterator[tuple[Place, Json]]:
    for key in ones:
        if key in node:
            yield (key,), node[key]
    for key in lists:
        for index, child in enumerate(node.get(key, ())):
            yield (key, str(index)), child
    for key in maps:
        for name, child in node.get(key, {}).items():
            yield (key, name), child


def _all_subschemas(schema: Schema) -> Iterator[tuple[Place, Schema]]:
    stack: list[tuple[Place, Json]] = [((), schema)]
    while stack:
        place, node = stack.pop()
        if isinstance(node, dict):
            yield place, node
            children = [*_same_value(node), *_parts(node, _ONE, _LIST, _MAP)]
            stack += [((*place, *below), child) for below, child in reversed(children)]


def _target(schema: Schema, reference: str) -> Json:
    """What a local reference means: `#`, `#/pointer` or `#anchor`; MISSING: nothing."""
    if not reference.startswith("#") or "%" in reference:
        return MISSING
    if reference == "#" or reference.startswith("#/"):
        try:
            return get(schema, reference[1:])
        except Invalid:
            return MISSING
    anchors = (node for _, node in _all_subschemas(schema) if node.get("$anchor") == reference[1:])
    return next(anchors, MISSING)


def _faults(schema: Schema, known: set[int], place: Place, node: Schema) -> Iterator[str]:
    """What is wrong with one subschema; `known` are the ids of all of them."""
    reference = node.get("$ref")
    if reference is not None:
        target = _target(schema, reference)
        if not reference.startswith("#"):
            yield "$ref stays within the schema (“#/…”); nothing is fetched."
        elif not isinstance(target, bool) and id(target) not in known:
            yield f"$ref leads nowhere: {_cut(reference)}"
    if "$dynamicRef" in node:
        yield "$dynamicRef is not supported; use $ref."
    if place and ("$id" in node or "$schema" in node):
        yield "$id and $schema are taken at the root only."
    for pattern in [node.get("pattern", ""), *node.get("patternProperties", {})]:
        yield from _pattern_faults(pattern)
    if MERGE_KEYWORD in node:
        yield from _strategy_faults(node)


def _pattern_faults(pattern: str) -> Iterator[str]:
    try:
        compiled(pattern)
    except BadPattern as error:
        yield str(error)


def _strategy_faults(node: Schema) -> Iterator[str]:
    strategy = node[MERGE_KEYWORD]
    if not isinstance(strategy, str) or not is_known(strategy):
        yield f"{MERGE_KEYWORD} is one of {', '.join(STRATEGIES)}."
        return
    wanted = type_for(strategy)
    declared = node.get("type", wanted)
    types = {declared} if isinstance(declared, str) else set(declared or ())
    types = {"number" if name == "integer" else name for name in types} - {"null"}
    if wanted is not None and types != {wanted}:
        yield f"{MERGE_KEYWORD} “{strategy}” is for the type {wanted}."


def _steps(schema: Schema) -> int:
    """The most subschemas that one value can be held against; more than MAX_STEPS when they go in a circle."""
    known: dict[int, int] = {}

    def count(node: Json) -> int:
        if not isinstance(node, dict):
            return 1
        if id(node) in known:
            return known[id(node)]
        known[id(node)] = (
            MAX_STEPS + 1
        )  # until it is known: whoever comes here again goes in a circle
        same = [child for _, child in _same_value(node)]
        if "$ref" in node:
            same.append(_target(schema, node["$ref"]))
        known[id(node)] = min(MAX_STEPS + 1, 1 + sum(map(count, same)))
        return known[id(node)]

    try:
        return max(count(node) for _, node in _all_subschemas(schema))
    except RecursionError:
        return MAX_STEPS + 1


def _expanded(schema: Schema, nodes: list[Json]) -> list[Schema]:
    """The schemas with what they refer to and are composed of."""
    found: list[Schema] = []
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        if not isinstance(node, dict) or any(node is other for other in found):
            continue
        found.append(node)
        more = [_target(schema, node["$ref"])] if "$ref" in node else []
        stack += reversed(more + node.get("allOf", []))
    return found


def _children(node: Schema, token: str, patience: Patience) -> list[Json]:
    """The subschemas for what stands under a token, of object or array. Raises Unprocessable."""
    found = []
    if token in node.get("properties", {}):
        found.append(node["properties"][token])
    try:
        found += [
            child
            for pattern, child in node.get("patternProperties", {}).items()
            if patience.search(pattern, token)
        ]
    except BadPattern as error:
        _refuse([str(error)])
    except TooSlow:
        _refuse([TOO_SLOW])
    if not found and "additionalProperties" in node:
        found.append(node["additionalProperties"])
    element = follow(node.get("prefixItems", []), (token,))
    if element is not MISSING:
        found.append(element)
    elif "items" in node and (token == "-" or token.isdigit()):
        found.append(node["items"])
    return found
