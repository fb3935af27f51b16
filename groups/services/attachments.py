"""Files given with a run's task: what is accepted, and how they get into the data directory."""

from __future__ import annotations

import hashlib
import unicodedata
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath, PurePosixPath
from typing import Any, Final

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction

from groups.errors import AttachmentRefused, AttachmentTooLarge
from groups.models import Attachment, Run
from groups.models.runs import attachment_path
from groups.services.inputs import unstorable

#: Extension -> media type. What agents can read; everything but Parquet is text.
PARQUET: Final = "application/vnd.apache.parquet"
MEDIA_TYPES: Final[dict[str, str]] = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "jsonl": "application/x-ndjson",
    "parquet": PARQUET,
    "txt": "text/plain",
    "md": "text/markdown",
    "log": "text/plain",
}
MAX_FILES: Final = 20
MAX_NAME: Final = 255
#: Bytes looked at to tell text from anything else, and bytes copied at a time.
SNIFF: Final = 64 * 1024
CHUNK: Final = 1024 * 1024
#: UTF-16 in either order; such a text is full of NUL bytes and still a text.
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_PARQUET_MAGIC: Final = b"PAR1"
#: Formats whose first 64 KB may hold no NUL: PDF, ZIP (and Office), gzip, PNG, JPEG, Zstandard.
_BINARY_MAGIC: Final = (
    _PARQUET_MAGIC,
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"\x28\xb5\x2f\xfd",
)
#: Control characters of texts: tab, line ends, form feed; backspace and escape (terminal logs).
_TEXT_CONTROLS: Final = b"\t\n\r\f\b\x1b"
_CONTROLS: Final = bytes(set(range(0x20)) - set(_TEXT_CONTROLS))
#: Characters that make a name read as another one: overrides of the writing direction.
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def limit() -> int:
    """The largest attachment that is accepted, in bytes."""
    megabytes: int = settings.STARS_ATTACHMENT_MAX_MB
    return megabytes * 1024 * 1024


def check(uploads: Sequence[File[Any]]) -> None:
    """Look at every file before anything is stored.

    Raises AttachmentTooLarge or AttachmentRefused, with one sentence per fault for `attachments`.
    """
    too_large = [fault for upload in uploads if (fault := _size_fault(upload.name, upload.size))]
    if too_large:
        raise AttachmentTooLarge(fields={"attachments": too_large})
    faults = [fault for upload in uploads if (fault := _fault(upload))]
    names = [name_of(upload) for upload in uploads]
    doubled = sorted({name for name in names if names.count(name) > 1})
    faults += [f"{name}: two files bear this name; rename one of them." for name in doubled]
    if len(uploads) > MAX_FILES:
        faults.append(f"At most {MAX_FILES} files can be given; these are {len(uploads)}.")
    if faults:
        raise AttachmentRefused(fields={"attachments": faults})


@contextmanager
def copied(*, run: Run, uploads: Sequence[File[Any]]) -> Iterator[list[Attachment]]:
    """The files, copied below the data directory, as rows for `add`; removed again if the body raises.

    Copying gigabytes takes minutes, so enter this outside of any transaction, after `check`: here only what
    the copying itself shows is refused (AttachmentTooLarge, AttachmentRefused).
    """
    written: list[str] = []
    try:
        yield [_copy(run, upload, written) for upload in uploads]
    except BaseException:
        _delete(written)
        raise


def add(rows: Sequence[Attachment]) -> None:
    """Store the rows inside the caller's transaction, after their run; if it is rolled back, their files go."""
    Attachment.objects.bulk_create(rows)
    _discard_on_rollback([str(row.file.name) for row in rows])


def discard_on_commit(names: Sequence[str]) -> None:
    """After commit, remove these files (as stored in `Attachment.file`)."""
    transaction.on_commit(partial(_delete, names))


def name_of(upload: File[Any]) -> str:
    """The file's own name, without any folders of the machine it came from."""
    return PurePosixPath((upload.name or "").replace("\\", "/")).name


