"""Structs are learnt before there are threads.

msgspec finds out what a Struct's fields are at its first use and keeps that with the class. Two threads doing so at
once end the interpreter by a segmentation fault (msgspec 0.22; `tests/unit/test_structs.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import msgspec

_lock = threading.Lock()
_known: set[type[msgspec.Struct]] = set()


def learn() -> None:
    """Have msgspec learn every Struct of the modules that are loaded. To be called again when more were loaded."""
    with _lock:
        for kind in set(_descendants(msgspec.Struct)) - _known:
            try:
                msgspec.json.Decoder[Any](kind)
            except (NameError, TypeError):
                # Has a field that can be written only, or one whose type has no name at run time.
                continue
            finally:
                _known.add(kind)


def _descendants(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)
