"""What pages and reports call things of the engine, in the language that is active."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy

RUN_WORDS: Final[dict[str, Any]] = {
    "queued": gettext_lazy("Queued"),
    "planning": gettext_lazy("Planning"),
    "awaiting_approval": gettext_lazy("Awaiting approval"),
    "running": gettext_lazy("Running"),
    "paused": gettext_lazy("Paused"),
    "summarising": gettext_lazy("Summing up"),
    "completed": gettext_lazy("Completed"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
}
