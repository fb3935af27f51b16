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

from django.apps import apps

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / ".pytest_cache" / "migrated"


def lay(path: Path) -> None:
    """Copy it there; whoever migrates it does so in no time. One process makes it, while others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
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
    """The file for these migrations, made unless it is there. What was made for others goes."""
    made = CACHE / f"{_digest()[:16]}.sqlite3"
    if not made.exists():
        for old in CACHE.glob("*.sqlite3"):
            old.unlink()
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            fresh = Path(folder) / "fresh.sqlite3"
            migrate(f"sqlite:///{fresh}")
            fresh.rename(made)
    return made


def _digest() -> str:
    """Of all migrations, those of packages as well: names say in which order they run."""
    digest = hashlib.sha256()
    for app in sorted(apps.get_app_configs(), key=lambda app: app.label):
        for migration in sorted(Path(app.path).glob("migrations/*.py")):
            digest.update(f"{app.label}/{migration.name}\n".encode())
            digest.update(hashlib.sha256(migration.read_bytes()).digest())
    return digest.hexdigest()
