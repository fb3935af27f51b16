"""Headers of every answer, and that the policy is loosened for the pages of packages only."""

from __future__ import annotations

import pytest
from django.test import Client


def policy(client: Client, path: str) -> dict[str, str]:
    """The Content-Security-Policy of the answer, by directive."""
    header = client.get(path)["Content-Security-Policy"]
    return {
        name: value
        for name, _, value in (part.strip().partition(" ") for part in header.split(";"))
    }


@pytest.mark.django_db
def test_our_pages_allow_nothing_inline(client: Client) -> None:
    found = policy(client, "/healthz")
    assert "unsafe" not in str(found)
    assert found["default-src"] == "'self'"
    assert found["object-src"] == found["frame-ancestors"] == found["base-uri"] == "'none'"


@pytest.mark.django_db
def test_the_admin_gets_what_it_needs(client: Client) -> None:
    found = policy(client, "/admin/login/")
    assert "'unsafe-eval'" in found["script-src"]
    assert "'unsafe-inline'" not in found["script-src"]
    assert "'unsafe-inline'" in found["style-src"]


@pytest.mark.django_db
def test_the_documentation_loads_from_here_only(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code in {200, 302}
    assert "unsafe" not in policy(client, "/api/docs/")["script-src"]


@pytest.mark.django_db
def test_other_headers(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_an_unknown_host_is_refused(client: Client) -> None:
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
