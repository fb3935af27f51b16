"""Ways to ask for a merge in tests."""

from __future__ import annotations

from typing import Any

from state.jsonvalue import MISSING
from state.merge import StrategyOf, merge

NAMES = ["atomic", "granular", "set", "map:id", "append", "counter", "max", "min"]
NAMES += ["prefer_modify", "prefer_delete", "text3"]


def everywhere(strategy: str | None) -> StrategyOf:
    return lambda tokens: strategy


def under(strategy: str) -> StrategyOf:
    """Of the members of the document."""
    return lambda tokens: strategy if len(tokens) == 1 else None


def one(strategy: str, base: Any, theirs: Any, mine: Any) -> Any:
    """The merged member of three documents; the one conflict's kind when it is not settled."""
    documents = [{} if each is MISSING else {"x": each} for each in (base, theirs, mine)]
    merged = merge(documents[0], documents[1], documents[2], under(strategy))
    if merged.conflicts:
        assert [each.path for each in merged.conflicts] == ["/x"]
        return merged.conflicts[0].kind
    return merged.result.get("x", MISSING)
