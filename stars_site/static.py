"""Serves our scripts and styles without comments and needless space: nothing is built, and browsers load less."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any

import rcssmin
import rjsmin
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


def lean(text: str, suffix: str) -> str:
    """The script (`.js`) or sheet (`.css`) without comments and without space that means nothing."""
    return str(rcssmin.cssmin(text) if suffix == ".css" else rjsmin.jsmin(text))


class LeanWhiteNoiseMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise, which is given lean copies of our own files; whoever changes a file gets a new copy."""

    @cached_property
    def _copies(self) -> Path:
        """Where they lie as long as this lives."""
        folder = tempfile.mkdtemp(prefix="stars-static-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        """The file as it is served at that address."""
        ours = (f"{self.static_prefix}js/", f"{self.static_prefix}css/")
        if url.startswith(ours) and url.endswith((".js", ".css")):
            return super().get_static_file(str(self._copy(Path(path))), url)
        return super().get_static_file(path, url, stat_cache)

    def _copy(self, path: Path) -> Path:
        stat = path.stat()
        name = hashlib.sha256(f"{path}:{stat.st_mtime_ns}".encode()).hexdigest()
        copy = self._copies / f"{name}{path.suffix}"
        if not copy.exists():
            fresh = copy.with_suffix(f".{os.urandom(4).hex()}")
            fresh.write_text(lean(path.read_text("utf-8"), path.suffix), "utf-8")
            os.utime(fresh, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            fresh.replace(copy)
        return copy
