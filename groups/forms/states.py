"""What the forms about shared states accept; the rules are the manager's and come back beside the fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from groups.forms.words import (
    CONSISTENCIES,
    CONSISTENCY_EXAMPLES,
    FALLBACKS,
    READ_POLICIES,
    RESOLUTION_EXAMPLES,
    RESOLUTIONS,
    TYPE_MEANINGS,
    TYPES,
)
from groups.forms.words import SYNC_STATUSES as STATUSES
from state import jsonvalue
from state.errors import StarsError
from state.merge import STRATEGIES
from state.policy import canonical
from state.refusals import DuplicateKey
from state.values import AccessPolicy, Filters, Json, SharedState, StateType, SyncStatus

#: Fields of the policy's form that are lists of the access policy.
LISTS: Final = ("read_allow", "write_allow", "delete_allow", "admin_allow")


@contextmanager
def beside_fields(names: Mapping[str, str]) -> Iterator[None]:
    """Refusals raised inside name the form's fields: `names` maps what the manager calls them.

    "data/count" and "access_policy.read_allow" belong to the longest name given that they begin with; the rest of
    a path stays in the sentence.
    """
    try:
        yield
    except StarsError as error:
        found: dict[str, list[str]] = {}
        for name, sentences in error.fields.items():
            known = max((n for n in names if name.startswith(n)), key=len, default=None)
            rest = "" if known is None else name[len(known) :]
            told = [f"{rest}: {each}" if rest.startswith("/") else each for each in sentences]
            found.setdefault(name if known is None else names[known], []).extend(told)
        error.fields = found
        raise


class LinesField(forms.CharField):
    """Words of which each stands on a line of its own, as a list."""

    widget = forms.Textarea({"rows": 2, "spellcheck": "false", "autocapitalize": "off"})

    def prepare_value(self, value: object) -> object:
        """A list as the person writes it."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: object) -> list[str]:
        """The lines that hold something, each once, in their order."""
        lines = (line.strip() for line in str(super().clean(value)).splitlines())
        return list(dict.fromkeys(line for line in lines if line))


