"""JSON Pointers (RFC 6901): reading, writing, following and comparing paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final

from state.errors import Invalid
from state.values import Json

#: The token that stands for the place after an array's last element.
APPEND: Final = "-"
_STRAY = re.compile(r"~(?![01])")
#: RFC 6901, 4: no leading zeros; no document has more elements than ten digits count.
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)


class Missing(Enum):
    """The type of MISSING."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


#: What stands where nothing stands: unlike null, and equal to itself only.
MISSING: Final = Missing.MISSING


@lru_cache(maxsize=8192)
def parse(path: str) -> tuple[str, ...]:
    """The tokens of a pointer, () for "" (the whole document). Raises Invalid."""
    if not path:
        return ()
    if not path.startswith("/"):
        raise Invalid(f"A path begins with “/”, or is empty: {path[:80]!r}.")
    if "~" not in path:
        return tuple(path[1:].split("/"))
    if _STRAY.search(path):
        raise Invalid(f"In a path “~” is written ~0 and “/” within a key ~1: {path[:80]!r}.")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/"))


def escape(token: str) -> str:
    """A token as it stands in a pointer."""
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


def pointer(tokens: Iterable[str]) -> str:
    """The pointer of these tokens."""
    return "".join("/" + escape(token) for token in tokens)


def seed_key(key: str) -> str:
    """The pointer that a key of the seed's flat updates means: `a` is `/a`; "" and what begins with "/" is one."""
    return key if not key or key.startswith("/") else "/" + escape(key)


def index_of(token: str) -> int | None:
    """The array index that a token writes; None when it is none."""
    return int(token) if _INDEX.fullmatch(token) else None


def step(node: Json, token: str) -> Json | Missing:
    """What stands in a container under a token; MISSING when nothing does."""
    if isinstance(node, dict):
        return node.get(token, MISSING)
    if isinstance(node, list):
        index = index_of(token)
        return node[index] if index is not None and index < len(node) else MISSING
    return MISSING


def get(doc: Json, path: str) -> Json | Missing:
    """What stands at the path; MISSING when nothing does (also for `/-`). Raises Invalid for a malformed path."""
    return follow(doc, parse(path))


def follow(doc: Json, tokens: Iterable[str]) -> Json | Missing:
    """What stands under these tokens; MISSING when nothing does."""
    node = doc
    for token in tokens:
        node = step(node, token)
        if node is MISSING:
            break
    return node


def overlap(p: str, q: str) -> bool:
    """Whether writing at one path concerns the other: equal, or one above the other.

    An append (`/a/-`) concerns everything at, under and above `/a`, and no other append to it. Meant for paths of
    `write_set`, which never names an object's key “-”.
    """
    one, other = parse(p), parse(q)
    appends = one[-1:] == (APPEND,), other[-1:] == (APPEND,)
    if all(appends) and one == other:
        return False
    if appends[0]:
        one = one[:-1]
    if appends[1]:
        other = other[:-1]
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
