"""Registers the site's system checks, and what counts wrong passwords."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: it owns commands and checks, and no models."""

    name = "stars_site"
    verbose_name = "Stars"

    def ready(self) -> None:
        """Register both."""
        from stars_site import auth, checks  # noqa: F401
