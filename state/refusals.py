"""What the state half refuses, each under its machine-readable word (shared-state 1.8)."""

from __future__ import annotations

from typing import ClassVar

from state.errors import Conflict, Invalid, NotAllowed, NotFound, StarsError, TooLarge, Unavailable


class StateNotFound(NotFound):
    """There is no such state here."""


class SpaceNotFound(NotFound):
    """There is no such space here."""


class VersionNotFound(NotFound):
    """The state has no such version."""


class OperationNotFound(NotFound):
    """Nothing is known under this op_id."""


class ConflictNotFound(NotFound):
    """There is no such conflict here."""


class NotPermitted(NotAllowed):
    """You may not do this with this state."""  # extra: {"required": "write"}


class StateExists(Conflict):
    """There is a state by that id already."""

    reason = "exists"


class LastOwner(Conflict):
    """A state needs an owner; name another one first."""

    reason = "last_owner"


class FutureRevision(Conflict):
    """The space has not come to that revision yet."""

    reason = "future_revision"  # extra: {"head": revision}


class Conflicting(Conflict):
    """This write collides with what others have written."""  # extra: the members of 1.8


class VersionMismatch(Conflict):
    """The state has another version than expected."""

    reason = "version"  # extra: {"current": version}


class TransactionRefused(Conflict):
    """Some of the compared states have other versions."""

    reason = "compare_failed"  # extra: {"failed": [{"state", "expected", "version"}]}


class OperationExpired(Conflict):
    """It waited too long to be carried out."""

    reason = "expired"


class ConflictClosed(Conflict):
    """This conflict has been settled already."""

    reason = "settled"


class Compacted(StarsError):
    """That part of the history is gone; fetch the state as it is now and start from there."""

    reason: ClassVar[str] = "compacted"
    status = 410  # extra: {"snapshot": link or null, "compacted_version"| "compact_revision"}


class Stale(Conflict):
    """The state has changed since you read it."""

    reason = "stale"
    status = 412  # a precondition in a header; extra as Conflicting


class BaseRequired(StarsError):
    """This state is strongly consistent: say which version you saw (If-Match, or base_version)."""

    reason: ClassVar[str] = "base_required"
    status = 428


class Frozen(StarsError):
    """This state is frozen: it can be read and no longer written."""

    reason: ClassVar[str] = "frozen"
    status = 423


class Unprocessable(Invalid):
    """What was asked cannot be done with this state."""

    status = 422


class JsonDomain(Unprocessable):
    """This holds something that JSON in Stars cannot express."""

    reason = "json_domain"  # fields: {path: [...]}


class OpIdReuse(Unprocessable):
    """This op_id was used for a different request."""

    reason = "op_id_reuse"


class DuplicateKey(Invalid):
    """An object has the same key twice."""

    reason = "malformed"


class DocumentTooLarge(TooLarge):
    """The document would be larger than allowed."""


class TooMany(StarsError):
    """Too many at once; try again in a moment."""

    reason: ClassVar[str] = "too_many"
    status = 429


class StoreDown(Unavailable):
    """The store of states did not answer; nothing was written."""

    reason = "store_down"


class OutcomeUnknown(Unavailable):
    """The store went away while it committed: repeat the request with the same op_id to learn what happened."""

    reason = "outcome_unknown"  # extra: {"outcome_unknown": True}


class Closed(Unavailable):
    """This store has been closed."""

    reason = "closed"


class Damaged(StarsError):
    """What is kept is damaged."""  # message names the damaged part

    reason: ClassVar[str] = "damaged"
    status = 500


class WrongKey(StarsError):
    """What is kept was encrypted with a key that is not in the keyring."""

    reason: ClassVar[str] = "wrong_key"
    status = 500


class ConfigInvalid(StarsError):
    """The configuration of the states is not valid."""  # fields: {setting: [...]}

    reason: ClassVar[str] = "config"
    status = 500


class Unresolved(Conflict):
    """No rule and no resolver can settle this conflict."""
