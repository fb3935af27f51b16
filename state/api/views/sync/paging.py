"""Pages of what managers give in one list, which is bounded; a page begins after the place of what was shown last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from state.api.queries import Query
from state.errors import Invalid

T = TypeVar("T")
P = TypeVar("P", bound="tuple[str | float, ...]")


class Paging(Generic[T, P]):
    """Pages of one list."""

    def __init__(self, place: Callable[[T], P], kind: type[P]) -> None:
        """`place` orders the list, each place once; `kind` is its type."""
        self._place, self._kind = place, kind

    def page(self, found: Iterable[T], query: Query, limit: int) -> tuple[list[T], str | None]:
        """Those that `continue` asks for, in order, and the address of the next page. Raises Invalid."""
        rows = sorted(found, key=self._place)
        text = query.position()
        if text:
            after = self._read(text)
            rows = [each for each in rows if self._place(each) > after]
        shown = rows[:limit]
        more = len(rows) > limit
        return shown, query.following(self._written(shown[-1]) if more else "")

    def _written(self, shown: T) -> str:
        return msgspec.json.encode(self._place(shown)).decode()

    def _read(self, text: str) -> P:
        try:
            return msgspec.json.decode(text, type=self._kind)
        except (msgspec.DecodeError, RecursionError):
            raise Invalid(fields={"continue": ["This is not from `next`."]}) from None
