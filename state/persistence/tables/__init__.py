"""Spaces as tables in the process: what the memory layer is, and what the file layer keeps a log of."""

from __future__ import annotations

from state.persistence.tables.layer import TablesLayer

__all__ = ["TablesLayer"]
