"""Messages and how far they got. To add one is to send it; nothing that was said is changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from groups import access
from groups.admin.base import BADGES, GroupScoped, ServiceAdmin, ServiceForm, adopt
from groups.models import Delivery, Level, Message
from groups.models.messages import SYSTEM
from groups.services import messaging
from state.admin.base import ReadOnlyAdmin, ReadOnlyInline, actor_of


class MessageForm(ServiceForm):
    """Sends: with a recipient to that member, without to everyone."""

    field_names: ClassVar = {"from": "sender", "to": "recipient"}


class DeliveryInline(ReadOnlyInline[Delivery, Message]):
    """Each recipient's copy."""

    model = Delivery
    fields = ("recipient", "status", "attempts", "error", "delivered_at")
    readonly_fields = fields


@admin.register(Message)
class MessageAdmin(GroupScoped[Message], ServiceAdmin[Message]):
    """What was said in the groups."""

    form = MessageForm
    list_display = ("id", "group", "sender", "by", "to", "beginning", "created_at")
    list_filter = (("group", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("group",)
    search_fields = ("text", "sender", "by", "recipient")
    ordering = ("-id",)
    autocomplete_fields = ("group",)
    fields = ("group", "sender", "recipient", "text")
    inlines = (DeliveryInline,)

    @display(description="to", ordering="recipient")
    def to(self, message: Message) -> str:
        """The recipient in words."""
        return message.recipient or "everyone"

    @display(description="text")
    def beginning(self, message: Message) -> str:
        """The first words."""
        return message.text[:80]

    def get_inlines(self, request: HttpRequest, obj: Message | None) -> Any:
        """A message that is being written has no deliveries yet."""
        return self.inlines if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        """An administrator speaks for the group unless it says otherwise."""
        return {"sender": SYSTEM, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """What was said was said."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        """What was said was said."""
        return False

    def save_model(self, request: HttpRequest, obj: Message, form: Any, change: bool) -> None:
        """Send or broadcast."""
        actor = actor_of(request)
        group = access.get_group(actor, obj.group_id, Level.OPERATOR)
        data = form.cleaned_data
        said: dict[str, Any] = {"sender": data["sender"], "text": data["text"]}
        if data["recipient"]:
            said["to"] = data["recipient"]
        write = messaging.send if data["recipient"] else messaging.broadcast
        adopt(obj, write(actor=actor, group=group, **said))


@admin.register(Delivery)
class DeliveryAdmin(GroupScoped[Delivery], ReadOnlyAdmin[Delivery]):
    """Each recipient's copy of each message."""

    group_path = "message__group"
    list_display = ("id", "message", "recipient", "status_badge", "attempts", "delivered_at")
    list_filter = ("status",)
    list_select_related = ("message",)
    search_fields = ("recipient", "message__text")
    ordering = ("-id",)

    @display(description="status", ordering="status", label=BADGES)
    def status_badge(self, delivery: Delivery) -> str:
        """The state of the delivery."""
        return delivery.status
