"""A person's own settings: name, address, password, language, time zone."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from groups.access import Actor, must_reach_all
from groups.errors import NotAuthenticated
from groups.models import Preferences
from groups.services.inputs import Faults

#: As Django's columns have them.
MAX_DISPLAY_NAME: Final = 150
MAX_EMAIL: Final = 254
#: What `change` may change.
CHANGEABLE: Final = frozenset({"name", "email", "language", "time_zone"})


class Profile(NamedTuple):
    """What a person has chosen; empty language and time zone: as browser and installation have them."""

    username: str
    name: str
    email: str
    language: str
    time_zone: str


def of(actor: Actor) -> Profile:
    """The actor's own. Raises NotAuthenticated."""
    user = _user(actor)
    chosen = Preferences.objects.filter(user=user).first() or Preferences()
    return Profile(
        user.get_username(), user.first_name, user.email, chosen.language, chosen.time_zone
    )


def change(*, actor: Actor, **fields: Any) -> Profile:
    """Change some of CHANGEABLE of the actor's own. Raises NotAuthenticated, GroupsRestricted, Invalid."""
    must_reach_all(actor)
    user = _user(actor)
    faults = Faults()
    for field in fields.keys() - CHANGEABLE:
        faults.add(field, "This cannot be changed.")
    given = {name: faults.text(name, fields[name]) for name in fields.keys() & CHANGEABLE}
    if len(given.get("name", "")) > MAX_DISPLAY_NAME:
        faults.add("name", f"At most {MAX_DISPLAY_NAME} characters.")
    if email := given.get("email"):
        try:
            validate_email(email)
        except ValidationError:
            faults.add("email", "This is no e-mail address.")
        if len(email) > MAX_EMAIL:
            faults.add("email", f"At most {MAX_EMAIL} characters.")
    if given.get("language", "") not in {"", *dict(settings.LANGUAGES)}:
        faults.add("language", "The pages do not speak this language.")
    if given.get("time_zone", "") not in {"", *available_timezones()}:
        faults.add("time_zone", "There is no such time zone.")
    faults.done()
    with transaction.atomic():
        named = {"name": "first_name", "email": "email"}
        if mine := {named[field]: given[field] for field in given.keys() & named.keys()}:
            User.objects.filter(pk=user.pk).update(**mine)
        if liked := {field: given[field] for field in given.keys() - named.keys()}:
            Preferences.objects.update_or_create(user=user, defaults=liked)
    user.refresh_from_db(fields=["first_name", "email"])
    return of(user)


def change_password(*, actor: Actor, old: str, new: str) -> User:
    """Give the actor another password. Raises NotAuthenticated, GroupsRestricted, Invalid with all fields at fault.

    Whoever lets people try passwords counts the wrong ones (`services.guesses`).
    """
    must_reach_all(actor)
    user = _user(actor)
    faults = Faults()
    if not user.check_password(old):
        faults.add("old", "This is not your password.")
    try:
        validate_password(new, user)
    except ValidationError as error:
        for message in error.messages:
            faults.add("new", message)
    faults.done()
    user.set_password(new)
    user.save(update_fields=["password"])
    return user


def _user(actor: Actor) -> User:
    if not isinstance(actor, User):
        raise NotAuthenticated
    return actor
