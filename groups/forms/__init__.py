"""What the dashboard's forms accept: shapes only; the rules are the services' and come back through `show_refusal`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

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
    "coordinator_exists": "role",
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
}


def show_refusal(form: forms.Form, error: StarsError) -> None:
    """Put a service's refusal beside the fields it names; what belongs to none stands above the form."""
    fields = error.fields or {FIELD_OF_REASON.get(error.reason, ""): [error.message]}
    for name, messages in fields.items():
        own = form.names if isinstance(form, StarsForm) else {}
        mine = own.get(name) or FORM_NAME.get(name) or re.split(r"[.\[]", name)[0]
        for message in messages:
            form.add_error(mine if mine in form.fields else None, message)


class StarsForm(forms.Form):
    """Base: one template for all forms, required marks by our own CSS, errors with ids for screen readers."""

    required_css_class = "is-required"
    #: What services call a field -> what this form does, where that differs.
    names: Mapping[str, str] = {}

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


ROLES: Final = [
    (Role.WORKER, _("worker")),
    (Role.LEADER, _("leader")),
    (Role.SPECIALIST, _("specialist")),
    (Role.COORDINATOR, _("coordinator")),
    (Role.OBSERVER, _("observer")),
]
#: What each role means, for whoever chooses.
ROLE_HELP: Final = _(
    "A specialist takes only what is addressed to it or its tags. The coordinator plans when the "
    "leader cannot. An observer reads along and is given no work."
)


class AgentsField(forms.MultipleChoiceField):
    """Any ids of agents; which there are is the service's to say."""

    def to_python(self, value: Any) -> list[str]:
        """The ids, without fields left empty."""
        return [each for each in super().to_python(value) if each]

    def valid_value(self, value: Any) -> bool:
        """Every text may be asked for."""
        return True


class JoinForm(StarsForm):
    agent_id = AgentsField(
        label=_("Agents"), error_messages={"required": _("Choose at least one agent.")}
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=ROLES, initial=Role.WORKER, help_text=ROLE_HELP
    )
    tags = TagsField(
        label=_("Tags"), required=False, help_text=_("Words that a plan may address work to.")
    )


class MemberForm(StarsForm):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES, help_text=ROLE_HELP)
    tags = TagsField(label=_("Tags"), required=False)


class MessageForm(StarsForm):
    """`sender` is a member, or system for the person who writes; `to` is empty for everyone."""

    sender = forms.ChoiceField(label=_("As"), required=False)
    to = forms.ChoiceField(label=_("To"), required=False)
    text = forms.CharField(
        label=_("Message"),
        widget=forms.Textarea(
            {"rows": 2, "placeholder": _("Write to the group; whom you @mention answers")}
        ),
        strip=False,
    )

    def __init__(self, *args: Any, members: Iterable[Member], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ids = [(m.agent.agent_id, m.agent.agent_id) for m in members]
        sender, to = self.fields["sender"], self.fields["to"]
        assert isinstance(sender, forms.ChoiceField) and isinstance(to, forms.ChoiceField)
        sender.choices = [(SYSTEM, _("yourself")), *ids]
        to.choices = [("", _("everyone")), *ids]

    @property
    def ends(self) -> list[forms.BoundField]:
        """To whom, and as whom."""
        return [self["to"], self["sender"]]

    def clean_sender(self) -> str:
        """Whoever says nothing writes as themself."""
        return self.cleaned_data["sender"] or SYSTEM
