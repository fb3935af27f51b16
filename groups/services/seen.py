"""What a user puts aside on the home page."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone

from groups.models import Seen


def put_aside(*, actor: User, failures: bool | None = None, welcome: bool | None = None) -> Seen:
    """Note that failures until now are known, or that the welcome has been read; False takes it back."""
    now = timezone.now()
    changes = {
        name: now if wanted else None
        for name, wanted in (("failures_at", failures), ("welcome_at", welcome))
        if wanted is not None
    }
    row, _ = Seen.objects.update_or_create(user=actor, defaults=changes)
    return row
