"""Frames as text, both ways."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from state import jsonvalue
from state.errors import StarsError
from state.sync.protocol.client import Ack, ClientFrame, ClientHb, Hello, Pull, Sub, Unsub, Write
from state.sync.protocol.limits import APART, DEPTH, MAX_FRAME, MAX_GREETING
from state.sync.protocol.refusals import BadFrame, FrameTooLarge, InvalidFrame, UnknownFrame
from state.sync.protocol.server import ErrorFrame, ServerFrame, error

_CLIENT: Final[dict[str, type[Any]]] = {
    "hello": Hello,
    "sub": Sub,
    "unsub": Unsub,
    "ack": Ack,
    "write": Write,
    "pull": Pull,
    "hb": ClientHb,
}
_server: Final[msgspec.json.Decoder[ServerFrame]] = msgspec.json.Decoder(ServerFrame)
_encoder: Final = msgspec.json.Encoder()


def encode(frame: ClientFrame | ServerFrame) -> str:
    """The frame as text."""
    return _encoder.encode(frame).decode()


async def parse_apart(text: str | None, *, welcome: bool) -> ClientFrame:
    """As `parse`, a long frame in a thread; before `welcome` only short ones are read."""
    size = len(text or "")
    if size > (MAX_FRAME if welcome else MAX_GREETING):
        raise FrameTooLarge
    return parse(text) if size <= APART else await asyncio.to_thread(parse, text)


def parse(text: str | None) -> ClientFrame:
    """A client's frame; None stands for a binary one.

    Raises FrameTooLarge, BadFrame, UnknownFrame, InvalidFrame, and as `jsonvalue.loads` Malformed, DuplicateKey,
    JsonDomain.
    """
    if text is None:
        raise BadFrame
    if len(text) > MAX_FRAME:
        raise FrameTooLarge  # there are no fewer bytes than characters
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise BadFrame from None
    if len(raw) > MAX_FRAME:
        raise FrameTooLarge
    # What is not JSON of our domain is refused in the words of `jsonvalue`.
    found = jsonvalue.loads(raw, max_bytes=MAX_FRAME, max_depth=DEPTH)
    if not isinstance(found, dict):
        raise BadFrame
    kind = found.get("t")
    wanted = _CLIENT.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        raise UnknownFrame
    try:
        frame: ClientFrame = msgspec.convert(found, wanted)
    except msgspec.ValidationError as error:
        raise InvalidFrame(f"{kind}: {error}", extra={"t": kind}) from None
    return frame


class _Address(msgspec.Struct):
    t: str = ""
    sub: int | UnsetType = UNSET
    op_id: str | UnsetType = UNSET


def refuse(text: str | None, refusal: StarsError) -> ErrorFrame:
    """The answer to a frame that was refused; a write's names its op_id, a sub's its number, as far as they can be
    read."""
    try:
        found = msgspec.json.decode(text or "", type=_Address)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return error(refusal)
    return error(
        refusal,
        sub=found.sub if found.t == "sub" else UNSET,
        op_id=found.op_id if found.t == "write" else UNSET,
    )


def parse_server(text: str | bytes) -> ServerFrame:
    """A server's frame, as clients read it. Raises BadFrame."""
    try:
        return _server.decode(text)
    except msgspec.DecodeError as error:
        raise BadFrame(str(error)) from None
