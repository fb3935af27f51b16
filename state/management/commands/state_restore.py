"""`manage.py state_restore FILE`: what `state_backup` wrote, from whatever store, into the configured one."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from state.management.commands._stored import opened_store
from state.refusals import StateExists


class Command(BaseCommand):
    """Restore shared states."""

    help = "Bring back a backup of shared states: all of it or nothing, every hash verified first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and whether present states may be replaced."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="replace spaces that have states already"
        )

    def handle(self, *, file: Path, replace: bool, **_: Any) -> None:
        """Nothing is touched before everything is verified."""
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        with opened_store() as store:
            try:
                manifest = store.restore(file, replace=replace)
            except StateExists as error:
                told = f"{error.message} --replace replaces what is there."
                raise CommandError(told) from error
        self.stdout.write(
            f"{len(manifest.spaces)} spaces restored under new epochs: followers fetch anew."
        )
