"""Reads a run to take away: one moment of it, its log in pages, and no secret of those who worked on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from groups import live, selectors
from groups.agents.scrubbing import scrub_json, scrub_pieces, shapes
from groups.errors import RunNotFound
from groups.models import Agent, Run, RunEvent, Subtask
from groups.services import agents, tool_servers
from groups.takeaway.record import Taken

#: Events read at once.
PAGE: Final = 500
_TEXT: Final = "text.delta"
_RUN: Final = (
    *("task", "mode", "status", "failure_policy", "approve_plan", "result", "error"),
    *("stop_reason", "usage", "plan", "last_seq", "max_tokens", "max_cost_usd", "time_limit"),
    *("subtask_time_limit", "max_attempts", "max_parallel", "origin"),
)
_SUBTASK: Final = (
    *("key", "kind", "position", "title", "instructions", "assignee", "agent_id", "depends_on"),
    *("status", "attempt", "max_attempts", "question", "options", "answers", "result", "error"),
)
#: What nobody writes but ourselves. A secret that happens to be `2026` or `text` is found in it, and must not spoil it.
_OURS: Final = frozenset(
    {
        *("id", "mode", "kind", "status", "failure_policy", "sha256"),
        *("created_at", "started_at", "finished_at"),
        "group",  # a row of its own
    }
)


def gather(run: Run) -> Taken:
    """The run as it stands now. Raises RunNotFound when it is gone."""
    run, rows = _at_one_moment(run)
    looked_for = list(shapes(_secrets(run, {row.agent_id for row in rows})))
    facts: dict[str, Any] = {
        "id": str(run.id),
        "group": _scrubbed({"id": run.group_id, "name": run.group.name}, looked_for),
        **{name: getattr(run, name) for name in _RUN},
        "created_by": run.created_by.get_username() if run.created_by else None,
        **_times(run, ("created_at", "started_at", "finished_at")),
    }
    subtasks = [
        {"id": str(row.id)}
        | {name: getattr(row, name) for name in _SUBTASK}
        | _times(row, ("started_at", "finished_at"))
        for row in rows
    ]
    attachments = [
        {"name": file.name, "media_type": file.media_type, "size": file.size, "sha256": file.sha256}
        for file in selectors.attachments_of(run)
    ]
    return Taken(
        at=live.timestamp(timezone.now()),
        run=_scrubbed(facts, looked_for),
        subtasks=[_scrubbed(row, looked_for) for row in subtasks],
        attachments=[_scrubbed(row, looked_for) for row in attachments],
        log=StoredLog(run, looked_for),
    )


def _scrubbed(row: dict[str, Any], looked_for: Sequence[str]) -> dict[str, Any]:
    """The row with its own names, and without secrets in what others wrote into it."""
    return {
        name: value if name in _OURS else scrub_json(value, looked_for)
        for name, value in row.items()
    }


def _at_one_moment(run: Run) -> tuple[Run, list[Subtask]]:
    """The run afresh and its subtasks, neither older than the other."""
    with transaction.atomic():
        # Every change of a run holds this lock.
        locked = Run.objects.select_for_update().filter(id=run.id).first()
        if locked is None:
            raise RunNotFound
        subtasks = list(selectors.subtasks_of(locked))
    prefetch_related_objects([locked], "group", "created_by")
    return locked, subtasks


def _times(row: Any, names: Sequence[str]) -> dict[str, str | None]:
    moments = {name: getattr(row, name) for name in names}
    return {name: live.timestamp(at) if at else None for name, at in moments.items()}


def _secrets(run: Run, agent_ids: set[str]) -> Iterator[str]:
    """The keys and passwords of the group's agents, of those that worked on the run, and of all tool servers."""
    mine = Q(memberships__group=run.group_id) | Q(agent_id__in=agent_ids)
    for agent in Agent.objects.filter(mine).distinct():
        yield from agents.secret_values(agent)
    for server in selectors.tool_servers():
        yield from tool_servers.secret_values(server)


class StoredLog:
    """The log in the database (`record.Log`), up to where the run stood."""

    def __init__(self, run: Run, looked_for: Sequence[str]) -> None:
        self._rows = RunEvent.objects.filter(run_id=run.id, seq__lte=run.last_seq)
        self._looked_for = looked_for

    def events(self) -> Iterator[dict[str, Any]]:
        """All events as every wire shows them, ascending."""
        return self._read(self._rows)

    def facts(self) -> Iterator[dict[str, Any]]:
        """All but the pieces of text."""
        return self._read(self._rows.exclude(type=_TEXT))

    def text(self, subtask: str, longest: int) -> str:
        """The first characters of what the subtask's last attempt wrote."""
        mine = self._rows.filter(subtask=subtask)
        begun = mine.filter(type="subtask.started").order_by("-seq").values_list("seq", flat=True)
        pieces, size = [], 0
        for event in self._read(mine.filter(type=_TEXT, seq__gt=begun.first() or 0)):
            pieces.append(event["data"]["text"])
            size += len(pieces[-1])
            if size > longest:
                break
        return "".join(pieces)[:longest]

    def _read(self, rows: QuerySet[RunEvent]) -> Iterator[dict[str, Any]]:
        pages = self._pages(rows)
        return self._cleaned(pages) if self._looked_for else chain.from_iterable(pages)

    def _pages(self, rows: QuerySet[RunEvent]) -> Iterator[list[dict[str, Any]]]:
        after = 0
        while page := list(rows.filter(seq__gt=after).order_by("seq")[:PAGE]):
            yield [live.event_json(event) for event in page]
            after = page[-1].seq

    def _cleaned(self, pages: Iterator[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        """Without secrets. Each page is looked at together with the next: a secret may begin in one and end there."""
        before: list[dict[str, Any]] = []
        for page in chain(pages, [[]]):
            for event in page:
                event["data"] = _scrubbed(event["data"], self._looked_for)
            by_subtask: dict[str | None, list[dict[str, Any]]] = {}
            for event in (*before, *page):
                if event["type"] == _TEXT:
                    by_subtask.setdefault(event["subtask"], []).append(event["data"])
            for pieces in by_subtask.values():
                texts = scrub_pieces([piece["text"] for piece in pieces], self._looked_for)
                for piece, text in zip(pieces, texts, strict=True):
                    piece["text"] = text
            yield from before
            before = page
