"""`manage.py state_backup FILE`: all spaces, each at one revision, while they are in use."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from state.management.commands._stored import opened_store


class Command(BaseCommand):
    """Back up all shared states."""

    help = "Write all shared states, with their history, to one file; they may be in use meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="replace the file if it exists")

    def handle(self, *, file: Path, force: bool, **_: Any) -> None:
        """Write it whole or not at all."""
        if file.exists() and not force:
            raise CommandError(f"{file} exists; --force replaces it.")
        with opened_store() as store:
            manifest = store.backup(file)
        rows = sum(part.rows for space in manifest.spaces for part in space.parts)
        self.stdout.write(f"{file}: {len(manifest.spaces)} spaces, {rows} rows.")
