"""What a data directory needs before Stars can serve: tables, a first user, example groups. Repeating does no harm."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from groups.services import seed
from state import conf

ADMIN: Final = "admin"


class Prepared(NamedTuple):
    """The first user, and the password made up for it; empty when one was given or the user existed."""

    admin: User
    made_up_password: str


def prepare() -> Prepared:
    """Migrate, create the first user, make the example groups and, in an empty installation, the example run."""
    _migrate()
    admin, made_up = _first_user()
    seed.seed_demo(admin)
    conf.manager().announce_config()
    return Prepared(admin, made_up)


def _migrate() -> None:
    """Only when something is to do, for looking is much quicker than migrating."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def _first_user() -> tuple[User, str]:
    user = User.objects.filter(username=ADMIN).first()
    if user is not None:
        return user, ""
    made_up = "" if settings.STARS_ADMIN_PASSWORD else secrets.token_urlsafe(12)
    user = User.objects.create_superuser(ADMIN, password=settings.STARS_ADMIN_PASSWORD or made_up)
    return user, made_up
