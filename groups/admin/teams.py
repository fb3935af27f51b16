"""Agents, groups, who is in them and who may see them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from groups import access
from groups.admin.base import GroupScoped, ServiceAdmin, ServiceForm, adopt, changed
from groups.models import (
    Agent,
    Attachment,
    Group,
    GroupAccess,
    Level,
    Member,
    Message,
    Run,
    RunTemplate,
)
from groups.services import agents, groups, membership
from state.admin.base import ReadOnlyInline, actor_of


@admin.register(Agent)
class AgentAdmin(ServiceAdmin[Agent]):
    """Agents, registered and changed as through the API."""

    list_display = ("agent_id", "name", "kind", "max_concurrency", "membership_count", "created_by")
    list_filter = ("kind",)
    list_select_related = ("created_by",)
    search_fields = ("agent_id", "name", "description")
    fields = (
        "agent_id",
        "name",
        "description",
        "kind",
        "config",
        "grants",
        "max_concurrency",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        """With the number of memberships."""
        return super().get_queryset(request).annotate(membership_total=Count("memberships"))

    @display(description="groups", ordering="membership_total")
    def membership_count(self, agent: Agent) -> int:
        """In how many groups it is."""
        total: int = getattr(agent, "membership_total", 0)
        return total

    def get_readonly_fields(
        self, request: HttpRequest, obj: Agent | None = None
    ) -> tuple[str, ...]:
        """An id stands in logs and messages, so it stays."""
        return ("agent_id",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        """Register or change."""
        actor, data = actor_of(request), form.cleaned_data
        if change:
            agent = access.get_agent(actor, obj.agent_id, change=True)
            adopt(obj, agents.change(actor=actor, agent=agent, **_with_config(changed(form))))
        else:
            adopt(obj, agents.register(actor=actor, **_with_config(data)))

    def delete_model(self, request: HttpRequest, obj: Agent) -> None:
        """Take it out of the register."""
        actor = actor_of(request)
        agents.remove(actor=actor, agent=access.get_agent(actor, obj.agent_id, change=True))


def _with_config(data: dict[str, Any]) -> dict[str, Any]:
    """An empty JSON field means no settings, or no tools."""
    empty: dict[str, Any] = {"config": {}, "grants": []}
    return {**data, **{key: data[key] or none for key, none in empty.items() if key in data}}


def _words(member: Member) -> str:
    return ", ".join(member.tags)


class MemberInline(ReadOnlyInline[Member, Group]):
    """A group's members."""

    model = Member
    fields = ("agent", "role", "tag_words", "joined_at")
    readonly_fields = fields

    @display(description="tags")
    def tag_words(self, member: Member) -> str:
        """The tags, for reading."""
        return _words(member)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        """With what each row names."""
        return super().get_queryset(request).select_related("agent", "group")


class AccessInline(ReadOnlyInline[GroupAccess, Group]):
    """Who may see a group."""

    model = GroupAccess
    fields = ("user", "level")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[GroupAccess]:
        """With what each row names."""
        return super().get_queryset(request).select_related("user", "group")


