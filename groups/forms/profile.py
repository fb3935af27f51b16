"""The forms of a person's own settings."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from groups.services.profile import MAX_DISPLAY_NAME, MAX_EMAIL


class ProfileForm(StarsForm):
    name = forms.CharField(
        label=_("Display name"),
        max_length=MAX_DISPLAY_NAME,
        required=False,
        help_text=_("Stands in your menu; in logs and lists you are called by your user name."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=MAX_EMAIL,
        required=False,
        help_text=_(
            "Reminders of what waits for you are sent here, if this installation sends mail."
        ),
        widget=forms.EmailInput({"autocomplete": "email"}),
    )


def _languages() -> list[tuple[str, Any]]:
    own = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
    return [("", _("as the browser asks")), *own]


@cache
def _regions() -> dict[str, list[tuple[str, str]]]:
    """Time zones by their part of the world."""
    found: dict[str, list[tuple[str, str]]] = {}
    for zone in sorted(available_timezones()):
        region, _slash, place = zone.partition("/")
        if place and region not in ("Etc", "SystemV", "US"):
            found.setdefault(region, []).append((zone, place.replace("_", " ")))
    return found


def _zones() -> list[Any]:
    return [("", _("as the installation")), ("UTC", "UTC"), *_regions().items()]


class DisplayForm(StarsForm):
    language = forms.ChoiceField(
        label=_("Language"),
        choices=_languages,
        required=False,
        help_text=_("Chosen again wherever you sign in."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=_zones,
        required=False,
        # The tz database names them so everywhere.
        widget=forms.Select(attrs={"translate": "no"}),
        help_text=_("For dates that the server writes; “ago” follows your clock."),
    )
