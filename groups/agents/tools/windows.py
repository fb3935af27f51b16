"""Attachments for agents: what there is, and their text in windows, whatever it is encoded in."""

from __future__ import annotations

import asyncio
import codecs
from functools import partial
from pathlib import Path
from typing import Any, Final

from groups.agents.base import Attachment
from groups.agents.builtin import files
from groups.agents.surroundings import ToolResult
from groups.agents.tools.base import Fault, Use, as_json, brief

#: Bytes of one window, unless the agent asks for fewer, and at most.
WINDOW: Final = 12_000
MAX_WINDOW: Final = 24_000
#: Bytes that the encoding is judged by.
SAMPLE: Final = 64 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


async def listed(use: Use) -> ToolResult:
    """The run's attachments."""
    found = [_described(file) for file in use.request.attachments]
    return ToolResult(text=as_json(found), summary=f"{len(found)} attachments")


async def read(use: Use) -> ToolResult:
    """A window of one attachment's text."""
    file = use.attachment(use.arguments["name"])
    if file.path.suffix == ".parquet" or file.media_type.endswith("parquet"):
        raise Fault(f"{file.name!r} is a binary table; ask it by table.query instead.")
    offset = use.arguments.get("offset", 0)
    length = use.arguments.get("length", WINDOW)
    try:
        work = partial(window, file.path, offset, length)
        text, end, size, codec = await asyncio.to_thread(work)
    except OSError as error:
        raise Fault(f"{file.name!r} cannot be read: {error.strerror}.") from None
    rest = f"Go on with offset {end}." if end < size else "This is its end."
    head = f"[{file.name}: bytes {offset} to {end} of {size}, {codec}. {rest}]"
    return ToolResult(text=f"{head}\n{text}", summary=brief(f"{file.name} from {offset}: {text}"))


def window(path: Path, offset: int, length: int) -> tuple[str, int, int, str]:
    """The text from byte `offset` on, the offset at which to go on, the file's size, and its encoding.

    Ends between two characters. What is no character becomes U+FFFD; an offset within one is moved to the next where
    the encoding lets that be seen. Raises OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        codec, mark = _encoding(file.read(SAMPLE))
        start = max(offset, mark)
        if codec.startswith(("utf-16", "utf-32")):
            start -= (start - mark) % (4 if "32" in codec else 2)
        file.seek(start)
        data = file.read(min(length, MAX_WINDOW))
    if codec == "utf-8":
        # Bytes in the middle of a character begin with the bits 10.
        inside = next((n for n, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)
        data, start = data[inside:], start + inside
    decoder = codecs.getincrementaldecoder(codec)("replace")
    last = start + len(data) >= size
    text = decoder.decode(data, final=last)
    pending = 0 if last else len(decoder.getstate()[0])
    if pending and pending == len(data):
        # A window smaller than the character in it.
        return decoder.decode(b"", final=True), start + len(data), size, codec
    return text.replace("\x00", "�"), start + len(data) - pending, size, codec


def _encoding(sample: bytes) -> tuple[str, int]:
    """The codec, and how many bytes of the file are its mark."""
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            return codec.removesuffix("-sig"), len(mark)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(sample).best()
        return (best.encoding if best else "cp1252"), 0
    return "utf-8", 0


def _described(file: Attachment) -> dict[str, Any]:
    told = {"name": file.name, "media_type": file.media_type, "bytes": file.size}
    return {**told, "table": True} if files.shape(file) else told
