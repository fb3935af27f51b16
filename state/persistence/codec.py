"""How values become bytes at rest: JSON, compressed, encrypted. (Being written.)"""

from __future__ import annotations

from typing import Any


class Codec:
    """Packs JSON values for storage."""

    def pack(self, value: Any, *place: str | int) -> bytes:
        """The value as bytes that `unpack` reads only at the same `place` (space, uid, version, column)."""
        raise RuntimeError

    def unpack(self, packed: bytes, *place: str | int) -> Any:
        """The value."""
        raise RuntimeError
