"""Pages of the admin with a form of their own: about one row, or to confirm what happens to several."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from state.admin.looking import OfStore
from state.errors import StarsError

FORM: Final = "admin/state/form.html"


class FormPage(OfStore[Any]):
    """Rows about which a form of their own can be filled in."""

    def answer_with(
        self, request: HttpRequest, title: str | Promise, back: str, **more: Any
    ) -> HttpResponse:
        """The page of a form; `more`: form, shown, rows, action, do."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "back": back,
            "do": _("Save"),
            **more,
        }
        return TemplateResponse(request, FORM, context)

    def page_of(self, row: Any) -> str:
        """The address of the row's page."""
        return self._address("change", row.pk)

    def list_page(self) -> str:
        """The address of the list."""
        return self._address("changelist")

    def _address(self, what: str, *args: Any) -> str:
        opts = self.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{what}", args=args)

    def row_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The row with what it holds. Raises Http404."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def refused(self, request: HttpRequest, row: Any, error: StarsError) -> HttpResponse:
        """Back to the row, with the refusal on top."""
        self.message_user(request, gettext(error.message), messages.ERROR)
        return HttpResponseRedirect(self.page_of(row))


def sent(request: HttpRequest) -> QueryDict | None:
    """What was filled in; None when the form is to be shown."""
    return request.POST if request.method == "POST" else None
