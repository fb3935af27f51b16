"""Tool servers in the admin; their secrets go in by name and never come out."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from groups.admin.base import ServiceAdmin, ServiceForm, adopt, changed
from groups.models import ToolServer
from groups.services import tool_servers
from state.admin.base import actor_of


class ToolServerForm(ServiceForm):
    """Secrets are only written."""

    new_secrets = forms.JSONField(
        label="Secrets",
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text="Headers, or environment of the command: a JSON object; null takes one away. "
        "What is set is never shown.",
    )
    field_names: ClassVar = {"secrets": "new_secrets"}

    class Meta:
        model = ToolServer
        fields = ("name", "url", "command")


@admin.register(ToolServer)
class ToolServerAdmin(ServiceAdmin[ToolServer]):
    """MCP servers, registered and changed as through the API."""

    form = ToolServerForm
    list_display = ("name", "url", "command", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "url")
    fields = ("name", "url", "command", "new_secrets")

    def get_readonly_fields(
        self, request: HttpRequest, obj: ToolServer | None = None
    ) -> tuple[str, ...]:
        """A name stands in grants, so it stays."""
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: ToolServer, form: Any, change: bool) -> None:
        """Register or change."""
        actor = actor_of(request)
        data = changed(form) if change else dict(form.cleaned_data)
        data["secrets"] = data.pop("new_secrets", None) or {}
        if "command" in data:
            data["command"] = data["command"] or []
        if change:
            server = tool_servers.get(actor, obj.name, change=True)
            adopt(obj, tool_servers.change(actor=actor, server=server, **data))
        else:
            adopt(obj, tool_servers.register(actor=actor, **data))

    def delete_model(self, request: HttpRequest, obj: ToolServer) -> None:
        """Take it out of the register."""
        actor = actor_of(request)
        server = tool_servers.get(actor, obj.name, change=True)
        tool_servers.remove(actor=actor, server=server)
