"""Shared, versioned states and the process's hub."""

from __future__ import annotations

from django.apps import AppConfig


class StateConfig(AppConfig):
    """The app that knows nobody: states, their synchronisation, the fan-out."""

    name = "state"
    verbose_name = "Shared state"
