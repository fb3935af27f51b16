"""`manage.py up`: from nothing to a running Stars with something to look at, in one process."""

from __future__ import annotations

import socket
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from sesame.utils import get_query_string

from stars_site import embedded, env, first_start
from state.errors import StarsError


class Command(BaseCommand):
    """Migrate, create the first user, seed the example groups, then serve web, worker and beat."""

    help = "Start Stars: migrate, create the first user, seed the example groups, and serve."

    def add_arguments(self, parser: CommandParser) -> None:
        """Host and port; the environment gives the defaults."""
        parser.add_argument("--host", default=settings.STARS_HOST)
        parser.add_argument("--port", type=int, default=settings.STARS_PORT)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Prepare, then serve until told to stop. Raises CommandError when the address is taken."""
        _must_be_free(host, port)
        if not env.text("STARS_PUBLIC_URL"):
            settings.STARS_PUBLIC_URL = env.local_url(host, port)
        try:
            prepared = first_start.prepare()
        except StarsError as error:
            raise CommandError(error.message) from error
        embedded.serve(host=host, port=port, on_ready=lambda: self._announce(host, port, prepared))

    def _announce(self, host: str, port: int, prepared: first_start.Prepared) -> None:
        address = env.local_url(host, port)
        link = f"{address}{reverse('login_link')}{get_query_string(prepared.admin)}"
        lines = ["", f"  Stars runs at {address}/", f"  Log in once with this link: {link}"]
        if prepared.made_up_password:
            password = prepared.made_up_password
            lines.append(f"  User {first_start.ADMIN}, password (shown this once): {password}")
        lines += ["  Stop with Ctrl-C.", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _must_be_free(host: str, port: int) -> None:
    """Say clearly that the address is taken, before anything is written."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host} port {port} ({error.strerror}). "
            f"Is Stars running already? Choose another port with STARS_PORT."
        ) from error
