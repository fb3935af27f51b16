"""What pages of groups share: writes go through services, and a refusal is an error of the form, never a success."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms.models import construct_instance
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from groups import access
from state.admin.base import M, ModelAdmin, actor_of
from state.errors import StarsError

#: Status -> colour of its badge; what is not named here is grey.
BADGES: Final = {
    "planning": "info",
    "running": "info",
    "summarising": "info",
    "ready": "info",
    "awaiting_approval": "warning",
    "waiting": "warning",
    "paused": "warning",
    "completed": "success",
    "delivered": "success",
    "failed": "danger",
}


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A form whose rules are those of the service: it only shows what the service refused."""

    #: Set for the second showing of a form that the service refused.
    refusal: ClassVar[StarsError | None] = None
    #: The service's name of a field -> the form's.
    field_names: ClassVar[Mapping[str, str]] = {}

    def clean(self) -> dict[str, Any] | None:
        """The cleaned data; after a refusal, with the refusal's sentences at their fields."""
        cleaned = super().clean()
        if self.refusal is not None:
            sentences = self.refusal.fields or {"": [self.refusal.message]}
            for name, texts in sentences.items():
                # A place within a JSON field, such as config.pace, is told in the sentence.
                field, _, place = name.partition(".")
                field = self.field_names.get(field, field)
                told = [f"{name}: {text}" for text in texts] if place else list(texts)
                self.add_error(field if field in self.fields else None, told)
        return cleaned

    def _post_clean(self) -> None:
        """Give the instance its values. The model's own checks are left out: the service says it in a sentence."""
        options = self._meta
        self.instance = construct_instance(self, self.instance, options.fields, options.exclude)


class GroupScoped(ModelAdmin[M]):
    """Shows only what belongs to groups that the user may see, as everywhere else."""

    #: The way from the model to its group.
    group_path: ClassVar[str] = "group"

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """The rows of the visible groups."""
        rows = super().get_queryset(request)
        user = actor_of(request)
        if user.is_superuser:
            return rows
        return rows.filter(**{f"{self.group_path}__in": access.visible_groups(user)})


class ServiceAdmin(ModelAdmin[M]):
    """Subclasses give `save_model` and `delete_model`, each of which calls one service."""

    form = ServiceForm
    list_per_page = 50

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or save the form; what the service refuses is shown at its field, with the input kept."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except StarsError as error:
            # The transaction is rolled back and nothing was reported; now the form knows why.
            request.META[_REFUSAL] = error
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form's class, made anew for each request."""
        form = super().get_form(request, obj, change, **kwargs)
        form.refusal = request.META.get(_REFUSAL)  # type: ignore[attr-defined]
        return form

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Ask, then remove; a refusal leads back to the object."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except StarsError as error:
            self.message_user(request, error.message, messages.ERROR)
            opts = self.opts
            name = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        """Remove each through its service."""
        for row in queryset:
            self.delete_model(request, row)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[M], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Carry out an action; a removal of several is all or nothing, so that its report is true."""
        if request.POST.get("action") != "delete_selected":
            return super().response_action(request, queryset, *args, **kwargs)
        try:
            with transaction.atomic():
                return super().response_action(request, queryset, *args, **kwargs)
        except StarsError as error:
            self.message_user(request, f"Nothing was removed: {error.message}", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def get_deleted_objects(
        self, objs: QuerySet[M] | Iterable[M], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What the confirmation lists: the objects and how much goes with them. The service decides whether."""
        rows = list(objs)
        return [str(row) for row in rows], self.goes_along(rows), set(), []

    def goes_along(self, rows: list[M]) -> dict[str, int]:
        """Plural name -> number of what is removed."""
        return {str(self.opts.verbose_name_plural): len(rows)}


#: Where the refusal of the first showing waits for the second.
_REFUSAL: Final = "stars.refusal"


def adopt(row: Model, stored: Model) -> None:
    """Make the form's instance the one that the service stored; the admin goes on with it."""
    row.__dict__.update(stored.__dict__)


def changed(form: forms.BaseModelForm[Any]) -> dict[str, Any]:
    """The fields that were changed, with their new values."""
    return {name: form.cleaned_data[name] for name in form.changed_data}


def run_link(run_id: uuid.UUID) -> str:
    """A link to the run's page in the dashboard."""
    return format_html('<a href="{}">{}</a>', reverse("groups:run", args=[run_id]), str(run_id)[:8])
