"""Registers the site's system checks."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: it owns commands and checks, and no models."""

    name = "stars_site"
    verbose_name = "Stars"

    def ready(self) -> None:
        """Register the checks."""
        from stars_site import checks  # noqa: F401
