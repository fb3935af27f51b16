"""Users, their permission groups and their API tokens, in the admin's dress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group as PermissionGroup
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from knox.admin import AuthTokenCreateForm
from knox.models import AuthToken
from knox.settings import knox_settings
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin

for _model in (User, PermissionGroup, AuthToken):
    admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin[User]):
    """People who may sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(PermissionGroup)
class PermissionGroupAdmin(DjangoGroupAdmin, ModelAdmin[PermissionGroup]):
    """Sets of permissions for this admin; not the groups of agents."""


@admin.register(AuthToken)
class TokenAdmin(ModelAdmin[Any]):
    """API tokens: made and taken away, never changed (only their digest is stored)."""

    form = AuthTokenCreateForm
    list_display = ("token_key", "user", "created", "expiry")
    list_select_related = ("user",)
    search_fields = ("token_key", "user__username")
    autocomplete_fields = ("user",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """It expires as one made through the API does."""
        ttl = knox_settings.TOKEN_TTL
        return {"expiry": timezone.now() + ttl if ttl else None}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A token is replaced, not changed."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the digest and show the token, this once."""
        super().save_model(request, obj, form, change)
        self.message_user(request, f"Copy the token now: {form.token}", messages.WARNING)
