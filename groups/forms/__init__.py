"""What the dashboard's forms accept: shapes only; the rules are the services' and come back through `show_refusal`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from groups.agents import registry
from groups.agents.builtin import SKILLS
from groups.execution.modes import MODES
from groups.execution.statuses import FailurePolicy
from groups.models import Level, Member, Role
from groups.models.messages import SYSTEM
from state.errors import StarsError

#: Where a refusal belongs that names no field itself.
FIELD_OF_REASON: Final[dict[str, str]] = {
    "agent_exists": "agent_id",
    "agent_not_found": "agent_id",
    "already_a_member": "agent_id",
    "attachment_refused": "attachments",
    "attachment_too_large": "attachments",
    "group_exists": "group_id",
    "leader_exists": "role",
    "not_a_member": "sender",
    "task_empty": "task",
    "task_too_large": "task",
    "unknown_mode": "mode",
}
#: Fields that our forms name otherwise than the services do (`from` and `id` are words of Python).
FORM_NAME: Final[dict[str, str]] = {
    "from": "sender",
    "id": "group_id",
    "config.skill": "skill",
}


def show_refusal(form: forms.Form, error: StarsError) -> None:
    """Put a service's refusal beside the fields it names; what belongs to none stands above the form."""
    fields = error.fields or {FIELD_OF_REASON.get(error.reason, ""): [error.message]}
    for name, messages in fields.items():
        mine = FORM_NAME.get(name) or re.split(r"[.\[]", name)[0]
        for message in messages:
            form.add_error(mine if mine in form.fields else None, message)


class StarsForm(forms.Form):
    """Base: one template for all forms, required marks by our own CSS, errors with ids for screen readers."""

    required_css_class = "is-required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)


class TagsField(forms.CharField):
    """Words separated by commas or blanks, as a list."""

    def prepare_value(self, value: object) -> object:
        """A list as the person writes it."""
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: object) -> list[str]:
        """The words, each once, in their order."""
        words = str(super().clean(value)).replace("，", ",").replace(",", " ").split()
        return list(dict.fromkeys(words))


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; what they may be is the service's business."""

    widget = FilesInput

    def clean(self, data: object, initial: object = None) -> list[UploadedFile[Any]]:
        """The uploads that came, none being none."""
        items = data if isinstance(data, list | tuple) else [data]
        return [item for item in items if isinstance(item, UploadedFile)]


class GroupForm(StarsForm):
    name = forms.CharField(label=_("Name"), max_length=200)
    group_id = forms.CharField(
        label=_("Id"),
        max_length=64,
        required=False,
        help_text=_("Stands in addresses. Left empty, it is made from the name."),
    )
    description = forms.CharField(
        label=_("Description"), required=False, widget=forms.Textarea({"rows": 3})
    )


class GroupSettingsForm(StarsForm):
    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(
        label=_("Description"), required=False, widget=forms.Textarea({"rows": 3})
    )


class AccessForm(StarsForm):
    username = forms.CharField(label=_("User name"), max_length=150)
    #: 0 takes the access away.
    level = forms.TypedChoiceField(
        label=_("Level"),
        coerce=int,
        choices=[
            (Level.VIEWER, _("viewer: sees everything")),
            (Level.OPERATOR, _("operator: runs tasks, sends messages")),
            (Level.OWNER, _("owner: changes members and the group")),
            (0, _("no access")),
        ],
        initial=Level.OPERATOR,
    )


ROLES: Final = [(Role.WORKER, _("worker")), (Role.LEADER, _("leader"))]


