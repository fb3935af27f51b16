"""Where what lies in a store's directory, and which of it is the present.

`wal/<n>.log` follows upon `snap/<n>.zst`; `CURRENT` names n and the number of the last frame that the checkpoint
holds; `KEY` proves the encryption key; `REWOUND` tells that a repair gave up what was committed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from state.persistence.file.disk import DRAFT, Disk, write_whole
from state.persistence.file.frames import Frame, frame, read
from state.refusals import Damaged

_NUMBERED: Final = re.compile(r"\d{10}")


class Current(msgspec.Struct, frozen=True):
    """Which checkpoint counts."""

    checkpoint: int
    #: The last frame of the log that is in it.
    frame: int


class Places:
    """Paths of a store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wal = root / "wal"
        self.snap = root / "snap"
        self.lock = root / "LOCK"
        self.current = root / "CURRENT"
        self.key = root / "KEY"
        self.rewound = root / "REWOUND"

    def log(self, number: int) -> Path:
        """The part of the log that follows upon that checkpoint."""
        return self.wal / f"{number:010}.log"

    def checkpoint(self, number: int) -> Path:
        """The checkpoint of that number."""
        return self.snap / f"{number:010}.zst"

    def logs(self) -> list[int]:
        """Numbers of the parts of the log that are there, ascending."""
        return _numbers(self.wal, ".log")

    def checkpoints(self) -> list[int]:
        """Numbers of the checkpoints that are there, ascending."""
        return _numbers(self.snap, ".zst")

    def make(self, disk: Disk) -> None:
        """Make the directories that are missing, so that they stay."""
        for path in (self.root, self.wal, self.snap):
            if not path.is_dir():
                path.mkdir(parents=True, mode=0o700)
                disk.sync_directory(path.parent)

    def read_current(self) -> Current:
        """What CURRENT says. Raises Damaged when it is missing or cannot be read."""
        try:
            data = self.current.read_bytes()
        except FileNotFoundError:
            raise Damaged(f"{self.current} is missing.") from None
        found = next(read(data, 0), None)
        if not isinstance(found, Frame) or found.end != len(data):
            raise Damaged(f"{self.current} is damaged at offset 0.")
        return msgspec.json.decode(found.content, type=Current)

    def write_current(self, disk: Disk, current: Current) -> None:
        """Let that checkpoint count from now on."""
        write_whole(disk, self.current, [frame(0, msgspec.json.encode(current))])

    def sweep(self, disk: Disk, current: int) -> None:
        """Remove what comes before the checkpoint that counts, other checkpoints, and what was never finished."""
        folders = (self.root, self.wal, self.snap)
        gone = [path for folder in folders for path in folder.glob(f"*{DRAFT}")]
        gone += [self.log(n) for n in self.logs() if n < current]
        gone += [self.checkpoint(n) for n in self.checkpoints() if n != current]
        for path in gone:
            disk.unlink(path)


def _numbers(folder: Path, suffix: str) -> list[int]:
    return sorted(
        int(path.stem) for path in folder.glob(f"*{suffix}") if _NUMBERED.fullmatch(path.stem)
    )
