"""What clients of the live socket may say, what refuses them, and what the server answers. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from groups.live import DASHBOARD, encode, timestamp
from state.errors import Conflict, Invalid, StarsError, TooLarge

#: Characters of a client's frame.
MAX_FRAME: Final = 64 * 1024
#: Topics one socket may follow at once.
MAX_TOPICS: Final = 100

#: Close codes (4000-4999 are the application's, RFC 6455 7.4.2).
NOT_AUTHENTICATED: Final = 4401
DEACTIVATED: Final = 4403
FLOOD: Final = 4429


class BadJSON(Invalid):
    """A frame is one JSON object as text."""

    reason = "bad_json"


class UnknownFrame(Invalid):
    """A frame's type is subscribe (with a topic), unsubscribe (with a topic) or ping."""

    reason = "unknown_frame"


class UnknownTopic(Invalid):
    """A topic is run:<id>, group:<id>, space:<id> or dashboard."""

    reason = "unknown_topic"


class BadAfter(Invalid):
    """`after` is the number of the last event you have: a whole number from 0 to the run's last_seq."""

    reason = "bad_after"


class FrameTooLarge(TooLarge):
    """A frame may have 65,536 characters."""

    reason = "frame_too_large"


class TooManyTopics(Conflict):
    """One socket follows at most 100 topics; unsubscribe from some."""

    reason = "too_many_topics"


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    topic: str
    after: Annotated[int, msgspec.Meta(ge=0)] = 0


class Unsubscribe(msgspec.Struct, tag_field="type", tag="unsubscribe"):
    topic: str


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    pass


ClientFrame: TypeAlias = Subscribe | Unsubscribe | Ping
_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)


def parse(text: str | None) -> ClientFrame:
    """The frame; None stands for a binary one. Raises one of the errors above."""
    if text is None:
        raise BadJSON
    if len(text) > MAX_FRAME:
        raise FrameTooLarge
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise (BadAfter if "$.after" in str(error) else UnknownFrame) from None
    except (msgspec.DecodeError, RecursionError):
        raise BadJSON from None


def parse_topic(topic: str) -> tuple[str, str]:
    """(kind, id) of a topic: kind is run, group, space or dashboard (whose id is empty). Raises UnknownTopic."""
    kind, colon, name = topic.partition(":")
    if (kind in {"run", "group", "space"} and name) or (kind == DASHBOARD and not colon):
        return kind, name
    raise UnknownTopic


def hello(topic: str, **fields: Any) -> str:
    """The answer to `subscribe`, before anything of the topic."""
    return encode({"type": "hello", "topic": topic, **fields, "server_time": _now()}).decode()


def unsubscribed(topic: str) -> str:
    """The answer to `unsubscribe`, after everything of the topic."""
    return encode({"type": "unsubscribed", "topic": topic}).decode()


def pong() -> str:
    """The answer to `ping`."""
    return encode({"type": "pong", "server_time": _now()}).decode()


def error(refusal: StarsError, topic: str | None = None) -> str:
    """What was refused and why: `code` is the status that REST would answer."""
    body: dict[str, Any] = {
        "type": "error",
        "code": refusal.status,
        "reason": refusal.reason,
        "message": refusal.message,
    }
    if topic is not None:
        body["topic"] = topic
    return encode(body).decode()


def _now() -> str:
    return timestamp(datetime.now(UTC))