class JoinForm(StarsForm):
    agent_id = forms.CharField(
        label=_("Agent"),
        max_length=64,
        widget=forms.TextInput({"list": "agent-ids", "autocomplete": "off", "spellcheck": "false"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, initial=Role.WORKER)
    tags = TagsField(
        label=_("Tags"), required=False, help_text=_("Words that a plan may address work to.")
    )


class MemberForm(StarsForm):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES)
    tags = TagsField(label=_("Tags"), required=False)


class MessageForm(StarsForm):
    """`sender` is a member, or system for people; `to` is empty for everyone."""

    sender = forms.ChoiceField(label=_("From"))
    to = forms.ChoiceField(label=_("To"), required=False)
    text = forms.CharField(
        label=_("Message"),
        widget=forms.Textarea(
            {"rows": 2, "placeholder": _("@agent, @role:worker, @tag:… or @all answers")}
        ),
        strip=False,
    )

    def __init__(self, *args: Any, members: Iterable[Member], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ids = [(m.agent.agent_id, m.agent.agent_id) for m in members]
        sender, to = self.fields["sender"], self.fields["to"]
        assert isinstance(sender, forms.ChoiceField) and isinstance(to, forms.ChoiceField)
        sender.choices = [(SYSTEM, _("the group (system)")), *ids]
        to.choices = [("", _("everyone")), *ids]


def _modes() -> list[tuple[str, str]]:
    return [(name, gettext(mode.words)) for name, mode in MODES.items()]


def _kinds() -> list[tuple[str, str]]:
    return [(kind, gettext(registry.words(kind).long)) for kind in registry.KINDS]


def _skills() -> list[tuple[str, str]]:
    return [("", gettext("choose…")), *((s, f"{s}: {gettext(w)}") for s, w in SKILLS.items())]


class RunForm(StarsForm):
    # Emptiness and length are judged by the service, so that every door says the same.
    task = forms.CharField(label=_("Task"), required=False, strip=False, widget=forms.Textarea)
    attachments = FilesField(label=_("Attachments"), required=False)
    approve_plan = forms.BooleanField(label=_("Let me approve the plan first"), required=False)
    failure_policy = forms.ChoiceField(
        label=_("When a subtask fails"),
        choices=[
            (FailurePolicy.CONTINUE, _("go on with the others")),
            (FailurePolicy.STOP, _("stop the run")),
        ],
        initial=FailurePolicy.CONTINUE,
    )
    mode = forms.ChoiceField(label=_("Mode"), choices=_modes, initial="leader_worker")
    time_limit = forms.FloatField(
        label=_("Time limit, minutes"),
        required=False,
        min_value=1 / 60,
        widget=forms.NumberInput({"placeholder": "60", "step": "any"}),
    )
    max_tokens = forms.IntegerField(
        label=_("Cap in tokens"),
        required=False,
        min_value=1,
        widget=forms.NumberInput({"placeholder": _("no cap")}),
    )
    max_cost_usd = forms.FloatField(
        label=_("Cap in dollars"),
        required=False,
        min_value=0,
        widget=forms.NumberInput({"placeholder": _("no cap"), "step": "any"}),
    )


class AgentForm(StarsForm):
    agent_id = forms.CharField(
        label=_("Id"), max_length=64, help_text=_("Unique and lasting; used in plans and messages.")
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("What it is good at; leaders read this when they plan."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=_kinds)
    #: A setting of built-in agents only.
    skill = forms.ChoiceField(label=_("Skill"), choices=_skills, required=False)
    config = forms.JSONField(
        label=_("Further settings (JSON)"),
        required=False,
        initial=dict,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false", "class": "code"}),
        error_messages={"invalid": _('This is not JSON. Write it like this: {"pace": 0.25}')},
    )
    max_concurrency = forms.IntegerField(
        label=_("Subtasks at once"),
        min_value=0,
        initial=0,
        required=False,
        help_text=_("Over all runs; 0 means no limit."),
    )

    def __init__(self, *args: Any, known: bool = False, **kwargs: Any) -> None:
        """`known`: an agent that exists; its id stands."""
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["agent_id"]

    def clean_config(self) -> dict[str, Any]:
        """Settings are an object, whatever else JSON may be."""
        config = self.cleaned_data["config"] or {}
        if not isinstance(config, dict):
            raise forms.ValidationError(_("This must be a JSON object: {…}."))
        return config

    @property
    def fields_of_agent(self) -> dict[str, Any]:
        """What the service takes; a built-in agent's skill is one of its settings."""
        data = dict(self.cleaned_data)
        data["config"] = dict(data["config"])
        skill = data.pop("skill")
        if data["kind"] == "builtin" and skill:
            data["config"]["skill"] = skill
        data["max_concurrency"] = data["max_concurrency"] or 0
        return data
