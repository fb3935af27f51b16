"""What providers' errors mean for a run, in words that say what to do; passing ones are marked transient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx2
from pydantic_ai import exceptions as theirs

from groups.agents.base import AgentError
from groups.agents.llm.config import Config
from groups.agents.scrubbing import scrub

#: Characters of a provider's own words that are passed on.
_QUOTED: Final = 300
#: HTTP statuses after which the same request may succeed.
_PASSING: Final = frozenset({408, 409, 425, 429})


class CallRejected(AgentError):
    """The provider will not take this request as it stands, so another form of it may do."""


class CallTimedOut(AgentError):
    """The model was too slow."""

    cause = "timeout"


def translated(error: Exception, config: Config, secrets: Mapping[str, str]) -> AgentError:
    """The error as the run's log tells it, without secrets."""
    if isinstance(error, AgentError):
        return error
    found = _translated(error, config, secrets)
    found.message = scrub(found.message, secrets)
    found.args = (found.message,)
    return found


def _translated(error: Exception, config: Config, secrets: Mapping[str, str]) -> AgentError:
    name = f"The model '{config.model}'"
    match error:
        case theirs.ModelRequestTimeout(setting="first_event_timeout"):
            return CallTimedOut(
                f"{name} did not begin to answer within {error.timeout:g} s.", transient=True
            )
        case theirs.ModelRequestTimeout():
            return CallTimedOut(
                f"{name} did not finish its answer within {error.timeout:g} s.", transient=True
            )
        case theirs.ModelTimeoutError():
            return CallTimedOut(
                f"{name} stopped answering for {config.stall_timeout:g} s.", transient=True
            )
        case theirs.ModelConnectionError() | httpx2.TransportError():
            return AgentError(_unreachable(error, config), transient=True)
        case theirs.ModelAPIError():
            return _refused(error, name, secrets)
        case theirs.ContentFilterError():
            return AgentError(f"The provider's content filter stopped {name[0].lower()}{name[1:]}.")
        case theirs.UnexpectedModelBehavior() | ValueError():
            return AgentError(
                f"{name} answered with something that is not its protocol: {_short(str(error), secrets)}",
                transient=True,
            )
        case theirs.UserError():
            return AgentError(f"{name} cannot be used like this: {_short(error.message, secrets)}")
        case _:
            return AgentError(
                f"{name} failed: {type(error).__name__}: {_short(str(error), secrets)}"
            )


def _refused(error: theirs.ModelAPIError, name: str, secrets: Mapping[str, str]) -> AgentError:
    code = getattr(error, "status_code", None)
    status = f" (HTTP {code})" if code else ""
    words = _words(error.body, secrets)
    said = f": {words}" if words else "."
    if _is_too_long(error, words):
        return AgentError(
            f"What was to be sent is longer than the window of {name[0].lower()}{name[1:]}{status}; "
            f"set context_window to its size, or shorten instructions and task{said}"
        )
    match error:
        case theirs.ModelAuthenticationError():
            # The provider's words are not passed on: they may quote the key.
            return AgentError(
                f"{name} refused the key{status}: check the secret api_key and what it may use."
            )
        case theirs.ModelNotFoundError():
            hint = getattr(error, "suggested_model_id", None)
            guess = f" Did you mean '{hint}'?" if hint else ""
            return AgentError(
                f"{name} is not known there{status}: check model and base_url{said}{guess}"
            )
        case theirs.ModelQuotaExceededError():
            return AgentError(f"{name}: the account's quota or credit is used up{status}{said}")
        case theirs.ModelRateLimitError():
            wait = error.retry_after
            asked = f"; it asks to wait {wait:g} s" if wait is not None else ""
            return AgentError(
                f"{name} has too many requests{status}{asked}{said}",
                transient=True,
                retry_after=wait,
            )
    if code is None:
        return _misspoken(error, name, secrets)
    if _may_pass(error, code):
        return AgentError(
            f"{name} cannot answer now{status}{said}", transient=True, retry_after=error.retry_after
        )
    return CallRejected(f"{name} rejected the request{status}{said}")


def _misspoken(error: theirs.ModelAPIError, name: str, secrets: Mapping[str, str]) -> AgentError:
    """What the library could not read: broken JSON, or an answer that is neither one nor a refusal."""
    if error.message.startswith("Error code: 3"):
        return AgentError(
            f"{name} is said to be elsewhere, and that is not followed: check base_url."
        )
    return AgentError(
        f"{name} answered with something that is not its protocol: {_short(error.message, secrets)}",
        transient=True,
    )


def _may_pass(error: theirs.ModelAPIError, code: int) -> bool:
    if isinstance(error, theirs.ModelUnavailableError | theirs.ModelServerError):
        return True
    if isinstance(error, theirs.ModelRequestRejectedError):
        return False
    return code >= 500 or code in _PASSING


def _unreachable(error: Exception, config: Config) -> str:
    where = config.base_url or f"the provider of '{config.model}'"
    phase = getattr(error, "phase", None)
    if phase in ("connect", "pool"):
        return f"There is no connection to {where}: check base_url, and whether a server is running there."
    return f"The connection to {where} broke off."


def _is_too_long(error: theirs.ModelAPIError, words: str) -> bool:
    """Servers of local models say it in words of their own, with a plain 400."""
    if isinstance(error, theirs.ModelContextWindowExceededError):
        return True
    low = words.lower()
    rejected = isinstance(error, theirs.ModelRequestRejectedError)
    return (
        rejected
        and "context" in low
        and any(w in low for w in ("exceed", "too long", "length", "larger"))
    )


def _words(body: object, secrets: Mapping[str, str]) -> str:
    """The sentence in a provider's error. Longer bodies and pages are not quoted: they may be any server's."""
    found: Any = body
    for name in ("error", "message"):
        if isinstance(found, dict):
            found = found.get(name, found.get("detail") if name == "message" else found)
    if not isinstance(found, str) or (found is body and ("<" in found or len(found) > _QUOTED)):
        return ""
    return _short(found, secrets)


def _short(text: str, secrets: Mapping[str, str]) -> str:
    # Before it is cut: of half a key nobody could tell any more what it is.
    text = scrub(" ".join(text.split()), secrets)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
