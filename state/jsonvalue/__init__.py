"""JSON as Stars means it: its domain, strict equality, hash, paths, operations and differences; no framework."""

from __future__ import annotations

from state.jsonvalue.canonical import canonical, digest
from state.jsonvalue.delta import diff
from state.jsonvalue.domain import (
    MAX_DEPTH,
    MAX_INT,
    Malformed,
    check,
    dumps,
    json_equal,
    loads,
    size,
)
from state.jsonvalue.operations import Inapplicable, apply, leaves, rfc7386, write_set
from state.jsonvalue.pointers import (
    APPEND,
    MISSING,
    Missing,
    escape,
    follow,
    get,
    index_of,
    overlap,
    parse,
    pointer,
    seed_key,
)
from state.jsonvalue.shapes import check_ops

__all__ = [
    "APPEND",
    "MAX_DEPTH",
    "MAX_INT",
    "MISSING",
    "Inapplicable",
    "Malformed",
    "Missing",
    "apply",
    "canonical",
    "check",
    "check_ops",
    "diff",
    "digest",
    "dumps",
    "escape",
    "follow",
    "get",
    "index_of",
    "json_equal",
    "leaves",
    "loads",
    "overlap",
    "parse",
    "pointer",
    "rfc7386",
    "seed_key",
    "size",
    "write_set",
]
