"""Writes that come over a socket, and how they are answered; blocks, so it is called in threads."""

from __future__ import annotations

import logging
from typing import Any, Final

from django.db import DatabaseError

from state import pace
from state.errors import Invalid, StarsError
from state.manager import Base, StateManager, WriteResult, WriteStatus
from state.manager.drafting import recorded_revision
from state.policy import Caller
from state.refusals import OperationNotFound, OutcomeUnknown
from state.sync import tasks
from state.sync.protocol import Creation, PushOnly, Res, Write
from state.values import (
    SETTINGS,
    TERMINAL,
    ConflictResolution,
    ConnectionType,
    StateType,
    SyncConfig,
)

logger = logging.getLogger(__name__)

_STATUS: Final = {WriteStatus.QUEUED: 202, WriteStatus.PARKED: 202}


def apply(
    manager: StateManager, config: SyncConfig, caller: Caller, user: Any, frame: Write
) -> Res:
    """Do it and say what it came to; refusals are answers, too."""
    try:
        pace.check(manager.limits, user, caller.name.removeprefix("agent:"))
        if frame.create is not None:
            result = _create(manager, config, caller, frame, frame.create)
        else:
            result = _update(manager, caller, frame)
    except StarsError as refusal:
        if refusal.extra.get("conflict_type"):
            _tell_tasks(manager, caller, frame, refusal.extra)
        return refused(frame.op_id, refusal)
    except Exception:
        logger.exception("a write was not answered")
        return refused(frame.op_id, StarsError("Stars could not answer this; its log says why."))
    if result.status is WriteStatus.PARKED:
        _tell_tasks(manager, caller, frame, result.conflict or {})
    status = _STATUS.get(result.status, 200 if frame.create is None else 201)
    return _answer(result, frame.op_id, status)


def _tell_tasks(manager: StateManager, caller: Caller, frame: Write, about: dict[str, Any]) -> None:
    """What a sync task has brought was written upon, and collided."""
    try:
        tasks.conflicted(
            manager.bus.publish_async,
            space=caller.space,
            agent=caller.name,
            state_id=frame.state,
            conflict_id=str(about.get("conflict_id", "")),
        )
    except DatabaseError:  # the write has its answer all the same
        logger.exception("sync tasks were not told of a conflict")


def check(frame: Write, mode: ConnectionType) -> None:
    """Raises PushOnly, Invalid for what is neither a creation nor operations."""
    if mode is ConnectionType.PUSH:
        raise PushOnly
    if bool(frame.ops) == (frame.create is not None):
        raise Invalid(fields={"ops": ["A write has either `ops` or `create`."]})


def outcome(manager: StateManager, caller: Caller, op_id: str) -> Res | None:
    """What a journalled write came to; None while it waits."""
    try:
        found = manager.operation(caller, op_id)
    except OperationNotFound:
        return refused(op_id, OutcomeUnknown())
    if found.status not in TERMINAL or found.outcome is None:
        return None
    told = found.outcome
    if told.get("refused"):
        problem = problem_of(
            told["http"], told["reason"], told["message"], told["fields"], told["extra"]
        )
        return Res(op_id=op_id, status=told["http"], problem=problem)
    return Res(
        op_id=op_id,
        status=200,
        state=told["state_id"],
        uid=told["uid"],
        v=told["version"],
        rev=recorded_revision(manager.store, caller.space, told["state_id"], told["version"]),
        merged=told["status"] == WriteStatus.MERGED,
        changed=told["status"] in (WriteStatus.APPLIED, WriteStatus.MERGED),
        conflict=told.get("conflict"),
    )


def refused(op_id: str, refusal: StarsError) -> Res:
    """The answer to a write that was refused."""
    extra = dict(refusal.extra)
    if isinstance(refusal, OutcomeUnknown):
        extra["outcome_unknown"] = True
    problem = problem_of(refusal.status, refusal.reason, refusal.message, refusal.fields, extra)
    return Res(
        op_id=op_id,
        status=refusal.status,
        changed=False,
        problem=problem,
        replayed=bool(extra.get("replayed")),
    )


def problem_of(
    status: int, reason: str, detail: str, fields: dict[str, Any], extra: dict[str, Any]
) -> dict[str, Any]:
    """A refusal as REST answers it (RFC 9457)."""
    found: dict[str, Any] = {
        "type": f"/problems/{reason}" if extra else "about:blank",
        "status": status,
        "detail": detail,
        "reason": reason,
    }
    if fields:
        found["errors"] = fields
    return {**extra, **found}


def _create(
    manager: StateManager, config: SyncConfig, caller: Caller, frame: Write, given: Creation
) -> WriteResult:
    settings = dict(given.settings)
    known = (*SETTINGS, "type")
    faults = {
        f"create.settings.{each}": ["There is no such setting."]
        for each in settings
        if each not in known
    }
    owners = settings.pop("owners", ())
    if not (isinstance(owners, list | tuple) and all(isinstance(each, str) for each in owners)):
        faults["create.settings.owners"] = ["This must be a list of principals."]
    if faults:
        raise Invalid("The settings are not valid.", fields=faults)
    kind = settings.pop("type", None) or given.type
    try:
        wanted = StateType(kind) if kind else None
    except ValueError:
        text = f"This must be one of {', '.join(StateType)}."
        raise Invalid(fields={"create.type": [text]}) from None
    defaults = {"consistency": config.consistency_level, "resolution": config.conflict_strategy}
    settings = {key: each for key, each in defaults.items() if each is not None} | settings
    name = settings.pop("name", "")
    return manager.create_state(
        caller,
        frame.state,
        given.name or name,
        wanted,
        owners,
        data=given.data,
        op_id=frame.op_id,
        note=frame.note,
        **settings,
    )


def _update(manager: StateManager, caller: Caller, frame: Write) -> WriteResult:
    resolution = None
    if frame.resolution is not None:
        try:
            resolution = ConflictResolution(frame.resolution)
        except ValueError:
            text = f"This must be one of {', '.join(ConflictResolution)}."
            raise Invalid(fields={"resolution": [text]}) from None
    base = None
    if frame.base is not None or frame.uid is not None:
        base = Base(version=frame.base, uid=frame.uid)
    return manager.update_state(
        caller,
        frame.state,
        frame.ops,
        frame.note or None,
        base=base,
        reads=frame.reads,
        read_mode=frame.read_mode,
        after=frame.after,
        resolution=resolution,
        op_id=frame.op_id,
    )


def _answer(result: WriteResult, op_id: str, status: int) -> Res:
    return Res(
        op_id=op_id,
        status=status,
        state=result.state_id,
        uid=result.uid,
        v=result.version,
        rev=result.revision,
        merged=result.merged,
        changed=result.changed,
        replayed=result.replayed,
        queued=result.status is WriteStatus.QUEUED,
        conflict=result.conflict,
    )
