"""A client of the asynchronous addresses, talking to the real ASGI application; and writes from where a loop runs."""

from __future__ import annotations

from typing import Any

import httpx
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.http import HttpResponse

from stars_site import asgi
from state.manager import StateManager
from state.policy import Caller
from tests.state_api.conftest import ROOT, is_problem
from tests.sync.speaker import token_of

#: What httpx, Channels and Django call a scope has a type of its own in each.
application: Any = asgi.application

OWNER = Caller(space="lab", name="agent:lena", admin=True)


class Asker:
    """Somebody who asks for changes, with an API token."""

    def __init__(self, user: User | None, **headers: str) -> None:
        self.user, self.headers = user, {name.replace("_", "-"): v for name, v in headers.items()}

    async def get(self, path: str, *, root: str = ROOT, method: str = "GET", **query: Any) -> Any:
        """The answer, as Django's test client has it."""
        if self.user is not None and "Authorization" not in self.headers:
            token = await database_sync_to_async(token_of)(self.user)
            self.headers["Authorization"] = f"Token {token}"
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            found = await http.request(
                method, root + path, params=query or None, headers=self.headers, timeout=60
            )
        answer: Any = HttpResponse(
            found.content, status=found.status_code, headers=dict(found.headers)
        )
        answer.json = found.json
        return answer

    async def fine(self, path: str, **query: Any) -> dict[str, Any]:
        """The body of an answer with status 200."""
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    async def refused(
        self, status: int, reason: str, path: str, *, field: str = "", **query: Any
    ) -> dict[str, Any]:
        """The problem of a refusal."""
        return is_problem(await self.get(path, **query), status, reason, field)


def write(manager: StateManager, state_id: str, **values: Any) -> Any:
    """Set these keys."""
    return sync_to_async(manager.update_state, thread_sensitive=False)(OWNER, state_id, values)


def create(manager: StateManager, state_id: str, data: Any = None, **more: Any) -> Any:
    """Make a state."""
    make = sync_to_async(manager.create_state, thread_sensitive=False)
    return make(OWNER, state_id, data=data or {}, **more)


def configure(manager: StateManager, state_id: str, **changes: Any) -> Any:
    """Change its settings."""
    return sync_to_async(manager.configure, thread_sensitive=False)(OWNER, state_id, changes)
