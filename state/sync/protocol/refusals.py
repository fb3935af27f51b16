"""What the protocol refuses, each under its machine-readable word."""

from __future__ import annotations

from state.errors import Conflict, Invalid, NotAllowed, TooLarge
from state.refusals import TooMany


class BadFrame(Invalid):
    """A frame is one JSON object as text."""

    reason = "bad_frame"


class UnknownFrame(Invalid):
    """A frame's `t` is hello, sub, unsub, ack, write, pull or hb."""

    reason = "unknown_frame"


class InvalidFrame(Invalid):
    """A field of this frame is missing or not what it must be."""

    reason = "invalid_frame"  # extra: {"t": type}


class FrameTooLarge(TooLarge):
    """A frame may have 1,114,112 bytes, and 8,192 before welcome; write in smaller parts."""

    reason = "frame_too_large"


class WrongVersion(Invalid):
    """This server speaks version 1 of the sync protocol: say "proto": 1 in hello."""

    reason = "wrong_version"


class HelloFirst(Invalid):
    """The first frame of a connection is hello, and there is only one."""

    reason = "hello_first"


class UnknownSubscription(Invalid):
    """There is no subscription by that number on this connection."""

    reason = "unknown_subscription"


class TooManySubscriptions(TooMany):
    """One connection has at most 64 subscriptions; end some, or use prefixes such as "notes/*"."""

    reason = "too_many_subscriptions"


class TooManyPatterns(TooMany):
    """The subscriptions of one connection name at most 1,000 ids and prefixes; use prefixes such as "notes/*"."""

    reason = "too_many_patterns"


class Busy(TooMany):
    """One connection has at most 64 writes on their way; wait for answers."""

    reason = "busy"


class PullWaits(Busy):
    """This subscription is being pulled, and will be once more; wait for a mark."""


class PushOnly(NotAllowed):
    """This connection only receives: connect with mode "bidirectional" (or "pull") to write."""

    reason = "push_only"


class PullOnly(Conflict):
    """Only a connection of mode "pull" asks for changes; on this one they come by themselves."""

    reason = "pull_only"


class StatesNotFound(Invalid):
    """Some of these states are not there for you now; you get them as soon as they are."""

    reason = "states_not_found"  # extra: {"states": [...]}
