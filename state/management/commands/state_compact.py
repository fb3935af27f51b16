"""`manage.py state_compact`: give up old history now, instead of at the next sweep."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from state.management.commands._stored import chosen, opened_store
from state.manager.compacting import compact
from state.sync import sessions


class Command(BaseCommand):
    """Compact the logs of shared states."""

    help = (
        "Give up history: by default what is past its retention and no connected agent still needs, with --space and"
        " --to all up to that revision."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which space, and how far."""
        parser.add_argument("--space", help="only this one")
        parser.add_argument("--to", type=int, help="up to and including this revision of it")

    def handle(self, *, space: str | None, to: int | None, **_: Any) -> None:
        """Current data stay, whatever is given up."""
        if to is not None and space is None:
            raise CommandError("--to needs --space: every space counts revisions of its own.")
        with opened_store() as store:
            for info in chosen(store, space):
                if to is not None and to > info.revision:
                    raise CommandError(f"{info.id} is at revision {info.revision}, not at {to}.")
                after = compact(store, info.id, floor=to, held=sessions.floor(info.id))
                self.stdout.write(
                    f"{info.id}: history begins after revision {after.compact_revision} of {after.revision}."
                )
