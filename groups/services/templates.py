"""Templates of runs: kept, changed and removed. What is kept is checked as a run would be that is started with it."""

from __future__ import annotations

from typing import Any, Final, TypedDict, Unpack

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from groups import live
from groups.access import Actor
from groups.errors import GroupNotFound, TemplateExists, TemplateNotFound, TooManyTemplates
from groups.models import Group, RunTemplate
from groups.services import runs
from groups.services.groups import lock
from groups.services.inputs import Faults

MAX_NAME: Final = 80
#: Of one group: a list that people choose from.
MAX_TEMPLATES: Final = 100


class Settings(TypedDict, total=False):
    """What a template holds, as `runs.start` takes it."""

    name: str
    task: str
    mode: str
    options: dict[str, Any]
    failure_policy: str
    approve_plan: bool
    time_limit: float | None
    max_tokens: int | None
    max_cost_usd: float | None


def create(*, actor: Actor, group: Group, **settings: Unpack[Settings]) -> RunTemplate:
    """Keep a task and its options under a name.

    Raises Invalid with the faulty fields, TaskEmpty, TaskTooLarge, UnknownMode, TemplateExists, TooManyTemplates,
    GroupNotFound.
    """
    template = RunTemplate(group=group, created_by=actor if isinstance(actor, User) else None)
    _set(template, {"name": "", "task": "", **settings})
    with transaction.atomic():
        # Those who keep at the same time are counted one after the other.
        if lock(group).templates.count() >= MAX_TEMPLATES:
            raise TooManyTemplates
        _store(template)
    return template


def change(*, actor: Actor, template: RunTemplate, **settings: Unpack[Settings]) -> RunTemplate:
    """Change what is given. Raises what `create` does, but TooManyTemplates; and TemplateNotFound."""
    with transaction.atomic():
        lock(template.group)
        # Afresh: what others have changed meanwhile stays, and what they have removed does not come back.
        try:
            template.refresh_from_db()
        except RunTemplate.DoesNotExist:
            raise TemplateNotFound from None
        _set(template, dict(settings))
        _store(template)
    return template


def remove(*, actor: Actor, template: RunTemplate) -> None:
    """Forget it; runs that were started with it stay."""
    with transaction.atomic():
        RunTemplate.objects.filter(pk=template.pk).delete()
        _announce(template.group_id)


def _set(template: RunTemplate, settings: dict[str, Any]) -> None:
    if "name" in settings:
        faults = Faults()
        settings["name"] = faults.text("name", settings["name"], longest=MAX_NAME, required=True)
        faults.done()
    for name, value in settings.items():
        setattr(template, name, value)
    runs.check(
        group=template.group,
        task=template.task,
        mode=template.mode,
        options=template.options,
        approve_plan=template.approve_plan,
        failure_policy=template.failure_policy,
        time_limit=template.time_limit,
        max_tokens=template.max_tokens,
        max_cost_usd=template.max_cost_usd,
    )


def _store(template: RunTemplate) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError:
        same = RunTemplate.objects.filter(group=template.group_id, name=template.name)
        if same.exclude(pk=template.pk).exists():
            raise TemplateExists(fields={"name": [TemplateExists().message]}) from None
        raise GroupNotFound from None
    _announce(template.group_id)


def _announce(group_id: str) -> None:
    live.announce(pokes=[(live.group_topic(group_id), "templates", {})])
