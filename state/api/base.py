"""What every view shares: who calls, reading a body, answering a write, completing a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import msgspec
from django.http import Http404
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from state import conf
from state.api import bodies
from state.api.answers import tag, written
from state.api.parsers import JsonBody
from state.api.preconditions import base_of, op_id_of
from state.api.throttling import WriteThrottle
from state.errors import Invalid, StarsError
from state.manager import Base, StateManager, WriteResult, WriteStatus
from state.policy import Caller
from state.values import SharedState

T = TypeVar("T")

#: What names an agent to act for.
AGENT = "Stars-Agent"
REVISION = "Stars-Revision"
REPLAYED = "Idempotency-Replayed"


class NoBody(Invalid):
    """The request has no body."""

    reason = "malformed"


class StateView(APIView):
    """A resource; authentication, permission and the form of refusals are the site's (REST_FRAMEWORK)."""

    parser_classes: Sequence[type[BaseParser]] = (JsonBody,)
    throttle_classes: Sequence[type[BaseThrottle]] = (WriteThrottle,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the usual checks: an address with a NUL names nothing (and PostgreSQL would refuse the question)."""
        super().initial(request, *args, **kwargs)
        if any("\x00" in str(value) for value in kwargs.values()):
            raise Http404

    @property
    def manager(self) -> StateManager:
        """This process's."""
        return conf.manager()

    @cached_property
    def caller(self) -> Caller:
        """Whoever is signed in, or the agent in whose name it acts, in the space of the address."""
        agent = self.request.headers.get(AGENT, self.request.query_params.get("agent"))
        if agent is not None and not (agent and agent.isprintable()):
            raise Invalid(fields={AGENT: ["This must be the id of an agent."]})
        directory = conf.directory()
        try:
            return directory.caller(self.request.user, self.kwargs["space"], agent=agent or "")
        except Invalid as error:  # is named after the header that it came in
            error.fields = {
                AGENT if key == "agent" else key: error.fields[key] for key in error.fields
            }
            raise

    # -- reading a request --------------------------------------------------------------------------------------------

    @property
    def body(self) -> Any:
        """The decoded body. Raises NoBody, and what parsers raise."""
        if self.request.stream is None:
            raise NoBody
        return self.request.data

    def given(self, kind: type[T]) -> T:
        """The body as `kind`; without any, an empty object. Raises Invalid."""
        return bodies.read(self.request.data, kind)

    def base(self, state_id: str, version: int | None = None) -> Base | None:
        """What the writer says it had seen, in the header or (`version`) in the body."""

        def present() -> SharedState:
            return self.manager.get_state(self.caller, state_id)

        return base_of(self.request, version, present)

    def op_id(self, given: str = "") -> str:
        """The request's own name, in the header or (`given`) in the body."""
        return op_id_of(self.request, given)

    # -- answering ----------------------------------------------------------------------------------------------------

    def where(self, name: str, *parts: str) -> str:
        """The full address of something in this space."""
        parts = (self.kwargs["space"], *parts)
        return str(reverse(f"states:{name}", parts, request=self.request))

    def _operation(self, op_id: str) -> str:
        """Where its outcome will be, for whoever asked for it: a client that follows the link need not say again in
        whose name that was."""
        agent = self.request.headers.get(AGENT)
        asked = f"?{urlencode({'agent': agent})}" if agent else ""
        return self.where("operation", op_id) + asked

    def answer(self, result: WriteResult, *, status: int = 200) -> Response:
        """What a write came to: `status`, or 202 while it waits for the journal or for somebody."""
        headers = {}
        match result.status:
            case WriteStatus.QUEUED:
                status, headers["Location"] = 202, self._operation(result.op_id)
            case WriteStatus.PARKED:
                conflict = cast(dict[str, Any], result.conflict)
                status = 202
                headers["Location"] = self.where("conflict", conflict["conflict_id"])
            case _:
                headers["ETag"] = tag(result.uid, result.version)
                headers[REVISION] = str(result.revision)
        if status == 201:
            headers["Location"] = self.where("state", result.state_id)
        if result.replayed:
            headers[REPLAYED] = "true"
        return Response(msgspec.to_builtins(written(result)), status, headers=headers)

    def handle_exception(self, exc: Exception) -> Response:
        """The refusal, with the addresses that whoever raised it could not know."""
        if isinstance(exc, StarsError):
            state_id = exc.extra.get("state") or self.kwargs.get("state_id")
            for link in ("current_link", "snapshot"):
                if state_id and link in exc.extra:
                    exc.extra[link] = self.where("state", state_id)
        response = super().handle_exception(exc)
        if isinstance(exc, StarsError) and exc.extra.get("replayed"):
            response[REPLAYED] = "true"
        return response
