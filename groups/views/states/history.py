"""What became of a state: its entries, the difference of two versions, and bringing an old one back."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib import messages as notices
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups.forms.states import CompareForm, VersionForm, text_of
from groups.forms.words import ENTRY_WORDS, RESOLUTIONS
from groups.views.shell import Request, goes_to, page
from groups.views.states.places import Place, enter, plain
from state.errors import Invalid
from state.manager import Base
from state.manager.reading import run_of
from state.refusals import StateNotFound
from state.values import Entry, EntryKind, Filters, SharedState

#: Entries on one page.
PAGE = 30
#: Versions in one part of the film, characters of what they did (one version may have more), and read at once.
FILM = 200
LONGEST = 1_000_000
AT_ONCE = 40


@page()
def history(request: Request, space: str, state_id: str) -> HttpResponse:
    """The entries, newest first; `?before=<version>` pages on. A deleted state has its history still."""
    place = enter(request, space)
    before, against = request.GET.get("before", ""), request.GET.get("with", "")
    found = place.manager.history(
        place.caller,
        plain(state_id),
        before=_number(before),
        limit=PAGE + 1,
    )
    entries = found[:PAGE]
    state = _present(place, state_id)
    context = place.about(
        state,
        here="history",
        entries=entries,
        older=entries[-1].version if len(found) > PAGE else None,
        first_page=not before,
        shown_version=_number(request.GET.get("version", "")),
        shown_against=against if against == "next" else _number(against),
    )
    return render(request, "states/history.html", context)


@page()
def film(request: Request, space: str, state_id: str) -> HttpResponse:
    """The newest versions as JSON, or with `?before=` those before one, with the document as the oldest of them left
    it; with `?after=` only what is newer. What each version did leads from one document to the next."""
    place = enter(request, space)
    before, after = (_number(request.GET.get(name, "")) for name in ("before", "after"))
    found, older = _part(place, plain(state_id), before, after or 0)
    state = _present(place, state_id)
    frames = [each for each in reversed(found) if each["version"] >= state.compacted_version]
    base = None
    if frames and after is None and frames[0]["kind"] is not EntryKind.DELETE:
        version = frames[0]["version"]
        base = place.manager.get_state(place.caller, state.id, version=version).data
    more = older and len(frames) == len(found)
    return JsonResponse({"text": text_of({"base": base, "frames": frames, "more": more})})


def _part(
    place: Place, state_id: str, before: int | None, after: int
) -> tuple[list[dict[str, Any]], bool]:
    """As many versions as make one part, newest first, and whether there are older ones."""
    frames: list[dict[str, Any]] = []
    length = 0
    while before is None or before > 1:
        found = place.manager.history(place.caller, state_id, before=before, limit=AT_ONCE)
        for entry in found:
            frame = _frame(entry)
            length += len(text_of(frame))
            is_full = len(frames) == FILM or (frames and length > LONGEST)
            if entry.version <= after or is_full:
                return frames, True
            frames.append(frame)
        before = found[-1].version if found else 1
    return frames, False


def _frame(entry: Entry) -> dict[str, Any]:
    """A version as the film shows it."""
    why = entry.metadata.get("note", "")
    return {
        "version": entry.version,
        "uid": entry.uid,
        "kind": entry.kind,
        "agent": entry.agent,
        "at": entry.at.isoformat(),
        "ops": msgspec.to_builtins(entry.ops),
        "words": str(ENTRY_WORDS[entry.kind]),
        "why": why if isinstance(why, str) else "",
        "restored": entry.metadata.get("restored"),
        "run": run_of(entry),
        "conflict": str(RESOLUTIONS[entry.conflict["resolution"]][0]) if entry.conflict else "",
    }


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


@page()
def news(request: Request, space: str, state_id: str) -> HttpResponse:
    """For a history that heard a poke: a link to what is newer than `?seen=`, or 204."""
    place = enter(request, space)
    newest = place.manager.history(place.caller, plain(state_id), limit=1)
    if not newest or str(newest[0].version) == request.GET.get("seen"):
        return HttpResponse(status=204)
    context = place.context(state_id=state_id, newest=newest[0])
    return render(request, "states/partials/news.html", context)


@page()
def diff(request: Request, space: str, state_id: str) -> HttpResponse:
    """What differs between the versions `?old=` and `?new=`, path by path."""
    place = enter(request, space)
    form = CompareForm(request.GET)
    if not form.is_valid():
        raise Invalid
    old, new = sorted((form.cleaned_data["old"], form.cleaned_data["new"]))
    changes = place.manager.diff(place.caller, plain(state_id), old, new)
    state = _present(place, state_id)
    context = place.about(state, here="history", changes=changes, old=old, new=new)
    return render(request, "states/diff.html", context)


@page("POST", instead="state_history")
def restore(request: Request, space: str, state_id: str) -> HttpResponse:
    """An old version's data as a new version, if the state is still at the version that the person saw."""
    place = enter(request, space)
    state = place.state(state_id)
    form = VersionForm(request.POST)
    if not form.is_valid() or not form.cleaned_data["version"]:
        raise Invalid
    version, base = form.cleaned_data["version"], Base(version=form.cleaned_data["head"])
    result = place.manager.restore_version(place.caller, state.id, version, base=base)
    if result.changed:
        text = _("Version %(old)s is back, as version %(new)s.")
        notices.success(request, text % {"old": version, "new": result.version})
    else:
        notices.info(request, _("The document is like that already."))
    return goes_to(request, place.url("state", state_id=state.id))


def _present(place: Place, state_id: str) -> SharedState:
    """The state as it stands; of a deleted one its tombstone."""
    try:
        return place.state(state_id)
    except StateNotFound:
        # In the order of ids the shortest of those that begin so comes first.
        gone = Filters(prefix=plain(state_id), deleted=True)
        for state in place.manager.list_states(place.caller, gone, limit=1).states:
            if state.id == state_id:
                return state
        raise
