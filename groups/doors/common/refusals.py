"""What doors refuse before any service is asked."""

from __future__ import annotations

from state.errors import Invalid, StarsError


class BodyInvalid(Invalid):
    """The request's body is not what this address expects."""

    reason = "malformed"


class WrongMethod(StarsError):
    """This address does not know that method."""

    reason = "method_not_allowed"
    status = 405