@admin.register(Group)
class GroupAdmin(GroupScoped[Group], ServiceAdmin[Group]):
    """Groups, with their members and accesses for looking."""

    group_path = "pk"
    list_display = ("name", "id", "member_count", "run_count", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("id", "name", "description")
    date_hierarchy = "created_at"
    fields = ("id", "name", "description")
    inlines = (MemberInline, AccessInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """With the numbers of members and runs."""
        return (
            super()
            .get_queryset(request)
            .annotate(
                member_total=Count("members", distinct=True), run_total=Count("runs", distinct=True)
            )
        )

    @display(description="members", ordering="member_total")
    def member_count(self, group: Group) -> int:
        """How many members it has."""
        total: int = getattr(group, "member_total", 0)
        return total

    @display(description="runs", ordering="run_total")
    def run_count(self, group: Group) -> int:
        """How many runs it has had."""
        total: int = getattr(group, "run_total", 0)
        return total

    def get_readonly_fields(
        self, request: HttpRequest, obj: Group | None = None
    ) -> tuple[str, ...]:
        """An id stands in addresses, so it stays."""
        return ("id",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        """Make or change."""
        actor, data = actor_of(request), form.cleaned_data
        if change:
            group = access.get_group(actor, obj.id, Level.OWNER)
            adopt(obj, groups.change(actor=actor, group=group, **changed(form)))
        else:
            made = groups.create(
                actor=actor,
                group_id=data["id"],
                name=data["name"],
                description=data["description"],
            )
            adopt(obj, made)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        """Remove with everything in it."""
        actor = actor_of(request)
        groups.remove(actor=actor, group=access.get_group(actor, obj.id, Level.OWNER))

    def goes_along(self, rows: list[Group]) -> dict[str, int]:
        """Counted, not listed: a run's log has thousands of rows."""
        return {
            **super().goes_along(rows),
            "members": Member.objects.filter(group__in=rows).count(),
            "templates": RunTemplate.objects.filter(group__in=rows).count(),
            "messages": Message.objects.filter(group__in=rows).count(),
            "runs": Run.objects.filter(group__in=rows).count(),
            "attachments": Attachment.objects.filter(run__group__in=rows).count(),
        }


@admin.register(GroupAccess)
class GroupAccessAdmin(GroupScoped[GroupAccess], ServiceAdmin[GroupAccess]):
    """Who of the users may do what in which group."""

    list_display = ("user", "group", "level_badge")
    list_filter = ("level", ("group", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", "group")
    search_fields = ("user__username", "group__id", "group__name")
    autocomplete_fields = ("group", "user")
    fields = ("group", "user", "level")

    @display(description="level", ordering="level", label={"owner": "primary", "operator": "info"})
    def level_badge(self, row: GroupAccess) -> str:
        """The level in words."""
        return row.get_level_display()

    def get_readonly_fields(
        self, request: HttpRequest, obj: GroupAccess | None = None
    ) -> tuple[str, ...]:
        """Another user or group would be another access."""
        return ("group", "user") if obj else ()

    def save_model(self, request: HttpRequest, obj: GroupAccess, form: Any, change: bool) -> None:
        """Give the user that level."""
        actor = actor_of(request)
        group = access.get_group(actor, obj.group_id, Level.OWNER)
        level = form.cleaned_data["level"]
        adopt(obj, groups.grant(actor=actor, group=group, user=obj.user, level=level))

    def delete_model(self, request: HttpRequest, obj: GroupAccess) -> None:
        """Take the access away."""
        actor = actor_of(request)
        group = access.get_group(actor, obj.group_id, Level.OWNER)
        groups.revoke(actor=actor, group=group, user=obj.user)


class TagsField(forms.Field):
    """Tags as people write them: words with commas between."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        """The list as one line; what was typed stays as it was."""
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """The words of the line."""
        words = [] if value is None else str(value).replace("，", ",").split(",")
        return [word.strip() for word in words if word.strip()]


class MemberForm(ServiceForm):
    """The service speaks of an agent's id, the form lets choose the agent."""

    tags = TagsField(required=False, help_text="Words, with commas between them.")
    field_names: ClassVar = {"agent_id": "agent"}


@admin.register(Member)
class MemberAdmin(GroupScoped[Member], ServiceAdmin[Member]):
    """Which agent is in which group, as what."""

    form = MemberForm
    list_display = ("agent", "group", "role_badge", "tag_words", "joined_at")
    list_filter = ("role", ("group", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("agent", "group")
    search_fields = ("agent__agent_id", "agent__name", "group__id", "group__name")
    autocomplete_fields = ("group", "agent")
    fields = ("group", "agent", "role", "tags")

    @display(description="role", ordering="role", label={"leader": "primary"})
    def role_badge(self, member: Member) -> str:
        """The role."""
        return member.role

    @display(description="tags")
    def tag_words(self, member: Member) -> str:
        """The tags, for reading."""
        return _words(member)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Member | None = None
    ) -> tuple[str, ...]:
        """Another agent or group would be another member."""
        return ("group", "agent") if obj else ()

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        """Let the agent join, or change its role and tags."""
        actor, data = actor_of(request), form.cleaned_data
        group = access.get_group(actor, obj.group_id, Level.OWNER)
        write = membership.change if change else membership.join
        stored = write(
            actor=actor,
            group=group,
            agent_id=obj.agent.agent_id,
            role=data["role"],
            tags=data["tags"],
        )
        adopt(obj, stored)

    def delete_model(self, request: HttpRequest, obj: Member) -> None:
        """Let the agent leave."""
        actor = actor_of(request)
        group = access.get_group(actor, obj.group_id, Level.OWNER)
        membership.leave(actor=actor, group=group, agent_id=obj.agent.agent_id)
