"""`manage.py state_rekey`: encrypt all that is kept with the keyring's first key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from state import conf
from state.bus.database import DatabaseCursorStore
from state.management.commands._stored import opened_store


class Command(BaseCommand):
    """Change the key of encryption at rest."""

    help = "Encrypt all shared states with the first key of STARS_STATE_KEYS; afterwards the others may go."

    def handle(self, **_: Any) -> None:
        """States may be in use meanwhile."""
        with opened_store() as store:
            # Events that handlers failed at are kept beside the store.
            count = store.rekey() + DatabaseCursorStore(store.codec).rekey()
        key = conf.keyring().current if store.config.encryption else None
        now = f"all are encrypted with the key '{key}'" if key else "none is encrypted"
        self.stdout.write(f"{count} parts were otherwise; now {now}.")
