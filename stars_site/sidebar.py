"""The admin's sidebar: its blocks, and the lists in each for whoever may see them."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _admin_list(title: Promise, icon: str, model: str) -> dict[str, Any]:
    """An entry of the admin's sidebar: the list of that model, for whoever may see it."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


SIDEBAR: Final = [
    {
        "title": _("Work"),
        "items": [
            _admin_list(_("Groups 群星"), "groups", "groups.group"),
            _admin_list(_("Members"), "person_pin", "groups.member"),
            _admin_list(_("Agents"), "smart_toy", "groups.agent"),
            _admin_list(_("Tool servers"), "build", "groups.toolserver"),
            _admin_list(_("Credentials"), "vpn_key", "groups.agentcredential"),
            _admin_list(_("Programs that dial in"), "settings_input_antenna", "groups.dialin"),
            _admin_list(_("Messages"), "chat", "groups.message"),
            _admin_list(_("Deliveries"), "outbox", "groups.delivery"),
        ],
    },
    {
        "title": _("Runs"),
        "items": [
            _admin_list(_("Runs"), "play_circle", "groups.run"),
            _admin_list(_("Subtasks"), "checklist", "groups.subtask"),
            _admin_list(_("Events"), "list_alt", "groups.runevent"),
            _admin_list(_("Attachments"), "attach_file", "groups.attachment"),
            _admin_list(_("Budgets"), "savings", "groups.budget"),
            _admin_list(_("Spending"), "payments", "groups.spending"),
        ],
    },
    {
        "title": _("States"),
        "items": [
            _admin_list(_("Spaces"), "folder_open", "state.space"),
            _admin_list(_("States"), "data_object", "state.state"),
            _admin_list(_("Conflicts"), "call_split", "state.conflict"),
            _admin_list(_("Entries"), "history", "state.entry"),
            _admin_list(_("Operations"), "pending_actions", "state.op"),
            _admin_list(_("Audit trail"), "policy", "state.audit"),
            _admin_list(_("Dead letters"), "mark_email_unread", "state.deadletter"),
            _admin_list(_("Connections"), "cable", "state.connection"),
            _admin_list(_("Sync tasks"), "sync", "state.synctask"),
            {
                "title": _("Configuration"),
                "icon": "tune",
                "link": reverse_lazy("admin:state_configuration"),
                "permission": lambda request: request.user.is_superuser,
            },
            {
                "title": _("Connections and sync"),
                "icon": "sync_alt",
                "link": reverse_lazy("groups:connections", kwargs={"space": "_global"}),
            },
            {"title": _("Metrics"), "icon": "monitoring", "link": reverse_lazy("groups:metrics")},
        ],
    },
    {
        "title": _("People"),
        "items": [
            _admin_list(_("Users"), "person", "auth.user"),
            _admin_list(_("Group access"), "key", "groups.groupaccess"),
            _admin_list(_("Permission groups"), "shield_person", "auth.group"),
            _admin_list(_("API tokens"), "token", "knox.authtoken"),
        ],
    },
]
