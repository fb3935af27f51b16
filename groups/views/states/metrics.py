"""What is counted of states and their syncing: the process's last five minutes as lines, and what the store holds."""

from __future__ import annotations

import os
import socket
from typing import Any, Final

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from groups.forms.words import CONFLICT_TYPES, RESOLUTIONS
from groups.views.shell import Request, page
from groups.views.states.sparklines import Chart, amount, duration, highest, number, rate
from state import conf
from state.manager import GLOBAL_SPACE
from state.manager.metrics import Counts
from state.manager.windows import Level, Window
from state.sync.metrics import MINUTE, SyncCounts, counts
from state.values import StateMetrics, SyncMetrics

#: Spaces in the table: those that changed most.
SPACES: Final = 12
_RESETS: Final[dict[str, str | Promise]] = {
    "compacted": gettext_lazy("history was too short"),
    "epoch": gettext_lazy("another history"),
    "future": gettext_lazy("ahead of the server"),
    "filter": gettext_lazy("other rights or patterns"),
    "integrity": gettext_lazy("a hash did not fit"),
}


@page()
def metrics(request: Request) -> HttpResponse:
    """The page; its figures fetch themselves again."""
    return render(request, "states/metrics.html", _figures(request.user))


@page()
def figures(request: Request) -> HttpResponse:
    """What of the page changes."""
    return render(request, "states/partials/figures.html", _figures(request.user))


def _figures(user: User) -> dict[str, Any]:
    manager = conf.manager()
    states, syncing = manager.get_metrics(), conf.sync_metrics()
    visible = set(conf.directory().spaces(user))
    spaces = [space for space in manager.store.spaces() if space.id in visible]
    spaces.sort(key=lambda space: (-space.revision, space.id))
    return {
        "space": GLOBAL_SPACE,
        "group": None,
        "states_charts": _of_states(manager.counts),
        "sync_charts": _of_syncing(counts, syncing),
        "states_numbers": _state_numbers(states, manager.counts),
        "sync_numbers": _sync_numbers(syncing, counts),
        "integrity_errors": syncing.integrity_errors,
        "spaces": [
            {"info": space, "kept": space.revision - space.compact_revision}
            for space in spaces[:SPACES]
        ],
        "more_spaces": max(0, len(spaces) - SPACES),
        "process": f"{socket.gethostname()}:{os.getpid()}",
        "began": counts.began,
    }


def _of_states(counted: Counts) -> list[Chart]:
    return [
        _rate_chart(_("Writes"), _("Commits of states per second."), counted.rates["write_ops"]),
        _rate_chart(_("Reads"), _("Reads of states per second."), counted.rates["read_ops"]),
        _time_chart(
            _("Wait for a commit"),
            _("How long writes stand in their lane until their commit begins."),
            counted.lane_wait,
        ),
        _size_chart(counted.batch_size),
    ]


def _of_syncing(counted: SyncCounts, metrics: SyncMetrics) -> list[Chart]:
    return [
        _rate_chart(
            _("Acknowledged"), _("Entries that subscribers confirm per second."), counted.throughput
        ),
        _time_chart(
            _("Latency"), _("From sending to the subscriber's acknowledgement."), counted.latency
        ),
        _time_chart(
            _("Sync lag"),
            _("From a commit until all live subscribers have acknowledged it."),
            counted.convergence,
        ),
        _level_chart(
            _("Connections"),
            _("Subscribers that are connected."),
            counted.connections,
            metrics.active_connections,
        ),
    ]


def _state_numbers(metrics: StateMetrics, counted: Counts) -> list[tuple[str, str, str]]:
    """Name, number, and what it consists of."""
    by = ", ".join(f"{_kind(each)} {n}" for each, n in sorted(metrics.conflicts_by.items()))
    queued = counted.journal_wait.recent()
    return [
        (_("States"), amount(metrics.active_states), ""),
        (_("Ever created"), amount(metrics.total_states), ""),
        (_("Deletions"), amount(metrics.delete_ops), _("since the start")),
        (_("Waiting operations"), amount(metrics.pending_operations), ""),
        (
            _("Queued operations take"),
            duration(queued.mean if queued.number else None),
            _("from acceptance to their end"),
        ),
        (_("Queue errors"), amount(metrics.sync_errors), ""),
        (_("Conflicts open now"), amount(metrics.open_conflicts), _("wait for somebody")),
        (_("Conflicts found since the start"), amount(metrics.conflicts), by),
    ]


def _kind(kind: str) -> str:
    """Of conflicts, "read_write/merge": what collided, and what came of it."""
    what, _slash, outcome = kind.partition("/")
    name = RESOLUTIONS[outcome][0] if outcome in RESOLUTIONS else outcome
    return f"{CONFLICT_TYPES.get(what, what)} ({name})"


def _sync_numbers(metrics: SyncMetrics, counted: SyncCounts) -> list[tuple[str, str, str]]:
    resets = ", ".join(
        f"{_RESETS.get(reason, reason)} {number}" for reason, number in metrics.resets.items()
    )
    return [
        (_("Furthest behind"), amount(metrics.max_lag), _("entries")),
        (_("Tasks waiting"), amount(metrics.pending_tasks), ""),
        (_("Tasks completed"), amount(metrics.successful_syncs), ""),
        (_("Tasks failed"), amount(metrics.failed_syncs), ""),
        (_("Begun anew"), amount(sum(metrics.resets.values())), resets),
        (
            _("Parked"),
            amount(metrics.parked),
            _("do not keep up; %(n)s since the start") % {"n": amount(counted.total("parked"))},
        ),
        (
            _("Conflicts of subscribers"),
            amount(metrics.conflicts),
            _("in what they wrote, since the start"),
        ),
        (_("Integrity errors"), amount(metrics.integrity_errors), ""),
    ]


def _rate_chart(title: str, about: str, window: Window) -> Chart:
    # The stretch under way is not over: it would always look like a fall.
    values = [slot.total / window.width for slot in window.slots()[:-1]]
    now = window.recent(MINUTE).total / MINUTE
    total = (_("Since the start"), number(window.ever().total))
    return Chart(title, about, rate(now), rate(max(values)), values, [total])


def _time_chart(title: str, about: str, window: Window) -> Chart:
    slots = window.slots()
    values = [slot.mean if slot.number else None for slot in slots]
    spread = window.recent()
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    details = [
        (name, duration(spread.quantile(share) if spread.number else None))
        for name, share in shares.items()
    ]
    now = duration(spread.mean if spread.number else None)
    top = duration(highest(values))
    return Chart(title, about, now, top, values, details)


def _size_chart(window: Window) -> Chart:
    values = [slot.mean if slot.number else None for slot in window.slots()]
    spread = window.recent()
    return Chart(
        _("Writes per commit"),
        _("What piles up during one commit shares the next."),
        amount(spread.mean if spread.number else None),
        amount(highest(values)),
        values,
        [(_("Commits since the start"), number(window.ever().number))],
    )


def _level_chart(title: str, about: str, level: Level, now: int) -> Chart:
    values = level.slots()
    return Chart(title, about, amount(now), amount(max(values)), values)
