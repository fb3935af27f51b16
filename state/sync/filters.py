"""Which states a subscription is about: ids, or prefixes like "notes/*"; "*" is all of the space. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from state.errors import Invalid


class BadPattern(Invalid):
    """A subscription names states by id, or by a prefix such as "notes/*", or all by "*"."""

    reason = "bad_pattern"


class Filter(msgspec.Struct, frozen=True):
    """Ids and prefixes, sorted; equal filters are equal values."""

    ids: frozenset[str]
    prefixes: tuple[str, ...]

    def matches(self, state_id: str) -> bool:
        """Whether the state is meant."""
        return state_id in self.ids or state_id.startswith(self.prefixes)

    @property
    def patterns(self) -> tuple[str, ...]:
        """In words, sorted."""
        return (*sorted(self.ids), *(f"{prefix}*" for prefix in self.prefixes))


def filter_of(patterns: Iterable[str]) -> Filter:
    """Raises BadPattern naming the first that is none."""
    ids, prefixes = set(), set()
    for each in patterns:
        name = each.removesuffix("*")
        if "*" in name or (not name and each != "*") or not name.isprintable():
            raise BadPattern(extra={"pattern": each})
        if name == each:
            ids.add(each)
        else:
            prefixes.add(name)
    return Filter(frozenset(ids), tuple(sorted(prefixes)))
