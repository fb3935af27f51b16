"""Parked conflicts: what collided, and the three ways to end it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from state import conf
from state.admin.base import action, carry_out, display
from state.admin.forms import SettleForm
from state.admin.looking import Decoded, as_json, attempt, caller_of, part, told
from state.admin.pages import FormPage, sent
from state.errors import StarsError
from state.manager import Answer
from state.models import Conflict
from state.policy import Caller
from state.values import ConflictRecord

BADGES = {"open": "warning", "resolved": "success", "rejected": "danger"}


def answer_of(choice: str, record: ConflictRecord) -> Answer:
    """One choice for all conflicting paths."""
    if choice == SettleForm.DISMISS:
        return Answer(dismiss=True)
    mine = choice == SettleForm.MINE
    return Answer(picks=dict.fromkeys(record.paths, "mine" if mine else "theirs"))


@admin.register(Conflict)
class ConflictAdmin(FormPage):
    """Writes that wait for somebody to decide."""

    list_display = (
        *("key", "space", "type", "status_badge", "agent", "resolver", "created_at"),
        "expires_at",
    )
    list_filter = ("status", "type", ("space", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("space",)
    search_fields = ("conflict_id", "key", "agent", "resolver")
    actions = ("take_mine", "keep_theirs", "dismiss")
    actions_detail = ("settle",)
    fields = (
        *("conflict_id", "space", "key", "type", "status", "agent", "resolver", "op_id"),
        *("base_version", "head_version", "created_at", "expires_at"),
        *("resolved_at", "resolved_by", "version"),
        *("causes", "asked", "incoming", "current", "base"),
    )
    readonly_fields = fields

    def decode(self, caller: Caller, row: Conflict) -> Decoded:
        """The whole record."""
        return {"record": attempt(lambda: conf.manager().conflict(caller, row.conflict_id))}

    @display(description=_("status"), ordering="status", label=BADGES)
    def status_badge(self, row: Conflict) -> str:
        """Whether it waits."""
        return row.status

    @display(description=_("causes"))
    def causes(self, row: Conflict) -> str:
        """Each conflicting path, with what stood there, what stands there and what was to be written."""
        return part(row, "record", lambda record: record.causes)

    @display(description=_("operations"))
    def asked(self, row: Conflict) -> str:
        """What the parked write wants to do."""
        return part(row, "record", lambda record: record.ops)

    @display(description=_("parked write (mine)"))
    def incoming(self, row: Conflict) -> str:
        """The document as its writer would have it."""
        return part(row, "record", lambda record: record.incoming)

    @display(description=_("what stood there then (theirs)"))
    def current(self, row: Conflict) -> str:
        """The document when the conflict was parked."""
        return part(row, "record", lambda record: record.current)

    @display(description=_("what the writer had seen (base)"))
    def base(self, row: Conflict) -> str:
        """The document that both come from."""
        return part(row, "record", lambda record: record.base)

    # -- actions ----------------------------------------------------------------------------------------------------

    @action(description=_("Take mine: write what was parked"), permissions=["settle"])
    def take_mine(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        """The parked write's values at all conflicting paths."""
        self._settle(request, queryset, SettleForm.MINE, _("Resolved"))

    @action(description=_("Keep theirs: merge the rest"), permissions=["settle"])
    def keep_theirs(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        """The present values at all conflicting paths."""
        self._settle(request, queryset, SettleForm.THEIRS, _("Resolved"))

    @action(description=_("Dismiss: write nothing"), permissions=["settle"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
        """The parked writes are dropped."""
        self._settle(request, queryset, SettleForm.DISMISS, _("Dismissed"))

    def _settle(
        self, request: HttpRequest, rows: QuerySet[Conflict], choice: str, done: Promise
    ) -> None:
        def act(row: Conflict) -> None:
            manager, caller = conf.manager(), caller_of(request, row.space_id)
            record = manager.conflict(caller, row.conflict_id)
            manager.resolve_conflict(caller, row.conflict_id, answer_of(choice, record))

        name = "{0.space_id}/{0.key}".format
        carry_out(self, request, rows.order_by("created_at", "id"), act, done, name=name)

    @action(description=_("Settle"), url_path="settle", permissions=["settle"])
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Decide, with both sides in view."""
        row = self.row_or_404(request, object_id)
        record = row.__dict__["decoded"]["record"]
        if isinstance(record, StarsError):
            return self.refused(request, row, record)
        manager, caller = conf.manager(), caller_of(request, record.space)
        head = attempt(lambda: manager.get_state(caller, record.state_id))
        gone = isinstance(head, StarsError)
        initial = {"head": record.head_version if gone else head.version}
        form = SettleForm(sent(request), initial=initial)
        if form.is_valid() and self._settled(request, caller, record, form):
            return HttpResponseRedirect(self.page_of(row))
        shown: list[tuple[Any, str]] = [
            (_("causes"), as_json(record.causes)),
            (_("parked write (mine)"), as_json(record.incoming)),
            (_("what stands there now (theirs)"), told(head) if gone else as_json(head.data)),
        ]
        title = gettext("Settle the conflict on %(state)s") % {"state": record.state_id}
        more = {"form": form, "shown": shown, "do": _("Settle")}
        return self.answer_with(request, title, self.page_of(row), **more)

    def _settled(
        self, request: HttpRequest, caller: Caller, record: ConflictRecord, form: SettleForm
    ) -> bool:
        data = form.cleaned_data
        answer = answer_of(data["answer"], record)
        try:
            conf.manager().resolve_conflict(
                caller, record.conflict_id, answer, expected_head=data["head"]
            )
        except StarsError as error:
            form.refuse(error)
            return False
        self.message_user(request, _("The conflict was settled."), messages.SUCCESS)
        return True
