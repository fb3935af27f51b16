"""The address of the MCP door. Asynchronous, for get_run may wait."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port, validate_host
from django.views.decorators.csrf import csrf_exempt

from groups.doors.common.refusals import BodyTooLarge
from groups.doors.mcp import server
from groups.identity import known
from state.errors import NotAllowed, NotFound, StarsError

ALLOWED: Final = ["POST"]


class NotInstalled(NotFound):
    """This installation has no MCP door; its operator can install Stars with its extra mcp."""

    reason = "not_installed"


class ForeignOrigin(NotAllowed):
    """A page of another site may not use this address."""

    reason = "foreign_origin"


@csrf_exempt
async def endpoint(request: HttpRequest) -> HttpResponse:
    """One JSON-RPC message. `GET` and `DELETE` are for servers that keep sessions, which this one does not."""
    try:
        if not await asyncio.to_thread(server.is_installed):
            raise NotInstalled
        if not _is_ours(request.headers.get("Origin", "")):
            raise ForeignOrigin
        # Tokens only: no page can knock in the name of whoever is signed in.
        who = await known(request.headers.items())
        if request.method not in ALLOWED:
            return HttpResponse(status=405, headers={"Allow": ", ".join(ALLOWED)})
        try:
            body = request.body
        except RequestDataTooBig:
            raise BodyTooLarge from None
        return await server.answered(who, request, body)
    except StarsError as error:
        told = {"error": error.reason, "error_description": error.message}
        response = JsonResponse(told, status=error.status)
        if error.status == 401:
            response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return response


def _is_ours(origin: str) -> bool:
    """Programs send no Origin; browsers do, and then it must be a page of this site (against DNS rebinding)."""
    if not origin:
        return True
    host, _ = split_domain_port(urlsplit(origin).netloc)
    return validate_host(host, settings.ALLOWED_HOSTS)
