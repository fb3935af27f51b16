"""One-time addresses by which an agent's own program answers a subtask that waits for it."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from groups.agents import wire
from groups.errors import (
    CallbackExpired,
    CallbackNotFound,
    CallbackStale,
    CallbackTooEarly,
    CallbackUsed,
)
from groups.events import CallbackRefused
from groups.execution import steering
from groups.execution.statuses import SubtaskStatus, WaitsFor
from groups.models import Callback, Subtask
from groups.services.ledger import Machine, opened
from groups.services.subtasks import held_leases
from state.errors import StarsError

#: Seconds that an answer waits which comes sooner than the engine has stored that it is waited for.
EARLY: Final = 5.0
_LOOK: Final = 0.05


def make(*, subtask_id: uuid.UUID, lease: uuid.UUID, attempt: int, patience: float) -> str | None:
    """A new address's token for an attempt at work, good for `patience` seconds; None while its claim is not there.

    The subtask's older ones are good for nothing from now on.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        if not held_leases([lease]):
            return None
        older = Callback.objects.filter(subtask_id=subtask_id, used_at__isnull=True)
        older.filter(expires_at__gt=timezone.now()).update(expires_at=timezone.now())
        Callback.objects.create(
            subtask_id=subtask_id,
            digest=_digest(token),
            attempt=attempt,
            expires_at=timezone.now() + timedelta(seconds=patience),
        )
    return token


def answer(*, token: str, body: object) -> Subtask:
    """Give the subtask its answer, once. `body` is JSON of the shape that `wire.Answer` has.

    Raises CallbackNotFound, CallbackUsed, CallbackExpired, CallbackStale, CallbackTooEarly, RunFinished, and Invalid,
    which leaves the address as it was. That one which is good for nothing any more was tried stands in the run's log.
    """
    callback = _find(token)
    try:
        _check(callback)
        wire.read_answer(body)
        text = json.dumps(body)
        until = time.monotonic() + EARLY
        while not _give(callback, text):
            if time.monotonic() > until:
                raise CallbackTooEarly
            time.sleep(_LOOK)
    except (CallbackUsed, CallbackExpired, CallbackStale) as refusal:
        _note(callback, refusal)
        raise
    return callback.subtask


def _give(callback: Callback, text: str) -> bool:
    """Answer if the subtask waits; False if its attempt is still under way."""
    with opened(callback.subtask.run_id) as machine:
        # Under the run's lock: of two at once one is refused.
        current = Callback.objects.filter(pk=callback.pk).first()
        if current is None:
            raise CallbackNotFound
        _check(current)
        machine.must_go_on()
        if not _waits(machine, current):
            return False
        steering.answer(machine, current.subtask_id, text)
        Callback.objects.filter(pk=current.pk).update(used_at=timezone.now())
    return True


def _find(token: str) -> Callback:
    found = Callback.objects.select_related("subtask").filter(digest=_digest(token)).first()
    if found is None:
        raise CallbackNotFound
    return found


def _note(callback: Callback, refusal: StarsError) -> None:
    """Log the refusal, once an address: whoever has one cannot fill the log with it."""
    if callback.refused_at is not None:
        return
    with opened(callback.subtask.run_id) as machine:
        first = Callback.objects.filter(pk=callback.pk, refused_at=None)
        if first.update(refused_at=timezone.now()):
            event = CallbackRefused(reason=refusal.reason, text=refusal.message)
            machine.emit(event, machine.by_id.get(callback.subtask_id))


def _check(callback: Callback) -> None:
    if callback.used_at is not None:
        raise CallbackUsed
    if Callback.objects.filter(subtask_id=callback.subtask_id, id__gt=callback.pk).exists():
        raise CallbackStale
    if callback.expires_at <= timezone.now():
        raise CallbackExpired


def _waits(machine: Machine, callback: Callback) -> bool:
    """Whether it waits for this answer; False while the attempt is under way. Raises CallbackStale when it does not."""
    item = machine.by_id.get(callback.subtask_id)
    if item is None:
        raise CallbackNotFound
    if item.status == SubtaskStatus.RUNNING and item.attempt == callback.attempt:
        return False
    waits = item.status == SubtaskStatus.WAITING and item.waits_for == WaitsFor.REMOTE
    # A try that ends with waiting does not count, so the one that asked bears the next number.
    if not waits or item.attempt + 1 != callback.attempt:
        raise CallbackStale
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
