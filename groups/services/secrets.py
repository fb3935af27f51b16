"""Keys and passwords at rest: encrypted with a key derived from Django's, bound to their row. They go in, never out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from state import sealing

_PURPOSE: Final = b"stars agent secrets v1"
_PLACE: Final = "agent_secrets"


def seal(secrets: Mapping[str, str], owner: int | str) -> bytes | None:
    """As they are kept in the row of `owner`; None when there are none."""
    if not secrets:
        return None
    return sealing.seal(
        json.dumps(dict(secrets)).encode(), str(owner), purpose=_PURPOSE, place=_PLACE
    )


def reveal(sealed: bytes | memoryview | None, owner: int | str) -> dict[str, str]:
    """The secrets by name. Raises WrongKey when SECRET_KEY was changed and the old one is not among
    SECRET_KEY_FALLBACKS, Damaged when they are another row's."""
    if sealed is None:
        return {}
    found: dict[str, str] = json.loads(
        sealing.reveal(bytes(sealed), str(owner), purpose=_PURPOSE, place=_PLACE)
    )
    return found
