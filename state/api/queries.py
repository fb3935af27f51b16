"""Query parameters: those that an address knows, once each, of the right form."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from enum import StrEnum
from typing import NoReturn, TypeVar

from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from state.errors import Invalid

E = TypeVar("E", bound=StrEnum)


class Query:
    """What a request's address asks for. All methods raise Invalid naming the parameter."""

    def __init__(self, request: Request, *known: str, many: tuple[str, ...] = ()) -> None:
        """`known` parameters stand once at most, those of `many` as often as one likes."""
        self._request = request
        faults = {}
        for name, values in request.query_params.lists():
            if name not in known and name not in many:
                faults[name] = ["There is no such parameter here."]
            elif len(values) > 1 and name not in many:
                faults[name] = ["This may stand once only."]
            elif any("\x00" in value for value in values):
                faults[name] = ["This holds a NUL."]
        if faults:
            raise Invalid(fields=faults)

    def text(self, name: str) -> str | None:
        """As it was written."""
        return self._request.query_params.get(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """All that were given."""
        return tuple(self._request.query_params.getlist(name))

    def number(self, name: str, *, least: int = 1) -> int | None:
        """A whole number of at least `least`."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18) or int(text) < least:
            _refuse(name, f"This must be a whole number of at least {least}.")
        return int(text)

    def limit(self, default: int, most: int) -> int:
        """The size of a page."""
        return min(self.number("limit") or default, most)

    def flag(self, name: str) -> bool:
        """`true` or `false`; false when absent."""
        text = self.text(name)
        if text not in (None, "true", "false"):
            _refuse(name, "This must be true or false.")
        return text == "true"

    def choice(self, name: str, kind: type[E]) -> E | None:
        """One of the values of `kind`."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return kind(text)
        except ValueError:
            _refuse(name, f"This must be one of {', '.join(kind)}.")

    def moment(self, name: str) -> datetime | None:
        """A point in time."""
        text = self.text(name)
        if text is None:
            return None
        try:
            found = datetime.fromisoformat(text)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        _refuse(name, "This must be a time with its offset, such as 2026-01-31T09:30:00Z.")

    def position(self) -> str:
        """What `continue` stands for; "" for the beginning."""
        text = self.text("continue") or ""
        try:
            found = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode()
        except ValueError:  # binascii's and Unicode's errors are such
            found = "\n"
        if not found.isprintable():
            _refuse("continue", "This is not from `next`.")
        return found

    def following(self, position: str) -> str | None:
        """The address of the page that begins after `position`; None when that is ""."""
        if not position:
            return None
        token = base64.urlsafe_b64encode(position.encode()).decode()
        return self.other("continue", token)

    def other(self, name: str, value: object) -> str:
        """The address of this request with another value of one parameter."""
        return str(replace_query_param(self._request.build_absolute_uri(), name, value))


def _refuse(name: str, sentence: str) -> NoReturn:
    raise Invalid(fields={name: [sentence]})
