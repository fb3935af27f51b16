"""Three-way merge of JSON documents with typed strategies (shared-state 1.7): pure, and the same everywhere."""

from __future__ import annotations

from state.merge.picking import Pick, picked
from state.merge.strategies import (
    COMMUTING,
    IF_SUITED,
    STRATEGIES,
    effective,
    is_commuting,
    is_known,
    suits,
)
from state.merge.threeway import MergeConflict, Merged, StrategyOf, by_type, merge, settle

__all__ = [
    "COMMUTING",
    "IF_SUITED",
    "STRATEGIES",
    "MergeConflict",
    "Merged",
    "Pick",
    "StrategyOf",
    "by_type",
    "effective",
    "is_commuting",
    "is_known",
    "merge",
    "picked",
    "settle",
    "suits",
]
