"""Who stands at a door, what was sent, and the run it starts there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from groups import access
from groups.doors.common.refusals import BodyInvalid, BodyTooLarge, WrongMethod
from groups.errors import RunNotFound
from groups.identity import Identity, known, must_have
from groups.models import Group, Level, Run, Scope
from groups.services import runs
from state import conf, pace
from state.errors import StarsError
from state.threads import in_thread

T = TypeVar("T")
View: TypeAlias = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def door(
    refuse: Callable[[HttpRequest, StarsError], HttpResponse], *methods: str
) -> Callable[[View], View]:
    """An async view for foreign clients: only `methods`, no CSRF token (there is no session), and each StarsError
    answered by `refuse` in the protocol's own shape."""

    def decorate(view: View) -> View:
        @wraps(view)
        async def shell(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    raise WrongMethod
                return await view(request, *args, **kwargs)
            except StarsError as error:
                answer = refuse(request, error)
                if error.status == 401:
                    answer["WWW-Authenticate"] = "Bearer"
                if error.status in (429, 503):
                    answer["Retry-After"] = str(error.extra.get("retry_after", 1))
                return answer

        return csrf_exempt(shell)

    return decorate


def address_of(request: HttpRequest, run: Run) -> str:
    """Where a person sees the run and answers its questions."""
    return request.build_absolute_uri(reverse("groups:run", args=[run.id]))


async def caller(request: HttpRequest, scope: Scope = Scope.RUN) -> Identity:
    """Who sent the request, by API token: doors know no sessions, so that no page can knock in a person's name.

    Raises NotAuthenticated, ScopeMissing.
    """
    who = await known(request.headers.items())
    must_have(who.user, scope)
    return who


def body_as(request: HttpRequest, kind: type[T]) -> T:
    """The JSON body as `kind`; fields that `kind` does not name are passed over. Raises BodyInvalid, BodyTooLarge."""
    try:
        body = request.body
    except RequestDataTooBig:
        raise BodyTooLarge from None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:  # ValidationError is one
        raise BodyInvalid(f"The request's body cannot be used: {error}") from None


def run_key(text: str) -> uuid.UUID:
    """The id of a run. Raises RunNotFound."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise RunNotFound from None


@in_thread
def group_for(who: Identity, group_id: str) -> Group:
    """The group, if the caller may start runs in it. Raises GroupNotFound, LevelTooLow."""
    return access.get_group(who.user, group_id, Level.OPERATOR)


@in_thread
def start(
    who: Identity,
    group_id: str,
    task: str,
    *,
    origin: str,
    conversation: str = "",
    earlier: Sequence[tuple[str, str]] = (),
    **settings: Any,
) -> Run:
    """Start a run of the group for the caller, as `services.runs.start` does.

    Raises what it raises, GroupNotFound, LevelTooLow, TooFast.
    """
    group = access.get_group(who.user, group_id, Level.OPERATOR)
    pace.check(conf.manager().limits, who.user.pk, "")
    return runs.start(
        actor=who.user,
        group=group,
        task=task,
        origin=origin,
        conversation=conversation,
        earlier=earlier,
        **settings,
    )


@in_thread
def run_for(who: Identity, run_id: str, level: Level = Level.VIEWER) -> Run:
    """The run with its group as it stands. Raises RunNotFound, LevelTooLow."""
    return access.get_run(who.user, run_key(run_id), level)


@in_thread
def cancel(who: Identity, run_id: str, reason: str = "") -> Run:
    """Cancel the run. Raises RunNotFound, LevelTooLow, RunFinished."""
    run = access.get_run(who.user, run_key(run_id), Level.OPERATOR)
    pace.check(conf.manager().limits, who.user.pk, "")
    return runs.cancel(actor=who.user, run=run, reason=reason)
