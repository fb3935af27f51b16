"""Credentials with which agents' own programs dial in, and the programs that have; made on the agent's page."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from groups import access
from groups.models import AgentCredential, DialIn
from groups.services import credentials
from state.admin.base import ReadOnlyAdmin, actor_of, carry_out


@admin.register(AgentCredential)
class AgentCredentialAdmin(ReadOnlyAdmin[AgentCredential]):
    """What is known of them; the texts nobody has but the programs."""

    list_display = ("prefix", "agent", "created_by", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("agent", "created_by")
    search_fields = ("prefix", "agent__agent_id")
    fields = list_display
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Those who may change agents; whose they are is asked per row."""
        return bool(request.user.has_perm("groups.change_agent"))

    @admin.action(description="Revoke selected credentials", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[AgentCredential]) -> None:
        """Close their sockets; they open none any more."""
        actor = actor_of(request)

        def act(row: AgentCredential) -> None:
            access.get_agent(actor, row.agent.agent_id, change=True)
            credentials.revoke(actor=actor, credential=row)

        carry_out(self, request, queryset.select_related("agent"), act, "Revoked")


@admin.register(DialIn)
class DialInAdmin(ReadOnlyAdmin[DialIn]):
    """Programs that are, or lately were, connected."""

    list_display = ("name", "agent", "parallel", "opened_at", "seen_at", "gone_at")
    list_select_related = ("agent",)
    search_fields = ("name", "agent__agent_id")
    fields = ("id", *list_display)
