"""Frames: how WAL and checkpoints are cut into parts that can be checked, and what a broken file tells.

mark 4 | length u32 | crc32c u32 | number u64 | content        (little endian; the crc covers all that follows
                                                                it, and the length)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import google_crc32c
import msgspec

#: Its first byte never occurs in UTF-8, so that no document of a user can hold what looks like a frame.
MARK: Final = b"\xf5st\xf5"

_HEAD: Final = struct.Struct("<4sIIQ")


class Fault(StrEnum):
    """What is wrong where a file cannot be read on."""

    TORN = "torn"  # the last write was not finished: nothing valid follows
    DAMAGED = "damaged"  # valid frames follow, so this one was valid once
    MISSING = "missing"  # a valid frame, but not the next one


class Frame(msgspec.Struct, frozen=True):
    """One part, as read."""

    number: int
    content: bytes
    #: Where it begins and where the next one does.
    offset: int
    end: int


class Break(msgspec.Struct, frozen=True):
    """Why and where reading ended early."""

    fault: Fault
    offset: int


def frame(number: int, content: bytes) -> bytes:
    """The content as a frame."""
    return _HEAD.pack(MARK, len(content), _crc(number, content), number) + content


def _crc(number: int, content: bytes) -> int:
    head = struct.pack("<IQ", len(content), number)
    return int(google_crc32c.extend(google_crc32c.value(head), content))


def _frame_at(data: bytes, offset: int) -> Frame | None:
    """The frame that begins there; None when there is no valid one."""
    start = offset + _HEAD.size
    if start > len(data):
        return None
    mark, length, crc, number = _HEAD.unpack_from(data, offset)
    content = data[start : start + length]
    if mark != MARK or len(content) != length or _crc(number, content) != crc:
        return None
    return Frame(number, content, offset, start + length)


def read(data: bytes, first: int | None) -> Iterator[Frame | Break]:
    """The frames numbered first, first + 1, … (None: from whatever the first one has); where the file does not
    end with one, a Break comes last."""
    offset, number = 0, first
    while offset < len(data):
        found = _frame_at(data, offset)
        if found is None:
            yield Break(Fault.DAMAGED if _has_frame(data, offset + 1) else Fault.TORN, offset)
            return
        if number is not None and found.number != number:
            yield Break(Fault.MISSING, offset)
            return
        yield found
        offset, number = found.end, found.number + 1


def _has_frame(data: bytes, offset: int) -> bool:
    """Whether a valid frame begins at or after the offset."""
    while (offset := data.find(MARK, offset)) >= 0:
        if _frame_at(data, offset):
            return True
        offset += 1
    return False
