"""Text files as DuckDB wants them: UTF-8 with one kind of line end. What had to be changed, or is odd, is said."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from groups.agents.builtin.markdown import listed, plural
from groups.agents.builtin.thread import Stop

CHUNK: Final = 1 << 20
SAMPLE: Final = 1 << 16
#: Places that are remembered one by one; beyond them only the count is known.
MAX_PLACES: Final = 10_000
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
#: What a file that is not UTF-8 may be, likelier first; other guesses are wilder than they are useful.
_LEGACY: Final = {
    "gb18030": "GB18030",
    "big5": "Big5",
    "cp932": "Shift-JIS",
    "cp1252": "Latin-1 (Windows-1252)",
    "cp1251": "Windows-1251",
}


@dataclass
class Places:
    """Where something was found: how often, and the (1-based) lines of the first finds."""

    total: int = 0
    lines: list[int] = field(default_factory=list)

    def describe(self) -> str:
        """`line 3`, or `lines 3, 5 and 4 more`."""
        distinct = list(dict.fromkeys(self.lines))
        word = "line" if len(distinct) == 1 else "lines"
        return f"{word} {listed([f'{line:,}' for line in distinct], 5)}"


@dataclass(frozen=True)
class Source:
    """A text file ready to be read: `path` is UTF-8, `size` and `lines` are counts of it."""

    path: Path
    encoding: str
    size: int
    lines: int
    blank: Places
    nul: Places
    damaged: Places

    def notes(self) -> list[str]:
        """What a person should know of how the file was read; empty when it is plain UTF-8."""
        notes = []
        if self.encoding != "UTF-8":
            notes.append(f"The file is not plain UTF-8; it was read as {self.encoding}.")
        if self.damaged.total:
            notes.append(
                f"{plural(self.damaged.total, 'character')} could not be decoded as {self.encoding} "
                f"({self.damaged.describe()}); each is shown as �."
            )
        if self.nul.total:
            notes.append(
                f"{plural(self.nul.total, 'NUL byte')} in the file ({self.nul.describe()}); "
                "text files do not have them, so it may be damaged."
            )
        return notes


def prepare(path: Path, folder: Path, stop: Stop) -> Source:
    """Look through `path` and, where it is not UTF-8 with even line ends, write such a copy to `folder`.

    Reads in chunks, so memory does not grow with the file. Raises OSError when it cannot be read.
    """
    codec, label, clean = _encoding(path, stop)
    pattern = any(sign in str(path) for sign in "*?[]")  # DuckDB would look for files like it
    if pattern or not clean or _uneven(path, stop):
        converted = folder / "converted.txt"
        with (
            path.open(encoding=codec, errors="replace") as old,
            converted.open("w", encoding="utf-8", newline="\n") as new,
        ):
            while text := old.read(CHUNK):
                stop.check()
                new.write(text)
        path = converted
    newlines, last = 0, b"\n"
    for chunk in _chunks(path, stop):
        newlines, last = newlines + chunk.count(b"\n"), chunk[-1:]
    return Source(
        path=path,
        encoding=label,
        size=path.stat().st_size,
        lines=newlines + (last != b"\n"),
        blank=_blank_lines(path, stop),
        nul=find(path, b"\0", stop),
        damaged=Places() if clean else find(path, "�".encode(), stop),
    )


def _chunks(path: Path, stop: Stop) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            stop.check()
            yield chunk


def find(path: Path, pattern: bytes, stop: Stop) -> Places:
    """Where `pattern` stands in the file: the lines in which it begins."""
    places, line, carry = Places(), 1, b""
    for chunk in _chunks(path, stop):
        data = carry + chunk
        places.total += data.count(pattern)
        _note(places, line, data, _positions(data, pattern, len(pattern)))
        keep = min(len(pattern) - 1, len(data))
        carry = data[len(data) - keep :]
        line += data.count(b"\n", 0, len(data) - keep)
    return places


def _positions(data: bytes, pattern: bytes, step: int) -> Iterator[int]:
    position = data.find(pattern)
    while position >= 0:
        yield position
        position = data.find(pattern, position + step)


def _note(places: Places, line: int, data: bytes, positions: Iterator[int]) -> None:
    """Remember the lines of these ascending positions in `data`, which begins in `line`, while there is room."""
    before = 0
    for position in islice(positions, MAX_PLACES - len(places.lines)):
        line, before = line + data.count(b"\n", before, position), position
        places.lines.append(line)


def _blank_lines(path: Path, stop: Stop) -> Places:
    """Lines without any character."""
    places, line, last = Places(), 0, b"\n"
    for chunk in _even_chunks(path, stop):
        data = last + chunk
        _note(places, line, data, (at + 1 for at in _positions(data, b"\n\n", 1)))
        line, last = line + data.count(b"\n", 0, len(data) - 1), data[-1:]
        # Each round takes half of the line ends out of every row of them: there may be a million, too many to walk.
        while found := data.count(b"\n\n"):
            places.total += found
            data = data.replace(b"\n\n", b"\n")
    return places


def _even_chunks(path: Path, stop: Stop) -> Iterator[bytes]:
    """The file in chunks with plain line ends, also where a chunk ended within one."""
    held = b""
    for chunk in _chunks(path, stop):
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""
        yield data.removesuffix(b"\r").replace(b"\r\n", b"\n")


def _uneven(path: Path, stop: Stop) -> bool:
    """Whether line ends are of more than one kind, or of the old Macintosh kind."""
    windows = feeds = returns = 0
    before = b""
    for chunk in _chunks(path, stop):
        data = before + chunk
        windows += data.count(b"\r\n")
        feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        before = chunk[-1:] if chunk.endswith(b"\r") else b""
    return returns != windows or windows not in (0, feeds)


def _encoding(path: Path, stop: Stop) -> tuple[str, str, bool]:
    """Codec, its name for people, and whether the file is plain UTF-8 already."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
    for bom, codec, label in _BOMS:
        if start.startswith(bom):
            return codec, label, False
    if start.count(b"\0") > len(start) // 4:
        little = start[1::2].count(0) > start[::2].count(0)
        return ("utf-16-le" if little else "utf-16-be"), "UTF-16 without byte order mark", False
    offset, decoder = 0, codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path, stop):
            decoder.decode(chunk)
            offset += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        codec, label = _legacy(path, max(0, offset + error.start - SAMPLE // 2))
        return codec, label, False
    return "utf-8", "UTF-8", True


def _legacy(path: Path, offset: int) -> tuple[str, str]:
    """The likeliest encoding, judged by whole lines around the first byte that is not UTF-8."""
    from charset_normalizer import from_bytes

    with path.open("rb") as file:
        file.seek(offset)
        sample = file.read(SAMPLE)
    if offset and b"\n" in sample:
        sample = sample[sample.index(b"\n") + 1 :]
    if b"\n" in sample:
        sample = sample[: sample.rindex(b"\n") + 1]
    text = sample.decode("utf-8", "replace")
    wrong = text.count("�")
    if sum(character > "\x7f" for character in text) - wrong > 2 * wrong:
        return "utf-8", "UTF-8"  # mostly right UTF-8 with a few broken bytes
    guesses = from_bytes(sample, cp_isolation=list(_LEGACY))
    order = list(_LEGACY)
    known = [guess for guess in guesses if guess.encoding in _LEGACY]
    best = min(known, key=lambda g: (g.chaos, -g.coherence, order.index(g.encoding)), default=None)
    codec = best.encoding if best else "cp1252"
    return codec, _LEGACY[codec]
