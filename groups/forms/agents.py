"""The form about an agent: what all agents have, and the fields of its kind, which are declared here, a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from groups.agents import registry
from groups.agents.builtin import SKILLS
from groups.forms import StarsForm

#: The kind that works without anything else.
DEFAULT: Final = "builtin"


class KindField(NamedTuple):
    """A field that only agents of these kinds have. `path` is "config.<name>" or "secrets.<name>"."""

    kinds: tuple[str, ...]
    name: str
    path: str
    make: Callable[[], forms.Field]


def _skills() -> list[tuple[str, str]]:
    return [("", gettext("choose…")), *((s, f"{s}: {gettext(w)}") for s, w in SKILLS.items())]


def _key(label: Any, help_text: Any = None) -> forms.Field:
    """A secret: it is typed in and never shown."""
    help_text = help_text or _("Kept encrypted, and never shown again.")
    widget = forms.PasswordInput({"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)


def _long(label: Any, help_text: Any) -> forms.Field:
    widget = forms.Textarea({"rows": 5})
    return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)


def _number(label: Any, help_text: Any) -> forms.Field:
    widget = forms.NumberInput({"step": "any"})
    return forms.FloatField(
        label=label, required=False, min_value=0, widget=widget, help_text=help_text
    )


#: In the order in which they are shown. A further kind adds its lines; what is left empty is not stored.
FIELDS: Final[Sequence[KindField]] = (
    KindField(
        ("builtin",),
        "skill",
        "config.skill",
        lambda: forms.ChoiceField(label=_("Skill"), choices=_skills, required=False),
    ),
    KindField(
        ("llm",),
        "model",
        "config.model",
        lambda: forms.CharField(
            label=_("Model"),
            required=False,
            help_text=_(
                "Such as openai:gpt-5-mini, anthropic:claude-sonnet-4-5 or google:gemini-2.5-flash; "
                "with a base URL, the name that the server there uses."
            ),
        ),
    ),
    KindField(
        ("llm",),
        "base_url",
        "config.base_url",
        lambda: forms.CharField(
            label=_("Base URL"),
            required=False,
            widget=forms.TextInput({"placeholder": "http://127.0.0.1:11434/v1"}),
            help_text=_("Of Ollama, vLLM, llama.cpp or any server that speaks OpenAI's protocol."),
        ),
    ),
    KindField(("llm",), "api_key", "secrets.api_key", lambda: _key(_("API key"))),
    KindField(
        ("llm",),
        "instructions",
        "config.instructions",
        lambda: _long(_("Instructions"), _("What the agent is and how it is to work.")),
    ),
    KindField(
        ("a2a",),
        "card_url",
        "config.card_url",
        lambda: forms.CharField(
            label=_("Address of the agent or of its card"),
            required=False,
            widget=forms.TextInput({"placeholder": "https://agent.example"}),
            help_text=_(
                "Agents that speak A2A 1.0 or 0.3 publish a card, which says how to reach them."
            ),
        ),
    ),
    KindField(
        ("a2a",),
        "token",
        "secrets.token",
        lambda: _key(
            _("Token"), _("If the agent asks for one. Kept encrypted, never shown again.")
        ),
    ),
    KindField(
        ("webhook",),
        "url",
        "config.url",
        lambda: forms.CharField(
            label=_("Address"),
            required=False,
            widget=forms.TextInput({"placeholder": "https://program.example/hook"}),
            help_text=_("Requests are posted there, signed as Standard Webhooks has it."),
        ),
    ),
    KindField(
        ("webhook",),
        "secret",
        "secrets.secret",
        lambda: _key(
            _("Secret for signing"),
            _(
                "Your program checks with it that a request comes from here: whsec_ and 24 to 64 bytes "
                "in base64, as whsec_$(openssl rand -base64 32) makes one. Never shown again."
            ),
        ),
    ),
    KindField(
        ("connected",),
        "patience",
        "config.patience",
        lambda: _number(
            _("Patience, seconds"),
            _("How long a subtask waits when no program is connected; 60 if left empty."),
        ),
    ),
    KindField(
        ("connected",),
        "grace",
        "config.grace",
        lambda: _number(
            _("Grace, seconds"),
            _("How long a program may be away that has begun a subtask; 15 if left empty."),
        ),
    ),
    KindField(
        ("human",),
        "user",
        "config.user",
        lambda: forms.CharField(
            label=_("User name"),
            required=False,
            max_length=150,
            help_text=_("Who answers; left empty, anybody who may operate the group."),
        ),
    ),
    KindField(
        ("human",),
        "deadline",
        "config.deadline",
        lambda: _number(
            _("Deadline, hours"), _("After it the subtask fails; left empty, there is none.")
        ),
    ),
    KindField(
        ("human",),
        "remind_every",
        "config.remind_every",
        lambda: _number(_("Remind every, hours"), _("24 if left empty.")),
    ),
)


def fields_of(kind: str) -> list[KindField]:
    """The fields of that kind."""
    return [field for field in FIELDS if kind in field.kinds]


def _kinds() -> list[tuple[str, str]]:
    return [(kind, gettext(registry.words(kind).long)) for kind in registry.KINDS]


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
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=_kinds,
        initial=DEFAULT,
        widget=forms.Select(
            {
                "hx-get": reverse_lazy("groups:agent_fields"),
                "hx-target": "#kind-fields",
                "hx-swap": "outerHTML",
                "hx-trigger": "change",
            }
        ),
    )
    config = forms.JSONField(
        label=_("Further settings (JSON)"),
        required=False,
        initial=dict,
        help_text=_("Rarely needed; docs/agents.md lists what each kind takes."),
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

    def __init__(
        self, *args: Any, known: bool = False, has: Sequence[str] = (), **kwargs: Any
    ) -> None:
        """`known`: an agent that exists; its id stands. `has` names the secrets that are set."""
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["agent_id"]
        chosen = self.data.get("kind") if self.is_bound else self.initial.get("kind")
        self.special = fields_of(str(chosen or DEFAULT))
        self._forgetting: dict[str, str] = {}
        for item in self.special:
            self.fields[item.name] = item.make()
            place, _dot, name = item.path.partition(".")
            if place == "secrets" and name in has:
                self.fields[item.name].help_text = _("One is set. Leave this empty to keep it.")
                self._forgetting[name] = f"forget_{item.name}"
                self.fields[f"forget_{item.name}"] = forms.BooleanField(
                    label=_("Forget what is set"), required=False
                )
        self.names: Mapping[str, str] = {item.path: item.name for item in self.special}

    @classmethod
    def initial_of(cls, kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """What the fields of a kind show of these settings; the rest stands as JSON."""
        rest, shown = dict(config), {}
        for item in fields_of(kind):
            place, _dot, name = item.path.partition(".")
            if place == "config" and name in rest:
                shown[item.name] = rest.pop(name)
        return {"kind": kind, "config": rest, **shown}

    @property
    def before(self) -> list[forms.BoundField]:
        """The fields above those of the kind."""
        return [
            self[name]
            for name in ("agent_id", "name", "description", "kind")
            if name in self.fields
        ]

    @property
    def between(self) -> list[forms.BoundField]:
        """The fields of the kind."""
        mine = {item.name for item in self.special} | set(self._forgetting.values())
        return [self[name] for name in self.fields if name in mine]

    @property
    def after(self) -> list[forms.BoundField]:
        """The rest."""
        return [self["config"], self["max_concurrency"]]

    def clean_config(self) -> dict[str, Any]:
        """Settings are an object, whatever else JSON may be."""
        config = self.cleaned_data["config"] or {}
        if not isinstance(config, dict):
            raise forms.ValidationError(_("This must be a JSON object: {…}."))
        return config

    @property
    def fields_of_agent(self) -> dict[str, Any]:
        """What the service takes; fields of the kind are settings or secrets."""
        data = dict(self.cleaned_data)
        data["config"] = dict(data["config"])
        secrets: dict[str, str | None] = {}
        for name, box in self._forgetting.items():
            if data.pop(box):
                secrets[name] = None
        for item in self.special:
            value = data.pop(item.name)
            place, _dot, name = item.path.partition(".")
            if value not in ("", None, []):
                (secrets if place == "secrets" else data["config"])[name] = value
        if secrets:
            data["secrets"] = secrets
        data["max_concurrency"] = data["max_concurrency"] or 0
        return data