class JsonField(forms.CharField):
    """A JSON object, read as strictly as every other door of states reads it; empty is None."""

    widget = forms.Textarea({"rows": 12, "spellcheck": "false", "class": "code"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def clean(self, value: object) -> Any:
        """The object. Raises ValidationError saying where the text stops being JSON."""
        text = str(super().clean(value))
        if not text.strip():
            return None
        found = json_of(text)
        if not isinstance(found, dict):
            raise forms.ValidationError(_("This must be a JSON object: {…}."))
        return found


def json_of(text: str) -> Json:
    """The JSON value of that text. Raises ValidationError saying where it stops being JSON."""
    try:
        return jsonvalue.loads(text.encode())
    except UnicodeEncodeError:
        raise forms.ValidationError(_("This is not text.")) from None
    except StarsError as error:
        raise forms.ValidationError(list(_told(error))) from None


def _told(error: StarsError) -> Iterator[str]:
    at = re.search(r"line (\d+) column (\d+)", error.message)
    if at is not None:
        text = gettext("This is not JSON from line %(line)s, column %(column)s on.")
        yield text % {"line": at[1], "column": at[2]}
    elif isinstance(error, DuplicateKey):
        yield from (
            gettext("%(path)s stands there twice.") % {"path": path} for path in error.fields
        )
    elif error.fields:
        for path, sentences in error.fields.items():
            yield from (f"{path or '/'}: {gettext(each)}" for each in sentences)
    else:
        yield gettext(error.message)


class FilterForm(StarsForm):
    """Which states to list; sent by GET, so it can be kept as an address."""

    text = forms.CharField(
        label=_("Search"),
        max_length=200,
        required=False,
        widget=forms.TextInput(
            {
                "type": "search",
                "placeholder": _("Id, name, tag or owner"),
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    type = forms.ChoiceField(label=_("Type"), required=False)
    tag = forms.CharField(label=_("Tag"), max_length=64, required=False)
    owner = forms.CharField(label=_("Owner"), max_length=200, required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    deleted = forms.BooleanField(label=_("Deleted ones"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind, status = self.fields["type"], self.fields["status"]
        assert isinstance(kind, forms.ChoiceField) and isinstance(status, forms.ChoiceField)
        kind.choices = [("", _("any")), *TYPES.items()]
        status.choices = [("", _("any")), *STATUSES.items()]

    @property
    def filters(self) -> Filters:
        """What is asked of the manager; a bare owner is looked for as an agent and as a person."""
        data = self.cleaned_data
        owner = data["owner"].strip()
        bare = owner and ":" not in owner
        return Filters(
            type=StateType(data["type"]) if data["type"] else None,
            owners=(owner, canonical(owner), *((f"human:{owner}",) if bare else ()))
            if owner
            else (),
            tags=(data["tag"].strip(),) if data["tag"].strip() else (),
            sync_status=SyncStatus(data["status"]) if data["status"] else None,
            text=data["text"].strip(),
            deleted=data["deleted"],
        )


class CreateForm(StarsForm):
    state_id = forms.CharField(
        label=_("Id"),
        max_length=200,
        help_text=_("Letters, digits and _.:@~- in parts divided by slashes, like plans/spring."),
        widget=forms.TextInput({"spellcheck": "false", "autocapitalize": "off"}),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    type = forms.ChoiceField(
        label=_("Type"),
        help_text=_("Decides how long it lives, and what happens to conflicting writes."),
        widget=forms.RadioSelect,
    )
    document = JsonField(label=_("Document (JSON)"), required=False, initial="{}")
    schema = JsonField(
        label=_("Schema (JSON Schema 2020-12)"),
        required=False,
        help_text=_("Empty: any object. x-stars-merge names a merge strategy."),
    )

    def __init__(self, *args: Any, kinds: list[StateType], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["type"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = list(_cards({each: (TYPES[each], TYPE_MEANINGS[each]) for each in kinds}))
        kind.initial = kinds[0]
        self.fields["schema"].widget.attrs["rows"] = 6


class DocumentForm(StarsForm):
    """The whole document as text, and the version that the person saw.

    `head` is there once a conflict was shown: the version that the choices beside the form were made for.
    """

    document = JsonField(label=_("Document (JSON)"))
    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    uid = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    head = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)


class SettleForm(StarsForm):
    """How a parked conflict ends: the version of the state that was looked at, and perhaps a whole document."""

    head = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)
    document = JsonField(label=_("Document (JSON)"), required=False)


class VersionForm(StarsForm):
    """Buttons: the version that the page showed, and for a restore the one to bring back."""

    head = forms.IntegerField(min_value=1)
    version = forms.IntegerField(min_value=1, required=False)


class CompareForm(StarsForm):
    old = forms.IntegerField(min_value=1)
    new = forms.IntegerField(min_value=1)


def _cards(
    words: Mapping[str, tuple[Any, Any]], examples: Mapping[str, Any] | None = None
) -> list[tuple[str, str]]:
    """Choices that say what each means, and what would come of it."""
    return [
        (
            name,
            format_html(
                "<b>{}</b> <span>{}</span> <small>{}</small>",
                word,
                meaning,
                (examples or {}).get(name, ""),
            ),
        )
        for name, (word, meaning) in words.items()
    ]


class PolicyForm(StarsForm):
    """Everything about a state but its data."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    tags = LinesField(label=_("Tags"), required=False, help_text=_("One per line."))
    owners = LinesField(
        label=_("Owners"),
        required=False,
        help_text=_(
            "May do everything. One per line: agent:wim, role:leader, tag:night, human:ada, or * for all members."
        ),
    )
    readers = LinesField(label=_("Readers"), required=False)
    public = forms.BooleanField(label=_("Every member may read and write"), required=False)
    read_allow = LinesField(label=_("May read"), required=False)
    write_allow = LinesField(label=_("May write"), required=False)
    delete_allow = LinesField(label=_("May delete"), required=False)
    admin_allow = LinesField(label=_("May change this policy"), required=False)
    consistency = forms.ChoiceField(label=_("Consistency"), widget=forms.RadioSelect)
    resolution = forms.ChoiceField(label=_("Conflicting writes"), widget=forms.RadioSelect)
    merge_fallback = forms.ChoiceField(
        label=_("What a merge cannot settle"), widget=forms.RadioSelect
    )
    read_policy = forms.ChoiceField(
        label=_("When what a writer had read has changed"), widget=forms.RadioSelect
    )
    resolver = forms.CharField(
        label=_("Resolver"),
        max_length=200,
        required=False,
        help_text=_(
            "For custom: the name of a resolver, or park. Parked conflicts may ask role:leader or anyone."
        ),
    )
    allow_override = forms.BooleanField(
        label=_("A request may ask for a looser resolution"), required=False
    )
    merge = forms.ChoiceField(label=_("Merge strategy where the schema names none"), required=False)
    schema = JsonField(
        label=_("Schema (JSON Schema 2020-12)"),
        required=False,
        help_text=_("Empty: any object. x-stars-merge names a merge strategy."),
    )
    metadata = JsonField(label=_("Metadata (JSON)"), required=False)
    retention = forms.FloatField(
        label=_("History is kept for, days"),
        required=False,
        min_value=0,
        help_text=_("Empty: as long as the type says."),
        widget=forms.NumberInput({"step": "any"}),
    )
    keep = forms.BooleanField(label=_("Stays when its agent leaves"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, list[tuple[Any, Any]]] = {
            "consistency": list(_cards(CONSISTENCIES, CONSISTENCY_EXAMPLES)),
            "resolution": list(_cards(RESOLUTIONS, RESOLUTION_EXAMPLES)),
            "merge_fallback": list(_cards(FALLBACKS)),
            "read_policy": list(_cards(READ_POLICIES)),
            "merge": [("", _("by type of value")), *((each, each) for each in sorted(STRATEGIES))],
        }
        for name, pairs in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = pairs
        for name in ("schema", "metadata"):
            self.fields[name].widget.attrs["rows"] = 6

    @property
    def changes(self) -> dict[str, Json]:
        """The settings as the manager takes them."""
        data = dict(self.cleaned_data)
        del data["version"]
        lists = {name: tuple(data.pop(name)) for name in LISTS}
        data["access_policy"] = AccessPolicy(public=data.pop("public"), **lists)
        data["metadata"] = data["metadata"] or {}
        days = data["retention"]
        data["retention"] = None if days is None else days * 86400
        return data


class TrialForm(StarsForm):
    """Two writes that meet, to see what a policy makes of them."""

    base = JsonField(label=_("Both saw"), required=False)
    first = JsonField(label=_("The first wrote"), required=False)
    second = JsonField(label=_("The second wrote"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["rows"] = 7


def initial_policy(state: SharedState) -> dict[str, Json]:
    """What the policy's form shows of a state."""
    fields = set(PolicyForm.base_fields) - {*LISTS, "public", "schema", "metadata", "retention"}
    found: dict[str, Json] = {name: getattr(state, name) for name in fields}
    found |= {name: getattr(state.access_policy, name) for name in (*LISTS, "public")}
    found["schema"] = "" if state.schema is None else text_of(state.schema)
    found["metadata"] = text_of(state.metadata) if state.metadata else ""
    found["retention"] = None if state.retention is None else state.retention / 86400
    return found


def text_of(value: Json) -> str:
    """JSON as people edit it; the keys stay in their order."""
    return json.dumps(value, ensure_ascii=False, indent=2)
