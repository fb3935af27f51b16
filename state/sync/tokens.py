"""Resume tokens: a place in the log of a space, for one subscription of one reader. Clients only keep and return them.

A token says epoch, revision and a hash of what the subscription is and who reads; with another one of either, what
the client has is not what it would have got, and it begins anew (shared-state 1, 2.4). Pure.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from state.errors import Invalid
from state.policy import Caller
from state.sync.filters import Filter


class BadToken(Invalid):
    """This is not a token that Stars gave out; subscribe without one to get a snapshot."""

    reason = "bad_token"


class Token(msgspec.Struct, frozen=True):
    """What a token says."""

    epoch: str
    revision: int
    filter_hash: str


def prefix(epoch: str, filtered: str) -> str:
    """What all tokens of a subscription begin with; a token is this, a dot and the revision."""
    return base64.urlsafe_b64encode(f"{epoch}|{filtered}".encode()).decode().rstrip("=")


def encode(token: Token) -> str:
    """As clients keep it."""
    return f"{prefix(token.epoch, token.filter_hash)}.{token.revision}"


def decode(text: str) -> Token:
    """Raises BadToken."""
    lineage, dot, revision = text.rpartition(".")
    if not (dot and revision.isascii() and revision.isdigit() and len(revision) <= 18):
        raise BadToken
    try:
        padded = lineage + "=" * (-len(lineage) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError:  # binascii's and Unicode's errors are such
        raise BadToken from None
    epoch, bar, filtered = raw.rpartition("|")
    if not bar:
        raise BadToken
    return Token(epoch, int(revision), filtered)


def filter_hash(wanted: Filter, caller: Caller, mode: str = "all") -> str:
    """Of what is subscribed and of whoever reads it: 16 hexadecimal digits.

    The reader's principals are in it, for a change of role or tags is in no log of the space and yet changes what it
    may see.
    """
    parts = (
        caller.space,
        wanted.patterns,
        mode,
        sorted(caller.known_as),
        caller.admin,
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]
