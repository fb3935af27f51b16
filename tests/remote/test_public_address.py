"""Under which address others reach this installation when nobody says so."""

from __future__ import annotations

import pytest

from stars_site import env


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 9000, "http://127.0.0.1:9000"),
        ("::1", 8000, "http://[::1]:8000"),
        ("stars.example", 80, "http://stars.example:80"),
    ],
)
def test_a_server_is_reached_where_it_listens(host: str, port: int, url: str) -> None:
    assert env.local_url(host, port) == url
