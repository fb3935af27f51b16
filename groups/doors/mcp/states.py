"""Tools for the shared states of a group's space. Conflicts are told in words that a model can act on."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from groups.doors.mcp.tool import Arguments, GroupId, Json, tool
from groups.identity import Identity
from groups.models import Scope
from state import conf, patching
from state.api.answers import written
from state.api.patches import JsonPatch
from state.errors import Conflict
from state.manager import Base, StateManager, WriteResult, WriteStatus
from state.policy import Caller
from state.refusals import Conflicting, Stale
from state.threads import in_thread
from state.values import Filters, SharedState

LISTED: Final = 200

Version: TypeAlias = Annotated[int, Meta(ge=1)]
StateId: TypeAlias = Annotated[str, Meta(description="A state's id, as list_states has it.")]


class ListStates(Arguments):
    group: GroupId
    prefix: Annotated[str, Meta(description="Only ids that begin so.")] = ""


class ReadState(Arguments):
    group: GroupId
    state: StateId
    version: Annotated[Version | None, Meta(description="An older version.")] = None


class PatchState(Arguments):
    group: GroupId
    state: StateId
    patch: Annotated[
        dict[str, Any] | list[dict[str, Any]],
        Meta(
            description="An object: a JSON Merge Patch (null removes). "
            "A list: a JSON Patch (RFC 6902), which fits one version only."
        ),
    ]
    expected_version: Annotated[
        Version | None,
        Meta(
            description="The version you read; what others wrote since is merged or refused, not lost."
        ),
    ] = None
    op_id: Annotated[
        str, Meta(max_length=100, description="Yours: the same write sent twice is done once.")
    ] = ""


@tool(ListStates, Scope.READ)
async def list_states(who: Identity, given: ListStates) -> Json:
    """List the shared states of a group: JSON documents with versions that its agents and people work on together."""

    @in_thread
    def read() -> list[Json]:
        manager, caller = _at(who, given.group)
        page = manager.list_states(caller, Filters(prefix=given.prefix), limit=LISTED)
        return [_brief(state) for state in page.states]

    return {"states": await read()}


@tool(ReadState, Scope.READ)
async def read_state(who: Identity, given: ReadState) -> Json:
    """Read a shared state: its document and its version. Give that version to patch_state."""

    @in_thread
    def read() -> SharedState:
        manager, caller = _at(who, given.group)
        return manager.get_state(caller, given.state, version=given.version)

    state = await read()
    return {**_brief(state), "data": state.data}


@tool(PatchState, Scope.STATE)
async def patch_state(who: Identity, given: PatchState) -> Json:
    """Change a shared state. Say which version you read; if others changed the same places since, you are told what
    collides: read it again, decide, and patch the new version."""

    @in_thread
    def write() -> WriteResult:
        manager, caller = _at(who, given.group)
        seen = given.expected_version
        base = None if seen is None else Base(version=seen)
        if isinstance(given.patch, list):
            if base is not None:
                # It means something else on another version than the one it was made for.
                uid = manager.get_state(caller, given.state).uid
                base = Base(version=base.version, uid=uid, exact=True)
            patch = JsonPatch(manager, caller, given.state, given.patch)
            return patch.carry_out(base, given.op_id)
        ops = patching.from_merge_patch(given.patch)
        return manager.update_state(caller, given.state, ops, base=base, op_id=given.op_id)

    try:
        result = await write()
    except Conflict as error:
        raise _in_words(error) from None
    found: Json = msgspec.to_builtins(written(result))
    if result.status is WriteStatus.PARKED:
        found["note"] = "It collides with what others wrote; a person has to decide."
    return found


def _at(who: Identity, group_id: str) -> tuple[StateManager, Caller]:
    return conf.manager(), conf.directory().caller(who.user, group_id)


def _brief(state: SharedState) -> Json:
    return {
        "id": state.id,
        "name": state.name,
        "type": state.type,
        "version": state.version,
        "frozen": state.frozen,
    }


def _in_words(error: Conflict) -> Conflict:
    """The same refusal, which says what to do next."""
    if isinstance(error, Conflicting | Stale):
        error.message += " Read the state again with read_state, and patch the version it then has."
    return error
