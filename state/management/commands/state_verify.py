"""`manage.py state_verify`: replay every log and compare hashes; `--repair` cuts a damaged file store back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from state.management.commands._stored import chosen, configured, opened_store, telling
from state.manager.verifying import verify
from state.persistence import PersistenceLayer
from state.refusals import Damaged, WrongKey
from state.values import PersistenceType


class Command(BaseCommand):
    """Verify shared states."""

    help = (
        "Replay the log of every space and compare it with the states that are kept. With --repair, a damaged file"
        " store is copied and cut back to what can be read, first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which space, and whether to repair."""
        parser.add_argument("--space", help="only this one")
        parser.add_argument(
            "--repair", action="store_true", help="cut a damaged file store back (keeps a copy)"
        )

    def handle(self, *, space: str | None, repair: bool, **_: Any) -> None:
        """Ends with an error when anything is wrong."""
        if repair:
            self._repair()
        with opened_store() as store:
            faults = sum(self._verify(store, info.id) for info in chosen(store, space))
        if faults:
            raise CommandError(f"{faults} fault{'s' if faults > 1 else ''}.")

    def _verify(self, store: PersistenceLayer, space: str) -> int:
        """How many faults the space has; damage in one does not keep the others from being looked at."""
        try:
            found = verify(store, space)
        except (Damaged, WrongKey) as error:
            self.stderr.write(f"{space}: {error.message}")
            return 1
        self.stdout.write(
            f"{space}: {found.states} states, {found.entries} entries, revision {found.revision}:"
            f" {len(found.faults) or 'no'} fault{'' if len(found.faults) == 1 else 's'}"
        )
        for fault in found.faults:
            self.stderr.write(f"  {fault}")
        return len(found.faults)

    def _repair(self) -> None:
        with telling():
            config = configured()
            if config.type is not PersistenceType.FILE:
                raise CommandError(
                    f"Only the file store can be repaired, and states are kept in the store '{config.type}':"
                    " restore a backup (state_restore)."
                )
            from state.persistence.file import FilePersistence

            done = FilePersistence.repair(config.connection_string)
        if done.copy is None:
            self.stdout.write("There was nothing to repair.")
            return
        for fault in done.given_up:
            self.stderr.write(fault)
        self.stdout.write(
            f"The store was cut back to what can be read; as it was, it lies in {done.copy}. All spaces begin a new"
            " epoch: followers fetch anew."
        )
