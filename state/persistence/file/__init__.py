"""Spaces in the files of one directory: a write-ahead log and checkpoints, safe against crashes at any moment."""

from __future__ import annotations

from state.persistence.file.layer import FilePersistence

__all__ = ["FilePersistence"]
