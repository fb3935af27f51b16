"""An agent of A2A 0.3 written by hand after its specification, that also misbehaves when told to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.remote.serving import listening, served

#: Answers a call: (JSON-RPC request, HTTP headers) -> HTTP response.
Handler: TypeAlias = Callable[[dict[str, Any]], Response]


@dataclass
class Old:
    """What its card is, how it answers each method, and which calls came."""

    url: str = ""
    card: Any = None
    card_status: int = 200
    card_headers: dict[str, str] = field(default_factory=dict)
    methods: dict[str, Handler] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def called(self, method: str) -> list[dict[str, Any]]:
        """The parameters of those calls."""
        return [call["params"] for call in self.calls if call["method"] == method]


def task(state: str, text: str = "", **fields: Any) -> dict[str, Any]:
    """A task as 0.3 has it; `text` are the words with its status."""
    status: dict[str, Any] = {"state": state}
    if text:
        parts = [{"kind": "text", "text": text}]
        status["message"] = {
            "kind": "message",
            "messageId": "m-7",
            "role": "agent",
            "parts": parts,
        }
    return {"kind": "task", "id": "t-7", "contextId": "c-7", "status": status, **fields}


def artifact(text: str) -> dict[str, Any]:
    """An artifact as 0.3 has it."""
    return {"artifactId": "a-7", "parts": [{"kind": "text", "text": text}]}


def piece(text: str, *, append: bool = False) -> dict[str, Any]:
    """A piece of it in a stream."""
    return {
        "kind": "artifact-update",
        "taskId": "t-7",
        "contextId": "c-7",
        "artifact": artifact(text),
        "append": append,
    }


def result(value: Any) -> Handler:
    """Answer with that result."""
    return lambda call: JSONResponse({"jsonrpc": "2.0", "id": call["id"], "result": value})


def error(code: int, message: str) -> Handler:
    """Answer with that error of JSON-RPC."""
    told = {"code": code, "message": message}
    return lambda call: JSONResponse({"jsonrpc": "2.0", "id": call["id"], "error": told})


def http(status: int, text: str = "", **headers: str) -> Handler:
    """Answer with something that is no JSON-RPC."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda call: Response(text, status, headers=named)


def stream(*results: Any, then: Callable[[], Any] | None = None) -> Handler:
    """Answer with these events; `then` is awaited before the stream ends."""

    def handle(call: dict[str, Any]) -> Response:
        async def events() -> AsyncIterator[bytes]:
            for each in results:
                body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": each})
                yield f"data: {body}\n\n".encode()
            if then is not None:
                await then()

        return StreamingResponse(events(), media_type="text/event-stream")

    return handle


@contextmanager
def agent(**methods: Handler) -> Iterator[Old]:
    """Such an agent; the methods are named with '_' for '/'."""
    with listening() as (server, url):
        old = Old(url=url, methods={key.replace("_", "/"): each for key, each in methods.items()})
        old.card = {
            "protocolVersion": "0.3.0",
            "name": "Olga",
            "description": "Counts.",
            "version": "1",
            "url": f"{url}/rpc",
            "preferredTransport": "JSONRPC",
            "capabilities": {"streaming": "message/stream" in old.methods},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [],
        }

        async def card(request: Request) -> Response:
            body = old.card if isinstance(old.card, str) else json.dumps(old.card)
            return Response(body, old.card_status, headers=old.card_headers)

        async def rpc(request: Request) -> Response:
            call = await request.json()
            old.calls.append(call)
            handler = old.methods.get(call["method"], error(-32601, "Method not found"))
            return handler(call)

        routes = [
            Route("/.well-known/agent-card.json", card),
            Route("/cards/olga.json", card),
            Route("/rpc", rpc, methods=["POST"]),
        ]
        with served(Starlette(routes=routes), server):
            yield old
