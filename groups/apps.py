"""Groups of agents, their messages and their runs."""

from __future__ import annotations

from django.apps import AppConfig


class GroupsConfig(AppConfig):
    """The app that owns agents, groups, members, messages and runs."""

    name = "groups"
    verbose_name = "Groups"
