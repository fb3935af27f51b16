"""Templates of runs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from groups import access
from groups.admin.base import GroupScoped, ServiceAdmin, adopt, changed
from groups.models import Level, RunTemplate
from groups.services import templates
from state.admin.base import actor_of


@admin.register(RunTemplate)
class RunTemplateAdmin(GroupScoped[RunTemplate], ServiceAdmin[RunTemplate]):
    """What groups are given again and again."""

    list_display = ("name", "group", "mode", "approve_plan", "created_by", "updated_at")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), "mode")
    list_select_related = ("group", "created_by")
    search_fields = ("name", "task", "group__id", "group__name")
    autocomplete_fields = ("group",)
    fields: ClassVar = (
        "group",
        "name",
        "task",
        "mode",
        "options",
        "failure_policy",
        "approve_plan",
        "time_limit",
        "max_tokens",
        "max_cost_usd",
    )

    def get_readonly_fields(
        self, request: HttpRequest, obj: RunTemplate | None = None
    ) -> tuple[str, ...]:
        """In another group it would be another template."""
        return ("group",) if obj else ()

    def save_model(self, request: HttpRequest, obj: RunTemplate, form: Any, change: bool) -> None:
        """Keep or change."""
        actor = actor_of(request)
        group = access.get_group(actor, obj.group_id, Level.OPERATOR)
        if change:
            template = access.get_template(group, obj.pk)
            adopt(obj, templates.change(actor=actor, template=template, **_full(changed(form))))
            return
        data = {name: value for name, value in form.cleaned_data.items() if name != "group"}
        adopt(obj, templates.create(actor=actor, group=group, **_full(data)))

    def delete_model(self, request: HttpRequest, obj: RunTemplate) -> None:
        """Forget it."""
        actor = actor_of(request)
        group = access.get_group(actor, obj.group_id, Level.OPERATOR)
        templates.remove(actor=actor, template=access.get_template(group, obj.pk))


def _full(data: dict[str, Any]) -> Any:
    """An empty JSON field means no options."""
    return {**data, "options": data["options"] or {}} if "options" in data else data
