"""What every service asks of what it is given: text, ids, tags and JSON, each fault under the name of its field."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from django.core.exceptions import ValidationError

from groups.errors import MessageTooLarge
from groups.models.agents import valid_id
from state.errors import Invalid

#: Characters; the columns of names, and the free texts beside them.
MAX_NAME: Final = 200
MAX_DESCRIPTION: Final = 20_000
#: Characters of the reason that a run is cancelled for.
MAX_REASON: Final = 500
#: Bytes of a message, and of an agent's settings as JSON.
MAX_TEXT: Final = 100_000
#: Tags of one member, and characters of each (an assignee may be a tag, so it must fit there).
MAX_TAGS: Final = 20
MAX_TAG: Final = 64


class Faults:
    """Collects what is wrong with several fields, so that the caller learns of all of them at once."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}

    def add(self, field: str, message: str) -> None:
        """Note a fault of that field."""
        self.fields.setdefault(field, []).append(message)

    def done(self) -> None:
        """Raise Invalid when there was any fault."""
        if self.fields:
            raise Invalid(fields=self.fields)

    def text(
        self, field: str, value: object, *, longest: int | None = None, required: bool = False
    ) -> str:
        """The text without blanks around it; notes a fault when no database could hold or show it."""
        if not isinstance(value, str):
            self.add(field, "This must be text.")
            return ""
        value = value.strip()
        fault = unstorable(value)
        if fault:
            self.add(field, fault)
        elif required and not value:
            self.add(field, "This may not be empty.")
        elif longest is not None and len(value) > longest:
            self.add(field, f"This has {len(value):,} characters; at most {longest:,} are allowed.")
        return value

    def identifier(self, field: str, value: object) -> str:
        """An id that a caller chose."""
        if isinstance(value, str) and is_id(value):
            return value
        self.add(field, str(valid_id.message))
        return ""

    def tags(self, field: str, value: object) -> list[str]:
        """The tags in their order, each once."""
        if not isinstance(value, list | tuple):
            self.add(field, "Tags are a list of words.")
            return []
        tags = [self.text(field, tag, longest=MAX_TAG, required=True) for tag in value]
        if len(tags) > MAX_TAGS:
            self.add(field, f"A member has at most {MAX_TAGS} tags.")
        return list(dict.fromkeys(tags))

    def json_object(self, field: str, value: object) -> dict[str, Any]:
        """A JSON object as the database will give it back."""
        if not isinstance(value, dict):
            self.add(field, "This must be a JSON object.")
            return {}
        try:
            wire = json.dumps(value, ensure_ascii=False, allow_nan=False)
            size = len(wire.encode())
        except (TypeError, ValueError, RecursionError):
            self.add(field, "This holds something that JSON cannot express.")
            return {}
        if size > MAX_TEXT:
            self.add(field, f"This has {size:,} bytes as JSON; at most {MAX_TEXT:,} are allowed.")
        found: dict[str, Any] = json.loads(wire)
        if _holds_nul(found):
            self.add(field, "This holds a NUL character.")
        return found


def is_id(text: str) -> bool:
    """Whether callers may choose this as an id."""
    try:
        valid_id(text)
    except ValidationError:
        return False
    return True


def unstorable(text: str) -> str:
    """Why no database or page can hold this text; empty when it can."""
    if "\x00" in text:
        return "This holds a NUL character."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "This holds half a character (a lone surrogate)."
    return ""


def unstorable_json(value: object) -> str:
    """Why no database can hold this JSON value; empty when it can."""
    if _holds_nul(value):
        return "This holds a NUL character."
    return unstorable(json.dumps(value, ensure_ascii=False))


def message_text(field: str, value: object) -> str:
    """The text of a message. Raises Invalid, or MessageTooLarge beyond MAX_TEXT bytes in UTF-8."""
    faults = Faults()
    text = faults.text(field, value, required=True)
    faults.done()
    size = len(text.encode())
    if size > MAX_TEXT:
        fault = f"This has {size:,} bytes; at most {MAX_TEXT:,} are allowed."
        raise MessageTooLarge(fields={field: [fault]})
    return text


def refuse(field: str, message: str) -> NoReturn:
    """Raise Invalid for one field."""
    raise Invalid(fields={field: [message]})


def _holds_nul(value: object) -> bool:
    """Whether a text in this JSON value holds NUL, which PostgreSQL's jsonb refuses."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
