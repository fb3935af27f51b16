"""How a person likes the pages, wherever they sign in."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Preferences(models.Model):
    """Read when the person signs in, kept in the session until they sign out."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="preferences",
    )
    #: A language of LANGUAGES; empty: as the browser asks.
    language = models.CharField(max_length=20, blank=True)
    #: An IANA time zone; empty: the installation's.
    time_zone = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"{self.user}: {self.language or 'any language'}, {self.time_zone or 'any zone'}"
