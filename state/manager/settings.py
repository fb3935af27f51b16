"""What a state starts with, by its type, and which settings a state may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from state import jsonvalue, merge, schema
from state.errors import Invalid
from state.policy import default_policy
from state.refusals import LastOwner, Unprocessable
from state.values import (
    AccessPolicy,
    ConflictResolution,
    ConsistencyLevel,
    MergeFallback,
    ReadPolicy,
    SharedState,
    StateManagerConfig,
    StateType,
)

#: The reserved space of `global` states.
GLOBAL_SPACE: Final = "_global"
#: Last words of an address that mean something else there (`api/urls.py`).
RESERVED: Final = frozenset(
    [
        "blame",
        "changes",
        "claims",
        "config",
        "diff",
        "freeze",
        "history",
        "ops",
        "restore",
        "unfreeze",
        "versions",
    ]
)
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@~-]*(/[A-Za-z0-9_][A-Za-z0-9_.:@~-]*)*")
_PRINCIPAL: Final = re.compile(r"\*|((agent|role|tag|human):)?[^\s:*][^\s:*]*|system")
MAX_ID: Final = 200
MAX_LIST: Final = 200

#: Consistency and resolution where the type decides them (shared-state 1.1).
_DEFAULTS: Final[dict[StateType, tuple[ConsistencyLevel, ConflictResolution]]] = {
    StateType.GLOBAL: (ConsistencyLevel.STRONG, ConflictResolution.REJECT),
    StateType.WORKFLOW: (ConsistencyLevel.STRONG, ConflictResolution.MERGE),
    StateType.TASK: (ConsistencyLevel.STRONG, ConflictResolution.REJECT),
    StateType.AGENT: (ConsistencyLevel.WEAK, ConflictResolution.LAST_WRITE),
}
#: The type of a state that is created without one: a document that nobody said may go does not go.
UNLESS_SAID: Final = StateType.RESOURCE
#: How long states live: a session from its last change, the others from when they were frozen.
LIFETIMES: Final[dict[StateType, timedelta]] = {
    StateType.SESSION: timedelta(hours=24),
    StateType.WORKFLOW: timedelta(days=30),
    StateType.TASK: timedelta(days=7),
}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of settings; what is UNSET stays."""

    name: str | UnsetType = UNSET
    owners: tuple[str, ...] | UnsetType = UNSET
    readers: tuple[str, ...] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    schema: dict[str, Any] | UnsetType | None = UNSET
    merge: str | UnsetType = UNSET
    consistency: ConsistencyLevel | UnsetType = UNSET
    resolution: ConflictResolution | UnsetType = UNSET
    merge_fallback: MergeFallback | UnsetType = UNSET
    read_policy: ReadPolicy | UnsetType = UNSET
    resolver: str | UnsetType = UNSET
    allow_override: bool | UnsetType = UNSET
    retention: float | UnsetType | None = UNSET
    keep: bool | UnsetType = UNSET
    frozen: bool | UnsetType = UNSET
    access_policy: AccessPolicy | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Those that are set, as SharedState has them."""
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in found.items() if value is not UNSET}


_AT: Final = re.compile(r" - at `\$\.?([^`]*)`$")


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as SharedState has them. Raises Invalid naming each field, Unprocessable for a schema that is none."""
    for free in ("metadata", "schema"):
        if changes.get(free) is not None:
            jsonvalue.check(changes[free])
    try:
        given = msgspec.convert(msgspec.to_builtins(dict(changes)), Settings).given()
    except msgspec.ValidationError as error:
        raise _as_invalid(error) from None
    faults: dict[str, list[str]] = {}
    for field in ("owners", "readers"):
        _check_principals(faults, field, given.get(field, ()))
    policy = given.get("access_policy")
    for field in (
        () if policy is None else ("read_allow", "write_allow", "delete_allow", "admin_allow")
    ):
        _check_principals(faults, f"access_policy.{field}", getattr(policy, field))
    if len(given.get("name", "")) > 200:
        faults["name"] = ["At most 200 characters."]
    if any(not tag.strip() or len(tag) > 64 or "\n" in tag for tag in given.get("tags", ())):
        faults["tags"] = ["A tag has 1 to 64 characters on one line."]
    if len(given.get("tags", ())) > MAX_LIST:
        faults["tags"] = [f"At most {MAX_LIST}."]
    if given.get("merge") and not merge.is_known(given["merge"]):
        faults["merge"] = [f"Unknown merge strategy; known: {', '.join(merge.STRATEGIES)}."]
    if (given.get("retention") or 0) < 0:
        faults["retention"] = ["0 or more seconds."]
    if faults:
        raise Invalid("The settings are not valid.", fields=faults)
    if given.get("schema") is not None:
        schema.check_schema(given["schema"])
    if "owners" in given and not given["owners"]:
        raise LastOwner(fields={"owners": ["A state needs an owner."]})
    return given


def _check_principals(faults: dict[str, list[str]], field: str, names: tuple[str, ...]) -> None:
    wrong = [name for name in names if not _PRINCIPAL.fullmatch(name) or len(name) > 200]
    if wrong:
        faults[field] = [
            f"'{name}' is not a principal: agent:<id>, role:<leader or worker>, tag:<t>, human:<name> or *."
            for name in wrong[:5]
        ]
    elif len(names) > MAX_LIST:
        faults[field] = [f"At most {MAX_LIST}."]


def _as_invalid(error: msgspec.ValidationError) -> Invalid:
    text = str(error)
    at = _AT.search(text)
    if at is None:
        unknown = re.search(r"unknown field `(.+)`", text)
        return Invalid(
            "The settings are not valid.", fields={unknown[1] if unknown else "settings": [text]}
        )
    return Invalid("The settings are not valid.", fields={at[1]: [text[: at.start()] + "."]})


def may_be_id(text: str) -> bool:
    """Whether a state may be called so; a store is not asked for anything else."""
    return len(text) <= MAX_ID and _ID.fullmatch(text) is not None


def check_id(state_id: str, kind: StateType, space: str) -> None:
    """Raises Invalid when no state may be called so, or none of that type may be in that space."""
    faults: dict[str, list[str]] = {}
    if not may_be_id(state_id):
        faults["id"] = [
            f"An id has 1 to {MAX_ID} letters, digits or '_.:@~-', in parts divided by '/', none empty."
        ]
    elif state_id.rpartition("/")[2] in RESERVED:
        faults["id"] = [f"The last part of an id may not be '{state_id.rpartition('/')[2]}'."]
    if (kind is StateType.GLOBAL) != (space == GLOBAL_SPACE):
        faults["type"] = ["States of type 'global' live in the space '_global', and only they do."]
    if faults:
        raise Invalid("The state cannot be created so.", fields=faults)


def starting(kind: StateType, config: StateManagerConfig) -> dict[str, Any]:
    """The settings that a state of that type has unless told otherwise."""
    consistency, resolution = _DEFAULTS.get(
        kind, (config.consistency_level, config.conflict_resolution)
    )
    return {
        "consistency": consistency,
        "resolution": resolution,
        "access_policy": default_policy(kind),
    }


def check_data(state: SharedState, data: Any) -> None:
    """Raises Unprocessable when the data are no object, or not as the state's schema wants them."""
    if not isinstance(data, dict):
        raise Unprocessable(fields={"data": ["The document is a JSON object."]})
    if state.schema is not None:
        faults = schema.violations(state.schema, data)
        if faults:
            raise Unprocessable(
                "The document would not be as its schema wants it.",
                fields={f"data{path}": [text] for path, text in faults[:20]},
            )
