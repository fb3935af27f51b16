"""Tokens in the addresses of callbacks stand in no log, for a refused one can still be used."""

from __future__ import annotations

import io
import logging

import pytest
from daphne.access import AccessLogGenerator
from django.test import Client

import stars_site.asgi  # noqa: F401 - the server's own changes to Daphne
from stars_site import logs

TOKEN = "WOMmBFQbGAydrc9IBZSQTYikPyBB23Bn1XdaOaVSJFQ"
URL = f"/api/v1/callbacks/{TOKEN}/"


def written(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, as the console of the settings has it."""
    console = next(
        handler.formatter
        for handler in logging.getLogger("django").handlers
        if isinstance(handler.formatter, logs.Formatter)
    )
    return "\n".join(map(console.format, caplog.records))


@pytest.mark.django_db
def test_a_refused_callback_is_logged_without_its_token(caplog: pytest.LogCaptureFixture) -> None:
    refused = Client().post(URL, "{", content_type="application/json")
    assert refused.status_code >= 400
    assert "/api/v1/callbacks/***/" in written(caplog) and TOKEN not in written(caplog)


def test_a_traceback_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(f"cannot be sent: 'https://stars.example{URL}'")
    except ValueError:
        logging.getLogger("groups").exception("a webhook failed")
    assert "ValueError: cannot be sent" in written(caplog) and TOKEN not in written(caplog)


def test_the_log_of_requests_is_without_it() -> None:
    stream = io.StringIO()
    entry = {"client": "127.0.0.1:9", "method": "POST", "path": URL, "status": 409, "size": 7}
    AccessLogGenerator(stream)("http", "complete", entry)
    assert stream.getvalue().endswith('"POST /api/v1/callbacks/***/" 409 7\n')
