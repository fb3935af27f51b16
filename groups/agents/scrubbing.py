"""Taking an agent's secrets out of text that others wrote, such as a provider's error message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

#: Shorter ones are no secrets: replacing them everywhere would only spoil the text.
_SHORTEST: Final = 4
_HIDDEN: Final = "•••"


def scrub(text: str, secrets: Mapping[str, str]) -> str:
    """The text without any of the secrets' values, as they are or as an address or JSON holds them."""
    for shape in shapes(secrets.values()):
        text = text.replace(shape, _HIDDEN)
    return text


def shapes(values: Iterable[str]) -> Iterator[str]:
    """What to look for: each value as it is, and as an address or JSON holds it."""
    # The longest first, since one may contain another.
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST:
            yield from (value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value))


def scrub_json(value: Any, looked_for: Sequence[str]) -> Any:
    """The JSON value with every text in it, names of members included, without these shapes."""
    if isinstance(value, str):
        for shape in looked_for:
            value = value.replace(shape, _HIDDEN)
        return value
    if isinstance(value, list):
        return [scrub_json(item, looked_for) for item in value]
    if isinstance(value, dict):
        return {
            scrub_json(name, looked_for): scrub_json(item, looked_for)
            for name, item in value.items()
        }
    return value


def scrub_pieces(pieces: Sequence[str], looked_for: Sequence[str]) -> list[str]:
    """Pieces of one text without these shapes, which may begin in one piece and end in another."""
    text = "".join(pieces)
    found = sorted(_places(text, looked_for))
    if not found:
        return list(pieces)
    out, at, begin = [], 0, 0
    for piece in pieces:
        end, kept = begin + len(piece), ""
        while begin < end:
            while at < len(found) and found[at][1] <= begin:
                at += 1
            first, last = found[at] if at < len(found) else (end, end)
            if begin < first:
                kept += text[begin : min(first, end)]
                begin = min(first, end)
            else:
                kept += _HIDDEN if begin == first else ""
                begin = min(last, end)
        out.append(kept)
    return out


def _places(text: str, looked_for: Sequence[str]) -> list[tuple[int, int]]:
    """From where to where secrets stand; what overlaps is joined."""
    found = []
    for shape in dict.fromkeys(looked_for):
        at = text.find(shape)
        while at >= 0:
            found.append((at, at + len(shape)))
            at = text.find(shape, at + len(shape))
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(found):
        if joined and begin < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
