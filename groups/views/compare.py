"""Two runs side by side: choosing the other one, and the page that compares them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from groups import access, selectors
from groups.execution.modes import get_mode
from groups.models import Run
from groups.views.shell import Request, page


@page()
def compare(request: Request) -> HttpResponse:
    """The runs `?a=` and `?b=`, drawn in the browser from both logs. Without `b`, or with the same run twice: which
    runs `a` could be compared with."""
    a = access.get_run(request.user, request.GET.get("a", ""))
    wanted = request.GET.get("b", "")
    b = access.get_run(request.user, wanted) if wanted else None
    if b is None or a.id == b.id:
        context = {"run": a, "same": b is not None, "runs": selectors.comparable_runs(a)}
        return render(request, "runs/compare_choose.html", context)
    about = {"now": timezone.now().isoformat(), "runs": [_about(a), _about(b)]}
    return render(request, "runs/compare.html", {"a": a, "b": b, "about": about})


def _about(run: Run) -> dict[str, Any]:
    """What the page's script needs of a run and its log does not say."""
    return {
        "id": str(run.id),
        "task": run.task,
        "mode": run.mode,
        "mode_words": gettext(get_mode(run.mode).words),
        "group": run.group.name,
        "url": reverse("groups:run", args=[run.id]),
    }
