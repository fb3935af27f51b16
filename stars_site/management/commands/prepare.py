"""`manage.py prepare`: what `up` does before it serves, for installations of several processes."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand

from stars_site import first_start


class Command(BaseCommand):
    """Migrate, create the first user, seed the example groups. Run it once before web and workers start."""

    help = "Migrate, create the first user and seed the example groups, without serving."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, and show a password that was made up."""
        prepared = first_start.prepare()
        if prepared.made_up_password:
            self.stdout.write(
                f"User {first_start.ADMIN}, password (shown this once): {prepared.made_up_password}"
            )
