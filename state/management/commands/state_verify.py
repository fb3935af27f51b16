"""`manage.py state_verify`: replay every log and compare hashes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from state.management.commands._stored import opened_store
from state.manager.verifying import verify


class Command(BaseCommand):
    """Verify shared states."""

    help = "Replay the log of every space and compare it with the states that are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which space."""
        parser.add_argument("--space", help="only this one")

    def handle(self, *, space: str | None, **_: Any) -> None:
        """Ends with an error when anything is wrong."""
        wrong = 0
        with opened_store() as store:
            for info in store.spaces():
                if space not in (None, info.id):
                    continue
                found = verify(store, info.id)
                self.stdout.write(
                    f"{info.id}: {found.states} states, {found.entries} entries, revision {found.revision}:"
                    f" {len(found.faults)} faults"
                )
                for fault in found.faults:
                    self.stderr.write(f"  {fault}")
                wrong += len(found.faults)
        if wrong:
            raise CommandError(f"{wrong} faults.")
