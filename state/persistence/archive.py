"""Backups: one zip file of a manifest and of sealed parts (NDJSON), whole or not there, verified before it is used.

Rows stream: no more than a part of a space is in memory at a time.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

import msgspec

from state.persistence.codec import Codec
from state.refusals import Damaged
from state.values import (
    AuditRecord,
    ConflictRecord,
    Entry,
    OpRecord,
    Row,
    SharedState,
    Snapshot,
    SpaceInfo,
)

#: Of the file; a number above it was written by a newer Stars.
FORMAT: Final = 1
#: The most that a part holds: rows, and bytes of JSON (one row may be larger alone).
PART_ROWS: Final = 1000
PART_BYTES: Final = 4 * 1024 * 1024
#: What a row's `value` is, as plain JSON, by the row's `kind`.
KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "space": SpaceInfo,
    "state": SharedState,
    "entry": Entry,
    "snapshot": Snapshot,
    "op": OpRecord,
    "conflict": ConflictRecord,
    "audit": AuditRecord,
}

_ROW: Final = msgspec.json.Decoder(Row)
_MANIFEST: Final = "manifest.json"
#: The manifest's own hash, sealed: with encryption nobody without the key can write another manifest.
_SEAL: Final = "manifest.seal"

#: What zipfile raises over damaged headers; a method it does not know is a RuntimeError too.
_ZIP_FAULTS: Final = (
    zipfile.BadZipFile,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the file: rows of one space."""

    name: str
    rows: int
    #: As it lies in the file, sealed, and the SHA-256 (hex) of that.
    bytes: int
    sha256: str


class SpaceManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds of one space, all of it at `revision`."""

    id: str
    epoch: str
    revision: int
    compact_revision: int
    #: Rows by kind.
    counts: dict[str, int]
    parts: tuple[Part, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    format: int
    id: str
    #: The Stars that wrote it.
    app_version: str
    made_at: datetime
    #: Tells a wrong key from damage (`Codec.check_proof`).
    proof: bytes
    spaces: tuple[SpaceManifest, ...]


class _Format(msgspec.Struct):
    format: int


class _Rows:
    """The rows of one space; each iteration reads them from the file again, and checks them again."""

    def __init__(self, found: Found, space: SpaceManifest) -> None:
        self._found = found
        self._space = space

    def __iter__(self) -> Iterator[Row]:
        for part in self._space.parts:
            yield from self._found.rows(self._space.id, part)


class Found:
    """A verified backup."""

    def __init__(self, file: zipfile.ZipFile, codec: Codec) -> None:
        self._file = file
        self._codec = codec
        self.manifest = self._read_manifest()

    def spaces(self) -> dict[str, Iterable[Row]]:
        """Rows by space, the row of the space first; to be read while the backup is open, as often as needed."""
        return {each.id: _Rows(self, each) for each in self.manifest.spaces}

    def rows(self, space: str, part: Part) -> Iterator[Row]:
        """The rows of one part. Raises Damaged naming it, WrongKey."""
        sealed = self._member(part.name)
        if len(sealed) != part.bytes or hashlib.sha256(sealed).hexdigest() != part.sha256:
            raise _damaged(part.name, "its hash is not the one in the manifest")
        try:
            lines = self._codec.open(sealed, self.manifest.id, space, part.name).split(b"\n")
            rows = [_ROW.decode(line) for line in lines]
            for row in rows:
                msgspec.convert(row.value, KINDS[row.kind])
        except (Damaged, msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
            raise _damaged(part.name, str(error)) from error
        if len(rows) != part.rows:
            raise _damaged(part.name, f"it has {len(rows)} rows instead of {part.rows}")
        yield from rows

    def verify(self) -> None:
        """Read everything once and hold it against the manifest."""
        known = {part.name for space in self.manifest.spaces for part in space.parts}
        known |= {_MANIFEST, _SEAL}
        for name, times in Counter(self._file.namelist()).items():
            if name not in known:
                raise _damaged(name, "the manifest does not know it")
            if times > 1:
                raise _damaged(name, "it is there twice")
        for space in self.manifest.spaces:
            counts = Counter[str]()
            for part in space.parts:
                counts.update(row.kind for row in self.rows(space.id, part))
            if counts != space.counts:
                raise _damaged(_MANIFEST, f"it counts {space.counts} in {space.id}: {dict(counts)}")

    def _read_manifest(self) -> Manifest:
        raw = self._member(_MANIFEST)
        try:
            made = msgspec.json.decode(raw, type=_Format).format
            if made > FORMAT:
                raise _damaged(
                    _MANIFEST, f"a newer Stars wrote it (format {made}, this one reads {FORMAT})"
                )
            manifest = msgspec.json.decode(raw, type=Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _damaged(_MANIFEST, str(error)) from error
        self._codec.check_proof(manifest.proof)
        digest = self._codec.open(self._member(_SEAL), manifest.id, _SEAL)
        if digest != hashlib.sha256(raw).digest():
            raise _damaged(_MANIFEST, "its hash is not the sealed one")
        return manifest

    def _member(self, name: str) -> bytes:
        try:
            info = self._file.getinfo(name)
            # Whoever compresses here has not been `write`; what would unfold is not looked at.
            if info.compress_type != zipfile.ZIP_STORED:
                raise _damaged(name, "it is compressed by zip")
            return self._file.read(info)
        except KeyError:
            raise _damaged(name, "it is missing") from None
        except _ZIP_FAULTS as error:
            raise _damaged(name, str(error)) from error


def write(path: Path, spaces: dict[str, Iterable[Row]], codec: Codec) -> Manifest:
    """Write a backup to `path`, replacing what is there once it is whole and on disk.

    Rows of a space begin with the space's own; a space without any was dropped meanwhile and is left out. Raises
    whatever reading the rows raises, and OSError; then `path` is as it was.
    """
    # A name of its own, for two may write the same backup; in the same directory, for the replacing.
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        # Backups are for whoever runs Stars, and for nobody else on the machine.
        unfinished.touch(mode=0o600, exist_ok=False)
        with unfinished.open("wb") as file:
            manifest = _write_members(file, spaces, codec)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return manifest


@contextmanager
def reading(path: Path, codec: Codec) -> Iterator[Found]:
    """The verified backup in `path`: every hash, row and count has been checked before the block begins.

    Raises Damaged naming the part, WrongKey, FileNotFoundError.
    """
    with path.open("rb") as file:
        try:
            members = zipfile.ZipFile(file)
        except _ZIP_FAULTS as error:
            raise _damaged(path.name, f"{error}; it is no backup, or is cut short") from error
        with members:
            found = Found(members, codec)
            found.verify()
            yield found


def _write_members(file: IO[bytes], spaces: dict[str, Iterable[Row]], codec: Codec) -> Manifest:
    archive = uuid4().hex
    made_at = datetime.now(UTC)
    held: list[SpaceManifest] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as members:
        for number, (space, rows) in enumerate(spaces.items(), 1):
            counts = Counter[str]()
            parts: list[Part] = []
            info: SpaceInfo | None = None
            for lines in _chunks(rows, counts):
                if info is None:
                    info = msgspec.convert(_ROW.decode(lines[0]).value, SpaceInfo)
                name = f"{number:04}/{len(parts) + 1:06}.ndjson"
                sealed = codec.seal(b"\n".join(lines), archive, space, name)
                members.writestr(name, sealed)
                digest = hashlib.sha256(sealed).hexdigest()
                parts.append(Part(name=name, rows=len(lines), bytes=len(sealed), sha256=digest))
            if info is not None:
                held.append(
                    SpaceManifest(
                        id=space,
                        epoch=info.epoch,
                        revision=info.revision,
                        compact_revision=info.compact_revision,
                        counts=dict(counts),
                        parts=tuple(parts),
                    )
                )
        manifest = Manifest(
            format=FORMAT,
            id=archive,
            app_version=_app_version(),
            made_at=made_at,
            proof=codec.proof(),
            spaces=tuple(held),
        )
        raw = msgspec.json.format(msgspec.json.encode(manifest))
        members.writestr(_MANIFEST, raw)
        members.writestr(_SEAL, codec.seal(hashlib.sha256(raw).digest(), archive, _SEAL))
    return manifest


def _chunks(rows: Iterable[Row], counts: Counter[str]) -> Iterator[list[bytes]]:
    """The rows as lines, a part's worth at a time; counts them by kind."""
    lines: list[bytes] = []
    size = 0
    for row in rows:
        line = msgspec.json.encode(row)
        if lines and (len(lines) == PART_ROWS or size + len(line) > PART_BYTES):
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
        counts[row.kind] += 1
    if lines:
        yield lines


def _app_version() -> str:
    try:
        with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except FileNotFoundError:  # installed in some other way
        return "unknown"


def _damaged(part: str, fault: str) -> Damaged:
    return Damaged(f"{part} of the backup is damaged: {fault}.", extra={"part": part})
