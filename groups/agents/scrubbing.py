"""Taking an agent's secrets out of text that others wrote, such as a provider's error message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

#: Shorter ones are no secrets: replacing them everywhere would only spoil the text.
_SHORTEST: Final = 4
_HIDDEN: Final = "•••"


def scrub(text: str, secrets: Mapping[str, str]) -> str:
    """The text without any of the secrets' values, as they are or as an address or JSON holds them."""
    # The longest first, since one may contain another.
    for value in sorted(secrets.values(), key=len, reverse=True):
        if len(value) >= _SHORTEST:
            for shape in (value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value)):
                text = text.replace(shape, _HIDDEN)
    return text
