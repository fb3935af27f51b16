"""Primary keys that may stand in addresses."""

from __future__ import annotations

import uuid

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562, 5.7): unguessable enough for an address, ordered by time for the index."""
    return uuid_utils.compat.uuid7()
