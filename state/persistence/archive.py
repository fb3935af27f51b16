"""Backups. (Being written.)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from state.persistence.codec import Codec
from state.values import Row


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds."""


class Found:
    """A verified backup."""

    manifest: Manifest

    def spaces(self) -> dict[str, Iterable[Row]]:
        """Rows by space."""
        raise RuntimeError


def write(path: Path, spaces: dict[str, Iterable[Row]], codec: Codec) -> Manifest:
    """Write a backup."""
    raise RuntimeError


@contextmanager
def reading(path: Path, codec: Codec) -> Iterator[Found]:
    """Read a backup."""
    raise RuntimeError
    yield
