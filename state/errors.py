"""The five families every error of Stars belongs to; the family tells each shell (API, page, socket) what to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class StarsError(Exception):
    """Something went wrong in Stars."""

    #: Machine-readable word for scripts; a subclass without its own takes its family's.
    reason: ClassVar[str] = "error"
    #: HTTP status of the family (RFC 9110); also decides what a page or socket shows.
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, list[str]] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """`message` is the sentence the user reads (default: the class's docstring).

        `fields` maps a field's name, as the user wrote it, to what is wrong with it.
        `extra` are further members of the answer for scripts (RFC 9457, 3.2), JSON values.
        """
        self.message = message or (type(self).__doc__ or "").strip().split("\n")[0]
        self.fields: dict[str, list[str]] = {
            key: list(value) for key, value in (fields or {}).items()
        }
        self.extra: dict[str, Any] = dict(extra or {})
        super().__init__(self.message)


class NotFound(StarsError):
    """There is nothing here by that name."""

    reason = "not_found"
    status = 404


class NotAllowed(StarsError):
    """You may not do this."""

    reason = "not_allowed"
    status = 403


class Invalid(StarsError):
    """What was sent is not valid."""

    reason = "invalid"
    status = 400


class TooLarge(Invalid):
    """What was sent is larger than allowed."""

    reason = "too_large"
    status = 413


class Conflict(StarsError):
    """This cannot be done in the present state."""

    reason = "conflict"
    status = 409


class Unavailable(StarsError):
    """A service that Stars needs did not answer; try again."""

    reason = "unavailable"
    status = 503
