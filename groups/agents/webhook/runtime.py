"""A webhook agent as the engine sees it: one signed POST, and its answer at once, as a stream, or by callback later."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec

from groups.agents import outbound, settings, wire
from groups.agents.base import AgentError, AgentEvent, Outcome, Request, TextDelta, Waiting
from groups.agents.scrubbing import scrub
from groups.agents.webhook import frames
from groups.agents.webhook.config import SECRET, Config
from groups.agents.webhook.memory import Memo, memo_of
from groups.execution.statuses import SubtaskKind, WaitsFor
from state.errors import Invalid
from state.sync.webhooks import signing

WHO: Final = "The webhook"
#: Bytes of an answer that is no stream.
MAX_BODY: Final = 8 * 1024 * 1024
STREAMS: Final = {"application/x-ndjson": frames.of_ndjson, "text/event-stream": frames.of_sse}


class WebhookRuntime:
    """Carries out requests of `webhook` agents."""

    async def perform(self, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
        """Yield events and one outcome; see AgentRuntime. Raises AgentError."""
        config = settings.read_at_work(request.config, Config)
        memo = memo_of(request)
        if (body := memo.called_back(request)) is not None:
            answer = _called_back(body)
            # A failure that passes is told once; the attempts after it ask anew.
            if not (answer.error and answer.transient and request.attempt > memo.attempt):
                async for item in _ended(answer, request, memo):
                    yield item
                return
        if request.purse is not None:
            await request.purse.ask()
        async with aclosing(_post(config, request, memo)) as said:
            async for item in said:
                if isinstance(item, Outcome):
                    break
                yield item
            else:
                raise AgentError("The webhook ended without an answer.")
        # Only now, when the connection is closed: nobody asks for more after it.
        yield item


async def _post(
    config: Config, request: Request, memo: Memo
) -> AsyncGenerator[AgentEvent | Outcome, None]:
    message_id, body = await _message(config, request, memo)
    headers = _headers(request, message_id, body)
    allowed = request.outside.allowed if request.outside is not None else ()
    client = outbound.client(allowed, headers=headers, silence=config.silence)
    with outbound.told(WHO, request.secrets):
        async with client, client.stream("POST", config.url, content=body) as answer:
            await _judge(answer, request)
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code == httpx.codes.ACCEPTED:
                yield _later(config, request, memo)
            elif read := STREAMS.get(media_type):
                async with aclosing(_streamed(read(answer.aiter_text()), request, memo)) as said:
                    async for item in said:
                        yield item
            else:
                async for item in _ended(_direct(await _body(answer)), request, memo):
                    yield item


async def _message(config: Config, request: Request, memo: Memo) -> tuple[str, bytes]:
    """The id of the message, the same at every attempt until a person has answered something, and its body."""
    answers = memo.by_people(request)
    asked = wire.asked(request, answers)
    asked["memo"] = memo.theirs
    asked["callback"] = None
    if request.outside is not None:
        expires = datetime.now(UTC) + timedelta(seconds=config.patience)
        if url := await request.outside.callback(config.patience):
            asked["callback"] = {"url": url, "expires_at": expires.isoformat()}
    return f"{wire.key_of(request)}:{len(answers)}", json.dumps(asked).encode()


def _headers(request: Request, message_id: str, body: bytes) -> dict[str, str]:
    """Signed as Standard Webhooks 1.0.0 has it. Raises AgentError without a secret that can be used."""
    at = int(time.time())
    try:
        signature = signing.signature(request.secrets.get(SECRET, ""), message_id, at, body)
    except signing.SecretInvalid as error:
        told = f"The webhook has no secret to sign with. {error.message}"
        raise AgentError(told) from None
    return {
        "content-type": "application/json",
        "accept": ", ".join(["application/json", *STREAMS]),
        "user-agent": "Stars",
        "idempotency-key": message_id,
        signing.ID: message_id,
        signing.TIMESTAMP: str(at),
        signing.SIGNATURE: signature,
    }


async def _judge(answer: httpx.Response, request: Request) -> None:
    if not answer.is_success:
        begin = await _beginning(answer)
        said = scrub(begin.decode(errors="replace"), request.secrets)
        outbound.judge(WHO, answer.status_code, answer.headers, said)


async def _beginning(answer: httpx.Response) -> bytes:
    async for piece in answer.aiter_bytes(1024):
        return piece
    return b""


async def _body(answer: httpx.Response) -> bytes:
    found = bytearray()
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > MAX_BODY:
            raise AgentError(f"The webhook's answer is longer than {MAX_BODY:,} bytes.")
    return bytes(found)


def _direct(body: bytes) -> wire.Answer:
    """The answer in a body. Raises AgentError."""
    try:
        return wire.read_answer(msgspec.json.decode(body))
    except msgspec.DecodeError:
        told = "The webhook's answer is no JSON, no stream of frames and no 202."
        raise AgentError(told) from None
    except Invalid as error:
        raise AgentError(f"The webhook's answer cannot be read. {error.message}") from None


def _called_back(body: str) -> wire.Answer:
    """The answer that was given by callback; one that a person gave in its place is text."""
    try:
        return wire.read_answer(msgspec.json.decode(body))
    except (msgspec.DecodeError, Invalid):
        return wire.Answer(text=body)


async def _streamed(
    found: AsyncGenerator[str, None], request: Request, memo: Memo
) -> AsyncGenerator[AgentEvent | Outcome, None]:
    said: list[str] = []
    async with aclosing(found) as texts:
        async for text in texts:
            item = frames.read(text)
            if isinstance(item, wire.Answer):
                if item.text == "":
                    item = msgspec.structs.replace(item, text="".join(said))
                async for event in _ended(item, request, memo):
                    yield event
                return
            if isinstance(item, TextDelta):
                said.append(item.text)
            if item is not None:
                yield item
    raise AgentError("The webhook's stream broke off before its end.", transient=True)


async def _ended(
    answer: wire.Answer, request: Request, memo: Memo
) -> AsyncIterator[AgentEvent | Outcome]:
    if answer.usage is not None:
        yield frames.used(answer.usage)
    if answer.question is None:
        yield wire.outcome(answer, request)
        return
    kept = memo.asking(answer.memo)
    yield wire.asks(answer, _kept(kept))


def _later(config: Config, request: Request, memo: Memo) -> Waiting:
    """It answers by callback. Raises AgentError where nothing can be called back."""
    if request.outside is None:
        raise AgentError("The webhook wants to answer later, which it can in a run only.")
    what = "the plan" if request.kind == SubtaskKind.PLAN else request.title or "the result"
    return Waiting(
        question=f"The agent's own program has taken it and will call back with {what}.",
        waits_for=WaitsFor.REMOTE,
        patience=config.patience,
        memo=_kept(memo.awaiting(request)),
    )


def _kept(memo: Memo) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(memo)
    return found
