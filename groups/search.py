"""Search everywhere: groups, agents, runs, states and messages that somebody may see. Reads only: one query for each
kind and a few for rights, however much there is."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.urls import reverse

from groups.access import Actor, visible_groups, visible_runs
from groups.execution.modes.reply import Reply
from groups.models import Agent, Message
from groups.spaces import GroupDirectory
from state import conf
from state.manager import GLOBAL_SPACE
from state.refusals import StoreDown

#: Hits of a kind when all kinds are shown together, and on a page of one kind; the last page there is.
FEW: Final = 5
MANY: Final = 25
LAST_PAGE: Final = 20
#: Words of a query that count, and characters of it.
WORDS: Final = 6
LONGEST: Final = 200
#: How many of the newest messages are looked through: older ones stand in their groups' histories.
MESSAGES: Final = 100_000
#: Characters of a long text that are read, and shown around what was found.
READ: Final = 2_000
SHOWN: Final = 160
_ID: Final = re.compile(r"[0-9a-f]{4,32}\Z")


class Kind(StrEnum):
    """What is searched for."""

    GROUPS = "groups"
    AGENTS = "agents"
    RUNS = "runs"
    STATES = "states"
    MESSAGES = "messages"


class Hit(NamedTuple):
    """One thing that was found; `text` says where the words stand in it."""

    kind: Kind
    id: str
    title: str
    text: str = ""
    #: The group that it belongs to, or the space of a state; empty for agents.
    group: str = ""
    #: A run's status, an agent's kind.
    status: str = ""
    at: datetime | None = None


class Page(NamedTuple):
    """Hits of one kind, and whether there are more."""

    hits: list[Hit]
    more: bool


def search(
    actor: Actor, query: str, *, kinds: Sequence[Kind] = tuple(Kind), page: int = 1, size: int = FEW
) -> dict[Kind, Page]:
    """What the actor may see that has every word of the query in it, newest first; nothing for an empty query."""
    words = words_of(query)
    if not words:
        return {kind: Page([], False) for kind in kinds}
    offset = size * (min(max(page, 1), LAST_PAGE) - 1)
    last = page >= LAST_PAGE
    found: dict[Kind, Page] = {}
    for kind in kinds:
        hits = _FINDERS[kind](actor, words, offset, size + 1)
        found[kind] = Page(hits[:size], len(hits) > size and not last)
    return found


def words_of(query: str) -> list[str]:
    """The words that are searched for."""
    clean = "".join(char if char.isprintable() else " " for char in query[:LONGEST])
    return clean.split()[:WORDS]


def path_of(hit: Hit) -> str:
    """The path of the page on which people look at it."""
    match hit.kind:
        case Kind.STATES if hit.group == GLOBAL_SPACE:
            return reverse("groups:state", kwargs={"state_id": hit.id})
        case Kind.STATES:
            return reverse("groups:state", kwargs={"space": hit.group, "state_id": hit.id})
        case Kind.MESSAGES:
            return f"{reverse('groups:group', args=[hit.group])}#message-{hit.id}"
        case kind:
            return reverse(f"groups:{kind.value.removesuffix('s')}", args=[hit.id])


def around(text: str, words: Sequence[str], length: int = SHOWN) -> str:
    """The part of a text in which a word stands first, in one line; its beginning when none does."""
    line = " ".join(text.split())
    low = line.lower()
    places = [place for word in words if (place := low.find(word.lower())) >= 0]
    start = max(0, min(places, default=0) - length // 3)
    if start:
        # From the beginning of a word, where the text has words.
        space = line.find(" ", start, start + 20)
        start = space + 1 if space >= 0 else start
    cut = line[start : start + length]
    return f"{'…' if start else ''}{cut}{'…' if start + length < len(line) else ''}"


def _matching(words: Sequence[str], *columns: str) -> Q:
    """Every word stands in one of the columns, in upper or lower case."""
    found = Q()
    for word in words:
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{column}__icontains": word})
        found &= anywhere
    return found


def _sliced(rows: QuerySet[Any], offset: int, limit: int) -> list[Any]:
    return list(rows[offset : offset + limit])


def _groups(actor: Actor, words: list[str], offset: int, limit: int) -> list[Hit]:
    rows = visible_groups(actor).filter(_matching(words, "name", "id", "description"))
    return [
        Hit(
            Kind.GROUPS,
            group.id,
            group.name,
            around(group.description, words),
            group.id,
            at=group.created_at,
        )
        for group in _sliced(rows.order_by("-created_at", "id"), offset, limit)
    ]


def _agents(actor: Actor, words: list[str], offset: int, limit: int) -> list[Hit]:
    """Every signed-in user may see every agent."""
    rows = Agent.objects.filter(_matching(words, "agent_id", "name", "description"))
    return [
        Hit(
            Kind.AGENTS,
            agent.agent_id,
            agent.name or agent.agent_id,
            around(agent.description, words),
            status=agent.kind,
            at=agent.created_at,
        )
        for agent in _sliced(rows.order_by("agent_id"), offset, limit)
    ]


def _runs(actor: Actor, words: list[str], offset: int, limit: int) -> list[Hit]:
    """By the words of the task, or by the beginning of the id. Ids are in the order of time (`models.keys`), so the
    newest are looked at first and no further than needed."""
    named = _by_id(words[0]) if len(words) == 1 else None
    match = _matching(words, "task")
    rows = visible_runs(actor).exclude(mode=Reply.name).filter(named | match if named else match)
    brief = rows.annotate(brief=Left("task", READ)).order_by("-id")
    values = brief.values("id", "brief", "group_id", "status", "created_at")
    hits = []
    for row in _sliced(values, offset, limit):
        title, _, rest = row["brief"].strip().partition("\n")
        hits.append(
            Hit(
                Kind.RUNS,
                str(row["id"]),
                title[:SHOWN],
                around(rest or title[SHOWN:], words),
                row["group_id"],
                row["status"],
                row["created_at"],
            )
        )
    return hits


def _by_id(word: str) -> Q | None:
    """Ids that begin with the word, as a range, which an index answers; None when it is no part of an id."""
    digits = word.lower().replace("-", "")
    if not _ID.match(digits):
        return None
    return Q(id__range=(uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))))


def _states(actor: Actor, words: list[str], offset: int, limit: int) -> list[Hit]:
    """By id, name, tags and owners: what stands in a state may be encrypted."""
    if not isinstance(actor, User):
        return []
    try:
        found = conf.manager().find_states(
            GroupDirectory().readers(actor),
            " ".join(words),
            limit=limit,
            offset=offset,
        )
    except StoreDown:
        return []
    return [
        Hit(Kind.STATES, each.id, each.id, each.name, each.space, each.type, each.timestamp)
        for each in found
    ]


def _messages(actor: Actor, words: list[str], offset: int, limit: int) -> list[Hit]:
    newest: QuerySet[Any] = Message.objects.order_by("-id").values("id")
    rows = (
        Message.objects.filter(
            _matching(words, "text"),
            id__gt=Subquery(newest[:1]) - MESSAGES,
            group__in=visible_groups(actor),
        )
        .annotate(brief=Left("text", READ))
        .order_by("-id")
    )
    values = rows.values("id", "brief", "group_id", "sender", "created_at")
    return [
        Hit(
            Kind.MESSAGES,
            str(row["id"]),
            around(row["brief"], words),
            row["sender"],
            row["group_id"],
            at=row["created_at"],
        )
        for row in _sliced(values, offset, limit)
    ]


_FINDERS: Final[dict[Kind, Callable[[Actor, list[str], int, int], list[Hit]]]] = {
    Kind.GROUPS: _groups,
    Kind.AGENTS: _agents,
    Kind.RUNS: _runs,
    Kind.STATES: _states,
    Kind.MESSAGES: _messages,
}
