"""A migrated, empty database of SQLite, made once and copied from then on: migrating takes 3 s of a processor."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".pytest_cache" / "migrated"


def lay(path: Path) -> None:
    """Copy it there. Whoever migrates it does so in no time, and runs the migrations of packages that came since."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(), path)


def migrate(url: str) -> None:
    """Migrate the database with this URL, in a process of its own. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "stars_site.settings",
                "STARS_DATA_DIR": folder,
                "STARS_SECRET_KEY": "a key for tests only",
                "DATABASE_URL": url,
            },
            cwd=ROOT,
            check=True,
        )


def _made() -> Path:
    """The file; one process makes it, for these migrations, while others wait."""
    digest = hashlib.sha256()
    for migration in sorted(ROOT.glob("*/migrations/*.py")):
        digest.update(migration.read_bytes())
    CACHE.mkdir(parents=True, exist_ok=True)
    made = CACHE / f"{digest.hexdigest()[:16]}.sqlite3"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                fresh = Path(folder) / "fresh.sqlite3"
                migrate(f"sqlite:///{fresh}")
                fresh.rename(made)
    return made
