"""What every admin page of Stars shares: its dress, looking without changing, and actions that report refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext

from state.errors import StarsError

M = TypeVar("M", bound=Model)
Parent = TypeVar("Parent", bound=Model)
F = TypeVar("F", bound=Callable[..., Any])
Text: TypeAlias = str | Promise

# unfold's classes are Django's in another dress, and its decorators take lazy texts too.
if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline

    def display(
        *,
        description: Text,
        ordering: str | None = None,
        label: Mapping[str, str] | None = None,
        boolean: bool | None = None,
    ) -> Callable[[F], F]:
        """See unfold.decorators.display."""

    def action(
        *, description: Text, permissions: Sequence[str], url_path: str | None = None
    ) -> Callable[[F], F]:
        """See unfold.decorators.action."""
else:
    from unfold.admin import ModelAdmin, TabularInline
    from unfold.decorators import action, display


class ReadOnlyAdmin(ModelAdmin[M]):
    """To be looked at only."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody removes."""
        return False


class ReadOnlyInline(TabularInline[M, Parent]):
    """Rows that belong to an object, for looking; the link leads to where they can be changed."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Parent | None = None) -> bool:
        """Nobody adds here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Parent | None = None) -> bool:
        """Nobody changes here."""
        return False


def actor_of(request: HttpRequest) -> User:
    """Whoever is signed in; the admin lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def carry_out(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    rows: Iterable[M],
    act: Callable[[M], object],
    done: Text,
    *,
    name: Callable[[M], object] = str,
) -> None:
    """Do `act` to each row, and report how many were `done` and, by `name`, which of them were refused and why."""
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except StarsError as error:
            told = f"{name(row)}: {gettext(error.message)}"
            admin.message_user(request, told, messages.ERROR)
    if count:
        admin.message_user(request, f"{done}: {count}.", messages.SUCCESS)


__all__ = [
    "M",
    "ModelAdmin",
    "Parent",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "TabularInline",
    "action",
    "actor_of",
    "carry_out",
    "display",
]
