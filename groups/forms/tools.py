"""What the forms about tools accept: which an agent is granted, and tool servers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from groups.agents.tools import grants
from groups.agents.tools.catalogue import TOOLS
from groups.forms import StarsForm
from groups.models import ToolServer

WORDS: Final = {
    "state.list": _("list shared states"),
    "state.read": _("read shared states"),
    "state.create": _("make shared states"),
    "state.write": _("change shared states"),
    "state.merge": _("join objects into shared states"),
    "message.send": _("send messages within its group"),
    "person.ask": _("ask a person"),
    "attachment.list": _("list the run's attachments"),
    "attachment.read": _("read attachments"),
    "table.query": _("query attached tables (SQL)"),
    "web.fetch": _("fetch pages from the hosts below"),
    "calculator": _("calculate exactly"),
}


class GrantsForm(StarsForm):
    """The tools of one agent. What this form does not show of a grant (time limits) stays as it was."""

    tools = forms.MultipleChoiceField(
        label=_("Tools"), required=False, widget=forms.CheckboxSelectMultiple
    )
    approval = forms.MultipleChoiceField(
        label=_("A person approves each call of"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    hosts = forms.CharField(
        label=_("Hosts that may be fetched from"),
        required=False,
        widget=forms.Textarea({"rows": 2, "spellcheck": "false"}),
        help_text=_("One per line, such as example.org, *.example.org or example.org:8443."),
    )

    def __init__(self, *args: Any, before: list[dict[str, Any]], **kwargs: Any) -> None:
        """`before`: the grants as they are stored."""
        self._before = {str(grant["tool"]): grant for grant in before}
        kwargs["initial"] = {
            "tools": list(self._before),
            "approval": [name for name, grant in self._before.items() if grant.get("approval")],
            "hosts": "\n".join(self._before.get("web.fetch", {}).get("hosts", ())),
        }
        super().__init__(*args, **kwargs)

    def offer(self, servers: Iterable[ToolServer]) -> None:
        """What may be chosen: the built-in tools, those of these servers, and what is granted already."""
        own = [(name, f"{name}: {WORDS.get(name, name)}") for name in TOOLS]
        theirs = [(f"{grants.MCP}{s.name}", gettext("all tools of %s") % s.name) for s in servers]
        known = {name for name, _words in (*own, *theirs)}
        others = [(name, name) for name in self._before if name not in known]
        choices = [*own, *theirs, *others]
        for field, offered in (("tools", choices), ("approval", choices)):
            chosen = self.fields[field]
            assert isinstance(chosen, forms.MultipleChoiceField)
            chosen.choices = [c for c in offered if field == "tools" or c[0] != "person.ask"]

    @property
    def grants(self) -> list[dict[str, Any]]:
        """What the service takes."""
        data = self.cleaned_data
        found = []
        for tool in data["tools"]:
            grant = {
                **self._before.get(tool, {}),
                "tool": tool,
                "approval": tool in data["approval"],
            }
            if tool == "web.fetch":
                grant["hosts"] = data["hosts"].replace(",", " ").split()
            found.append(grant)
        return found


class ToolServerForm(StarsForm):
    name = forms.CharField(
        label=_("Name"), max_length=64, help_text=_("Unique and lasting; it stands in grants.")
    )
    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=2000,
        widget=forms.TextInput({"placeholder": "https://example.org/mcp", "spellcheck": "false"}),
    )
    command = forms.CharField(
        label=_("Or a command"),
        required=False,
        widget=forms.TextInput({"spellcheck": "false", "class": "code"}),
        help_text=_("Started on this machine; for administrators, where commands are allowed."),
    )
    secrets = forms.JSONField(
        label=_("Secrets (JSON)"),
        required=False,
        initial=dict,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "class": "code"}),
        help_text=_(
            "Headers, or environment of the command; null takes one away. What is set is never shown."
        ),
    )

    def __init__(self, *args: Any, known: bool = False, **kwargs: Any) -> None:
        """`known`: a server that exists; its name stands."""
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["name"]

    def clean_command(self) -> list[str]:
        """The words, as a shell would read them."""
        try:
            return shlex.split(self.cleaned_data["command"])
        except ValueError:
            raise forms.ValidationError(_("A quotation mark is not closed.")) from None

    @property
    def fields_of_server(self) -> dict[str, Any]:
        """What the service takes."""
        return {**self.cleaned_data, "secrets": self.cleaned_data["secrets"] or {}}
