"""Talking to an agent outside of any run, at once or as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from groups import access
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.conversation import ConversedSerializer, ConverseSerializer
from groups.engine import trial
from groups.services import trials


class ConversationView(ApiView):
    @extend_schema(
        operation_id="talk_to_agent",
        tags=["agents"],
        request=ConverseSerializer,
        responses={200: ConversedSerializer, **problems(409, 413, 429)},
    )
    def post(self, request: Request, agent_id: str) -> HttpResponseBase:
        """Say something to the agent and get its answer, outside of any run.

        It works without tools, states and messages, which belong to groups. Nothing is kept but what it used. Persons
        are not asked.
        """
        given = self.given(ConverseSerializer)
        agent = access.get_agent(self.actor, agent_id)
        before = [(turn["text"], turn["answer"]) for turn in given.get("earlier", [])]
        text, earlier = trials.checked(
            actor=self.actor, agent=agent, text=given["text"], earlier=before
        )
        heard = trial.converse(agent, text, earlier, trials.seats.take(self.actor))
        if given["stream"]:
            return _streamed(heard)
        # A loop of its own: this is a request's thread, and the server's loop has others to serve.
        return self.shown(ConversedSerializer, asyncio.run(_ended(heard))._asdict())


async def _ended(heard: AsyncGenerator[trial.Heard, None]) -> trial.Ended:
    async with aclosing(heard) as items:
        async for item in items:
            if isinstance(item, trial.Ended):
                return item
    raise AssertionError("a conversation ends with its end")


def _streamed(heard: AsyncGenerator[trial.Heard, None]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        _frames(heard), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _frames(heard: AsyncGenerator[trial.Heard, None]) -> AsyncIterator[bytes]:
    names = {trial.Said: b"text", trial.Used: b"tool", trial.Ended: b"end"}
    async with aclosing(heard) as items:
        async for item in items:
            data: dict[str, Any] = item._asdict()
            yield b"event: %s\ndata: %s\n\n" % (names[type(item)], msgspec.json.encode(data))
