"""The enums of shared states in words, each with what it means for whoever writes."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from state.policy import canonical
from state.values import (
    ConflictResolution,
    ConflictStatus,
    ConsistencyLevel,
    EntryKind,
    MergeFallback,
    ReadPolicy,
    StateType,
    SyncStatus,
)

TYPES: Final[dict[str, Any]] = {
    StateType.GLOBAL: _("global"),
    StateType.SESSION: _("session"),
    StateType.WORKFLOW: _("workflow"),
    StateType.TASK: _("task"),
    StateType.AGENT: _("agent"),
    StateType.RESOURCE: _("resource"),
}
#: What each is for, and how long it lives.
TYPE_MEANINGS: Final[dict[str, Any]] = {
    StateType.GLOBAL: _("what everybody must agree on; stays as long as you want"),
    StateType.SESSION: _("what agents note while they talk; gone 24 h after the last change"),
    StateType.WORKFLOW: _("the results of a run; gone 30 days after it ends"),
    StateType.TASK: _("the draft of one subtask; gone 7 days after it ends"),
    StateType.AGENT: _("an agent's own notes; only it writes, until it leaves the group"),
    StateType.RESOURCE: _("anything that shall stay: a plan, a machine, a lock"),
}
#: The word, and what it means.
CONSISTENCIES: Final[dict[str, tuple[Any, Any]]] = {
    ConsistencyLevel.STRONG: (_("strong"), _("every write says which version it saw")),
    ConsistencyLevel.WEAK: (_("weak"), _("a write may say which version it saw")),
    ConsistencyLevel.EVENTUAL: (_("eventual"), _("writes are queued and applied soon after")),
}
RESOLUTIONS: Final[dict[str, tuple[Any, Any]]] = {
    ConflictResolution.REJECT: (_("reject"), _("the later write is refused")),
    ConflictResolution.MERGE: (_("merge"), _("both are joined path by path")),
    ConflictResolution.LAST_WRITE: (
        _("last write"),
        _("the later write wins; what it replaced is kept in the history"),
    ),
    ConflictResolution.CUSTOM: (_("custom"), _("a resolver settles it, or it waits for somebody")),
}
#: What each comes to when wim sets a title and wes, who has not seen that, sets another one and a budget.
RESOLUTION_EXAMPLES: Final[dict[str, Any]] = {
    ConflictResolution.REJECT: _(
        "Wes is told that the title has changed; nothing of his is written."
    ),
    ConflictResolution.MERGE: _(
        "The budget of Wes is written; the titles collide, and what a merge cannot settle decides."
    ),
    ConflictResolution.LAST_WRITE: _(
        "The title of Wes stands; that of Wim can be looked up in the history."
    ),
    ConflictResolution.CUSTOM: _(
        "The resolver makes one title of both, or somebody chooses in the conflicts."
    ),
}
CONSISTENCY_EXAMPLES: Final[dict[str, Any]] = {
    ConsistencyLevel.STRONG: _("For what must not be written blindly: money, decisions, leases."),
    ConsistencyLevel.WEAK: _(
        "For most: whoever says what they saw is protected, whoever does not is quick."
    ),
    ConsistencyLevel.EVENTUAL: _(
        "For many small notes: the answer comes at once, the outcome a moment later."
    ),
}
#: What merge strategies do, each with an example.
STRATEGIES: Final[dict[str, tuple[Any, str]]] = {
    "atomic": (_("The value is taken whole; two changes collide."), ""),
    "granular": (_("Objects are joined member by member."), ""),
    "set": (
        _("Lists are sets: what each added or removed counts."),
        "[a] → [a, b] + [a, c] = [a, b, c]",
    ),
    "map:id": (_("Lists of objects, told apart by a member, here id."), "[{id: 1, n: 2}]"),
    "append": (
        _("Lists grow at their end; both additions are kept."),
        "[a] → [a, b] + [a, c] = [a, b, c]",
    ),
    "counter": (_("Numbers count: both differences are added."), "3 → 5 + 3 → 4 = 6"),
    "max": (_("The larger number stands."), "5 + 4 = 5"),
    "min": (_("The smaller number stands."), "5 + 4 = 4"),
    "prefer_modify": (_("One removed it, one changed it: the change stands."), ""),
    "prefer_delete": (_("One removed it, one changed it: it is gone."), ""),
    "text3": (_("Texts are joined line by line."), ""),
}
SYNC_STATUSES: Final[dict[str, Any]] = {
    SyncStatus.SYNCED: _("In step"),
    SyncStatus.PENDING: _("Writes waiting"),
    SyncStatus.SYNCING: _("Being written"),
    SyncStatus.CONFLICT: _("Conflict"),
    SyncStatus.ERROR: _("Error"),
}
CONFLICT_STATUSES: Final[dict[str, Any]] = {
    ConflictStatus.OPEN: _("Open"),
    ConflictStatus.RESOLVED: _("Settled"),
    ConflictStatus.REJECTED: _("Dropped"),
}
FALLBACKS: Final[dict[str, tuple[Any, Any]]] = {
    MergeFallback.REJECT: (
        _("refuse the write"),
        _("its writer reads what stands, and decides anew"),
    ),
    MergeFallback.OURS: (_("take the writer's value"), _("the later one wins at that path")),
    MergeFallback.THEIRS: (_("keep the present value"), _("the earlier one wins at that path")),
    MergeFallback.PARK: (_("let somebody decide"), _("it waits in the conflicts")),
}
READ_POLICIES: Final[dict[str, tuple[Any, Any]]] = {
    ReadPolicy.CHECK: (_("refuse the write"), _("a decision was made on what no longer holds")),
    ReadPolicy.IGNORE: (_("write all the same"), _("only what is written counts")),
}
ENTRY_WORDS: Final[dict[str, Any]] = {
    EntryKind.CREATE: _("created"),
    EntryKind.UPDATE: _("written"),
    EntryKind.DELETE: _("deleted"),
    EntryKind.CONFIG: _("settings changed"),
    EntryKind.RESTORE: _("restored"),
}
CONFLICT_TYPES: Final[dict[str, Any]] = {
    "version": _("another version"),
    "schema": _("the schema forbids it"),
    "write_write": _("both changed the same place"),
    "read_write": _("what it relied on changed"),
    "custom": _("a rule forbids it"),
}
CONFLICT_KINDS: Final[dict[str, Any]] = {
    "both_changed": _("both changed it"),
    "delete_modify": _("one removed it, one changed it"),
    "type_change": _("they made different kinds of it"),
    "structure": _("these cannot be joined"),
    "stale": _("an older version was seen"),
    "cas_value": _("another value was expected"),
    "read_changed": _("what it relied on changed"),
    "invalid": _("the schema forbids it"),
}


def principal(name: str) -> str:
    """Who that is, as people say it: the id of an agent, the name of a user, a role or a tag in words."""
    if name == "system":
        return "Stars"
    if name == "*":
        return gettext("all members")
    kind, _sign, rest = canonical(name).partition(":")
    if kind == "role":
        return gettext("the leader") if rest == "leader" else gettext("the workers")
    if kind == "tag":
        return gettext("members tagged %(tag)s") % {"tag": rest}
    return rest or name
