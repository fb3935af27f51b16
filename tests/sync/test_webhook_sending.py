"""Sending webhooks over real sockets: what arrives, and what each way of failing is told as."""

from __future__ import annotations

import logging
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from django.conf import settings

from state.refusals import ConfigInvalid
from state.sync.webhooks import sending, signing
from state.sync.webhooks.sending import WebhookFailed
from tests.servers import free_port
from tests.sync.receiver import Answer, Receiver, listening

SECRET = signing.new_secret()
BODY = '{"states":["路"],"n":1.0}'.encode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def send(
    address: str,
    *,
    body: bytes = BODY,
    timeout: float = 5.0,
    allowed: tuple[str, ...] = ("127.0.0.0/8",),
) -> None:
    sending.send(address, SECRET, "msg_1", body, timeout=timeout, allowed=allowed)


def failure(
    address: str, *, timeout: float = 5.0, allowed: tuple[str, ...] = ("127.0.0.0/8",)
) -> WebhookFailed:
    with pytest.raises(WebhookFailed) as failed:
        send(address, timeout=timeout, allowed=allowed)
    return failed.value


def test_what_arrives_is_what_was_signed(receiver: Receiver) -> None:
    send(f"{receiver.url}?key=a%20b")
    (request,) = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/hook?key=a%20b", BODY)
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == f"Stars/{sending.VERSION}"
    assert request.headers["webhook-id"] == "msg_1"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 10
    signing.verify(SECRET, request.headers, request.body)


def test_the_version_told_is_that_of_stars() -> None:
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())
    assert project["project"]["version"] == sending.VERSION


def test_bodies_of_any_size_arrive_whole(receiver: Receiver) -> None:
    for body in (b"", b"[" + b"1," * 1_000_000 + b"1]"):
        send(receiver.url, body=body)
        assert receiver.received[-1].body == body
        signing.verify(SECRET, receiver.received[-1].headers, body)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_will_do(receiver: Receiver, status: int) -> None:
    receiver.answer(Answer(status))
    send(receiver.url)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_worth_another_attempt(receiver: Receiver, status: int) -> None:
    receiver.fail(status=status)
    failed = failure(receiver.url)
    assert (failed.transient, failed.answered, failed.gone) == (True, status, False)
    assert str(status) in failed.message
    send(receiver.url)
    assert len(receiver.received) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_other_refusals_stay(receiver: Receiver, status: int) -> None:
    receiver.fail(status=status, retry_after="5")
    failed = failure(receiver.url)
    assert (failed.transient, failed.answered, failed.retry_after) == (False, status, None)


def test_gone_means_no_more(receiver: Receiver) -> None:
    receiver.fail(status=410)
    failed = failure(receiver.url)
    assert (failed.gone, failed.transient, failed.answered) == (True, False, 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    with listening() as inner:
        receiver.redirect(inner.url, status=status)
        failed = failure(receiver.url)
        assert inner.received == []
    assert (failed.transient, failed.answered) == (False, status)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("9" * 18, 86_400.0),
        ("9" * 5000, None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Thu, 99 Foo 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_how_long_to_wait_is_the_receivers_to_say(
    receiver: Receiver, said: str, wait: float | None
) -> None:
    receiver.fail(retry_after=said)
    assert failure(receiver.url).retry_after == wait


def test_or_until_when(receiver: Receiver) -> None:
    then = datetime.now(UTC) + timedelta(seconds=90)
    receiver.fail(retry_after=format_datetime(then, usegmt=True))
    wait = failure(receiver.url).retry_after
    assert wait is not None and 80 < wait <= 90


def test_a_receiver_that_hangs_up(receiver: Receiver) -> None:
    receiver.hang_up()
    failed = failure(receiver.url)
    assert (failed.transient, failed.answered) == (True, None)


def test_what_is_not_http_is_not_repeated(receiver: Receiver) -> None:
    receiver.answer(Answer(None, raw=b"-ERR the password is hunter2\r\n\r\n"))
    failed = failure(receiver.url)
    assert failed.transient
    assert "hunter2" not in failed.message


def test_nobody_listens() -> None:
    failed = failure(f"http://127.0.0.1:{free_port()}/")
    assert failed.transient
    assert "cannot be reached" in failed.message


@pytest.mark.parametrize(
    "answer",
    [
        Answer(delay=30),
        Answer(200, {"X-Long": "x" * 1000}, drip=0.05),
        Answer(None, raw=b"HTTP/1.1 103 Early\r\n\r\n" * 100, drip=0.02),
    ],
    ids=["silent", "byte by byte", "always early"],
)
def test_slow_receivers_do_not_hold_a_worker(receiver: Receiver, answer: Answer) -> None:
    """However it is slow: each byte would otherwise begin the timeout anew."""
    receiver.answer(answer)
    began = time.monotonic()
    failed = failure(receiver.url, timeout=0.4)
    assert 0.3 < time.monotonic() - began < 5
    assert (failed.transient, failed.answered) == (True, None)
    assert "0.4 seconds" in failed.message


def test_once_the_status_is_there_the_rest_of_an_answer_changes_nothing(receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    receiver.answer(Answer(None, raw=head + b"cut off"))
    send(receiver.url)


def test_of_an_endless_answer_64_kib_are_read_and_no_more(receiver: Receiver) -> None:
    receiver.answer(Answer(body=b"x" * 1000, endless=True))
    began = time.monotonic()
    send(receiver.url, timeout=30)
    assert time.monotonic() - began < 10


def test_and_only_while_there_is_time(receiver: Receiver) -> None:
    receiver.answer(Answer(body=b"x" * 1000, endless=True, drip=0.005))
    began = time.monotonic()
    send(receiver.url, timeout=1.5)
    assert time.monotonic() - began < 6


def test_private_addresses_are_refused_unless_allowed(receiver: Receiver) -> None:
    for address in (receiver.url, receiver.url.replace("127.0.0.1", "localhost")):
        failed = failure(address, allowed=())
        assert (failed.transient, failed.answered) == (False, None)
        assert "STARS_WEBHOOK_ALLOWED" in failed.message
    assert receiver.received == []


def test_addresses_that_are_none_fail_for_good() -> None:
    failed = failure("ftp://example.com/")
    assert not failed.transient
    assert "https://" in failed.message


def test_a_setting_that_means_nothing_is_not_the_receivers_fault(receiver: Receiver) -> None:
    with pytest.raises(ConfigInvalid):
        send(receiver.url, allowed=("10.0.0.0/33",))


def test_proxies_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        send(receiver.url)
        assert (len(receiver.received), proxy.received) == (1, [])


def test_secrets_bodies_and_answers_stay_out_of_logs_and_errors(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer(Answer(500, body=b"answered-in-private"))
    failed = failure(receiver.url)
    send(receiver.url)
    said = caplog.text + repr(failed) + str(failed.__dict__)
    for private in (SECRET, SECRET.removeprefix("whsec_"), BODY.decode(), "answered-in-private"):
        assert private not in said
