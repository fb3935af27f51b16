"""What fits into a model's window: which parts of the context stay whole, which are shortened, which are left out.

Pure. Lengths are estimates in tokens, on the safe side for prose in any script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

#: Bytes of UTF-8 per token: English has about 4, Chinese about 3 (a character, at about one token each).
_BYTES_PER_TOKEN: Final = 3
#: What frames and roles around a message cost.
_FRAME: Final = 8
#: A shortened text keeps at least so many tokens; below that it is left out.
_LEAST: Final = 40


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the context. Higher `rank` is given room first; 0 always stays whole."""

    text: str
    rank: int = 0
    #: Whether a part of it is better than nothing.
    cuttable: bool = False


def tokens(text: str) -> int:
    """About how many tokens the text has."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN) + _FRAME


def fit(pieces: Sequence[Piece], room: int) -> list[str]:
    """The pieces' texts in their order, shortened or left out so that together they have at most `room` tokens.

    Pieces of rank 0 stay whatever they need. Then, from the highest rank on: cuttable ones of a rank share what is
    left evenly (who needs less leaves the rest to others), of the others the later ones, being newer, go first.
    """
    kept: dict[int, str] = {i: piece.text for i, piece in enumerate(pieces) if not piece.rank}
    room -= sum(map(tokens, kept.values()))
    for rank in sorted({piece.rank for piece in pieces} - {0}, reverse=True):
        mine = [i for i, piece in enumerate(pieces) if piece.rank == rank]
        whole = [i for i in mine if not pieces[i].cuttable]
        for index in reversed(whole):
            need = tokens(pieces[index].text)
            if need > room:
                # What is older than the first that does not fit goes with it: no holes in a conversation.
                break
            kept[index] = pieces[index].text
            room -= need
        cuttable = [i for i in mine if pieces[i].cuttable]
        granted = shares([tokens(pieces[i].text) for i in cuttable], max(0, room))
        for index, share in zip(cuttable, granted, strict=True):
            text = shorten(pieces[index].text, share)
            if text or share >= tokens(pieces[index].text):
                kept[index] = text
                room -= tokens(text)
    return [kept[index] for index in sorted(kept)]


def shares(needs: Sequence[int], room: int) -> list[int]:
    """How `room` is divided: everyone gets what he needs up to an equal share of what the modest leave (max-min
    fairness; Bertsekas and Gallager, Data Networks, 6.5.2)."""
    granted = [0] * len(needs)
    left = len(needs)
    for index in sorted(range(len(needs)), key=lambda i: needs[i]):
        granted[index] = min(needs[index], room // left)
        room -= granted[index]
        left -= 1
    return granted


def shorten(text: str, limit: int) -> str:
    """The text within `limit` tokens: its beginning and its end, saying what was left out. Empty if that is too
    little to be of use."""
    if tokens(text) <= limit:
        return text
    if limit < _LEAST:
        return ""
    raw = text.encode("utf-8", "replace")
    # The sentence about what is missing has about 60 bytes.
    keep = max(0, (limit - _FRAME) * _BYTES_PER_TOKEN - 66)
    head = raw[: keep * 2 // 3].decode("utf-8", "ignore")
    tail = raw[len(raw) - keep // 3 :].decode("utf-8", "ignore")
    missing = len(text) - len(head) - len(tail)
    return f"{head}\n[… {missing:,} characters left out …]\n{tail}"
