"""What doors refuse before any service is asked."""

from __future__ import annotations

from state.errors import Invalid, StarsError, TooLarge


class BodyInvalid(Invalid):
    """The request's body is not what this address expects."""

    reason = "malformed"


class BodyTooLarge(TooLarge):
    """The request's body is larger than allowed."""


class WrongMethod(StarsError):
    """This address does not know that method."""

    reason = "method_not_allowed"
    status = 405
