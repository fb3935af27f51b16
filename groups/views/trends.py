"""How runs went lately, as charts: how many and how they ended, how long they took, who failed, what was used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groups import access, live, selectors
from groups.charts import Chart, Series, bars, durations
from groups.execution.budget import dollars
from groups.forms.durations import how_long
from groups.forms.trends import TrendsForm
from groups.trends import Axis, Period, Trends, trends
from groups.views.shell import Request, page

_RUNS: Final = {
    "completed": (gettext_lazy("completed"), "good"),
    "failed": (gettext_lazy("failed"), "bad"),
    "cancelled": (gettext_lazy("cancelled"), "rest"),
    "running": (gettext_lazy("under way"), "work"),
}


@page()
def show(request: Request) -> HttpResponse:
    """The page; `?period=24h|7d|30d` and `?group=` choose. Fetched again when a run begins or ends."""
    form = TrendsForm(request.GET, groups=selectors.visible_group_ids(request.user))
    chosen = form.cleaned_data if form.is_valid() else {}
    group = access.get_group(request.user, chosen["group"]) if chosen.get("group") else None
    period = Period(chosen.get("period") or Period.DAY)
    found = trends(request.user, period, group)
    context = {
        "form": form,
        "group": group,
        "charts": _charts(found, period),
        "failing": found.failing,
        "most": max(found.failing.values(), default=1),
        "asked": request.GET.urlencode(),
        "topics": live.DASHBOARD,
    }
    template = "trends/partials/charts.html" if request.htmx else "trends/page.html"
    return render(request, template, context)


def _charts(found: Trends, period: Period) -> list[Chart]:
    labels = _labels(found.axis, period)
    outcomes = [Series(str(_RUNS[k][0]), v, _RUNS[k][1]) for k, v in found.runs.items()]
    agents = [
        Series(agent_id or _("others"), values, f"a{place}")
        for place, (agent_id, values) in enumerate(found.tokens.items(), 1)
    ]
    took = [Series(_("half of them"), found.median, "a1"), Series(_("95%"), found.p95, "a2")]
    known = [Series(_("dollars"), [round(each, 6) for each in found.cost], "a1")]
    return [
        bars(_("Runs"), _("By when they began and how they stand."), labels, outcomes, _whole),
        durations(_("How long they took"), _("Runs by when they ended."), labels, took, how_long),
        bars(_("Tokens"), _("In and out together, by agent."), labels, agents, _whole),
        bars(_("Cost"), _("Of the calls whose price is known."), labels, known, _usd, whole=False),
    ]


def _whole(value: float) -> str:
    return number_format(round(value), force_grouping=True)


def _usd(value: float) -> str:
    return f"${dollars(value, 4)}"


def _labels(axis: Axis, period: Period) -> Sequence[str]:
    how: dict[Period, str] = {
        Period.DAY: "H:i",
        # Translators: a day of the week and an hour, in Django's format characters.
        Period.WEEK: _("D H:i"),
        # Translators: a day without its year, in Django's format characters.
        Period.MONTH: _("M j"),
    }
    return [date_format(localtime(start), how[period]) for start in axis.starts]
