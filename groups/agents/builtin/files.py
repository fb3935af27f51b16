"""Which attachments a worker can read, and as what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

from groups.agents.base import Attachment

#: Suffix -> shape of the tables that can be read.
TABULAR: Final[dict[str, str]] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_MEDIA_TYPES: Final[dict[str, str]] = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/vnd.apache.parquet": "parquet",
}
_TEXT: Final = frozenset({".txt", ".md", ".markdown", ".log", ".rst", ".text"})


def shape(file: Attachment) -> str:
    """How to open the file as a table (a value of TABULAR); empty when it is none. The name decides."""
    suffix = PurePath(file.name).suffix.lower()
    if suffix in _TEXT:
        return ""
    return TABULAR.get(suffix) or _MEDIA_TYPES.get(file.media_type.partition(";")[0].strip(), "")


def is_text(file: Attachment) -> bool:
    """Whether it is to be read as running text."""
    if shape(file):
        return False
    suffix = PurePath(file.name).suffix.lower()
    return suffix in _TEXT or file.media_type.startswith("text/")


def named_in(text: str, files: Sequence[Attachment]) -> list[Attachment]:
    """The files whose names stand in `text`; all of them when none does."""
    lower = text.lower()
    return [file for file in files if file.name and file.name.lower() in lower] or list(files)


def names(files: Iterable[Attachment]) -> list[str]:
    """Their names, for a sentence."""
    return [file.name for file in files]
