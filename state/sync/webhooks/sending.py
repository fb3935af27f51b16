"""Sends one message to one receiver, once, and says how that went; trying again is the caller's.

Neither secrets nor bodies get into logs or errors, nor what receivers answer but for its status.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Final

import httpcore
import httpx

from state.errors import StarsError
from state.sync.webhooks import addresses, signing
from state.sync.webhooks.connecting import PinnedBackend
from state.sync.webhooks.waits import retry_after

#: Of Stars; receivers read it in their logs.
VERSION: Final = "0.1.0"
#: Bytes that are read of an answer's body. Nothing is done with them; who cuts an answer off breaks some receivers.
ANSWER_MAX: Final = 64 * 1024
#: Seconds, the most that a receiver can ask to be left alone for.
RETRY_AFTER_MAX: Final = 86_400.0
#: Client errors that pass: request timeout, too early, too many requests.
PASSING: Final = frozenset({408, 425, 429})
GONE: Final = 410


class WebhookFailed(StarsError):
    """The message did not reach its receiver."""

    reason = "webhook_failed"
    status = 502

    def __init__(
        self,
        message: str,
        *,
        transient: bool,
        retry_after: float | None = None,
        answered: int | None = None,
    ) -> None:
        """`transient`: worth another attempt, not before `retry_after` seconds if the receiver said so (0 to a day).

        `answered` is the HTTP status of the answer, None if there was none.
        """
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after
        self.answered = answered

    @property
    def gone(self) -> bool:
        """The receiver wants no more messages, neither this one nor others."""
        return self.answered == GONE


def send(
    address: str,
    secret: str,
    message_id: str,
    body: bytes,
    *,
    timeout: float,
    allowed: Sequence[str],
) -> None:
    """Post the JSON in `body`, signed, and return once the receiver has answered with a 2xx status.

    The same message has the same `message_id` at every attempt (letters, digits, `_:/-`). All of it must be done
    within `timeout` seconds, besides asking for the host's IP addresses; `allowed` as in `addresses.check`. Blocks.
    Raises WebhookFailed; SecretInvalid and ValueError if secret or id cannot be used, ConfigInvalid for `allowed`.
    """
    at = int(time.time())
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": f"Stars/{VERSION}",
        "connection": "close",
        signing.ID: message_id,
        signing.TIMESTAMP: str(at),
        signing.SIGNATURE: signing.signature(secret, message_id, at, body),
    }
    with _told_as_failures(timeout):
        parts = addresses.parse(address, allowed)
        pinned = PinnedBackend(addresses.resolve(parts, allowed), timeout)
        # Without the name of a proxy; httpcore looks for none by itself, nor does it follow redirects.
        with (
            httpcore.ConnectionPool(tls(), network_backend=pinned) as pool,
            pool.stream("POST", _url(parts), headers=_raw(parts, headers), content=body) as answer,
        ):
            _read_some(answer)
    _judge(answer)


@cache
def tls() -> ssl.SSLContext:
    """Trusts what the machine does (and SSL_CERT_FILE) besides the usual authorities; made once, for it takes 50 ms."""
    return httpcore.default_ssl_context()


def _url(parts: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=parts.raw_path
    )


def _raw(parts: httpx.URL, headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (b"host", parts.netloc),
        *((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()),
    ]


def _read_some(answer: httpcore.Response) -> None:
    """The status has decided already; what happens to the rest changes nothing."""
    read = 0
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for piece in answer.iter_stream():
            read += len(piece)
            if read >= ANSWER_MAX:
                return


def _judge(answer: httpcore.Response) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == GONE:
        raise WebhookFailed(
            "The receiver wants no more messages (410).", transient=False, answered=status
        )
    if 300 <= status < 400:
        raise WebhookFailed(
            f"The receiver redirects ({status}), which is not followed: give the address it points to.",
            transient=False,
            answered=status,
        )
    transient = status >= 500 or status in PASSING
    raise WebhookFailed(
        f"The receiver answered with status {status}.",
        transient=transient,
        retry_after=_retry_after(answer) if transient else None,
        answered=status,
    )


def _retry_after(answer: httpcore.Response) -> float | None:
    """Seconds that the receiver asks to be left alone for; None if it does not, or unreadably."""
    said = {name.lower(): value for name, value in answer.headers}.get(b"retry-after", b"")
    return retry_after(said.decode("ascii", "replace"), longest=RETRY_AFTER_MAX)


@contextmanager
def _told_as_failures(timeout: float) -> Iterator[None]:
    """What can go wrong on the way, in a sentence for whoever owns the webhook."""
    try:
        yield
    except addresses.AddressInvalid as error:
        raise WebhookFailed(error.message, transient=False) from error
    except httpcore.TimeoutException as error:
        told = f"The receiver did not answer within {timeout:g} seconds."
        raise WebhookFailed(told, transient=True) from error
    except httpcore.ProtocolError as error:
        # Its own words may repeat what was read, of whatever it is that listens there.
        told = "The receiver hung up, or answered in something else than HTTP."
        raise WebhookFailed(told, transient=True) from error
    except (httpcore.NetworkError, OSError) as error:
        raise WebhookFailed(f"The receiver cannot be reached: {error}", transient=True) from error
