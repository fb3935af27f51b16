"""One process at a time has a store open."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from state.refusals import StoreDown


class DirectoryLock:
    """A lock on a store's directory that ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        """Raises StoreDown saying who has it."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._fd, 200).decode(errors="replace") or "another process"
            os.close(self._fd)
            raise StoreDown(f"The store in {path.parent} is in use by {holder}.") from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"process {os.getpid()} on {socket.gethostname()}".encode())

    def release(self) -> None:
        """Let others open the store; idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