def _fault(upload: File[Any]) -> str:
    """What is wrong with the file's name or content; empty when nothing is."""
    name = name_of(upload)
    fault = unstorable(name)
    if fault or any(unicodedata.category(c) == "Cc" or c in _DIRECTIONS for c in name):
        return f"{name!a}: the name holds characters that no name should."
    if not name.strip(". ") or len(name) > MAX_NAME:
        return f"{name[:40] or 'A file'}: a name has 1 to {MAX_NAME} characters."
    media_type = _media_type(name)
    if not media_type:
        return f"{name}: only these types can be read: {', '.join(MEDIA_TYPES)}."
    if not upload.size:
        return f"{name}: the file is empty."
    upload.seek(0)
    head: bytes = upload.read(SNIFF)
    upload.seek(0)
    if media_type == PARQUET and not head.startswith(_PARQUET_MAGIC):
        return f"{name}: this is not a Parquet file."
    if media_type != PARQUET and not _is_text(head):
        return f"{name}: this is not text, though its name says so."
    return ""


def _size_fault(name: str | None, size: int) -> str:
    if size <= limit():
        return ""
    return f"{name}: {size:,} bytes; at most {limit():,} are accepted."


def _media_type(name: str) -> str:
    """By extension; empty for one that is not accepted."""
    return MEDIA_TYPES.get(PurePath(name).suffix.lower().lstrip("."), "")


def _is_text(head: bytes) -> bool:
    """Whether a file that begins so can be a text: no binary format's mark, no NUL, few controls."""
    if head.startswith(_UTF16):
        return True
    if head.startswith(_BINARY_MAGIC) or b"\x00" in head:
        return False
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls * 20 <= len(head)


class _Copy(File):  # type: ignore[type-arg]  # generic for the type checker only
    """A file on its way into the storage: its size and digest are known once its chunks went by."""

    def __init__(self, upload: File[Any]) -> None:
        super().__init__(None, upload.name)
        self.upload = upload
        self.length = 0
        self.digest = hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The content, piece by piece. Raises AttachmentTooLarge in mid-stream."""
        for chunk in self.upload.chunks(CHUNK):
            self.length += len(chunk)
            fault = _size_fault(self.name, self.length)
            if fault:
                raise AttachmentTooLarge(fields={"attachments": [fault]})
            self.digest.update(chunk)
            yield chunk


def _copy(run: Run, upload: File[Any], written: list[str]) -> Attachment:
    """Copy one file; its name in the storage is added to `written` before the first byte is."""
    name = name_of(upload)
    row = Attachment(run=run, name=name, media_type=_media_type(name))
    stored = attachment_path(row, name)
    written.append(stored)
    copy = _Copy(upload)
    row.file.name = default_storage.save(stored, copy)
    if not copy.length:
        raise AttachmentRefused(fields={"attachments": [f"{name}: the file is empty."]})
    row.size, row.sha256 = copy.length, copy.digest.hexdigest()
    return row


class _Stay:
    """Waits for the commit, which calls it to keep the files; if it is let go uncalled, they go too."""

    def __init__(self, names: Sequence[str]) -> None:
        self._discard = weakref.finalize(self, _delete, list(names))
        # A process that ends in between may have committed. (typeshed knows only the slots.)
        self._discard.atexit = False  # type: ignore[misc]

    def __call__(self) -> None:
        self._discard.detach()


def _discard_on_rollback(names: Sequence[str]) -> None:
    """Django has no hook for a rollback, but it drops the callbacks that wait for the commit."""
    if names:
        transaction.on_commit(_Stay(names))


def _delete(names: Sequence[str]) -> None:
    """Remove files of the storage, and the folders of their runs when nothing is left in them."""
    for name in names:
        default_storage.delete(name)
    for folder in {str(PurePosixPath(name).parent) for name in names}:
        if default_storage.exists(folder) and not any(default_storage.listdir(folder)):
            default_storage.delete(folder)
