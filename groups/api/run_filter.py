"""Which runs a list answers with, as the query says it; nonsense is refused and named."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from groups.execution.modes import MODES
from groups.execution.statuses import RunStatus
from groups.run_filter import UNDER_WAY, RunFilter, searched

_STATUSES: Final = (UNDER_WAY, *(str(status) for status in RunStatus))
#: Characters of what is searched for.
LONGEST: Final = 200

LIKE: Final = [
    OpenApiParameter(
        "q",
        str,
        description="Only runs with each of these words in their task, in upper or lower case.",
    ),
    OpenApiParameter(
        "status",
        str,
        enum=_STATUSES,
        description=f"Only runs that stand so; `{UNDER_WAY}`: that have not ended.",
    ),
    OpenApiParameter("mode", str, enum=tuple(MODES), description="Only runs in this mode."),
]
GROUP: Final = OpenApiParameter(
    "group", str, description="Only runs of the group of this id, or with these words in its name."
)


def like(request: Request, *, group: bool = False) -> RunFilter:
    """What the query asks for. Raises ValidationError naming what is wrong."""
    return RunFilter(
        text=_words(request, "q"),
        status=_one_of(request, "status", _STATUSES),
        group=_words(request, "group") if group else "",
        mode=_one_of(request, "mode", tuple(MODES)),
    )


def _words(request: Request, name: str) -> str:
    text = request.query_params.get(name, "")
    if len(text) > LONGEST:
        raise ValidationError({name: [f"This must be at most {LONGEST} characters."]})
    return searched(text)


def _one_of(request: Request, name: str, known: tuple[str, ...]) -> str:
    text = request.query_params.get(name, "")
    if text and text not in known:
        raise ValidationError({name: [f"This must be one of: {', '.join(known)}."]})
    return text
