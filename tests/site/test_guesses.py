"""Wrong passwords are counted together at all doors: the page, the API and the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, RequestFactory
from pytest_django import Settings

from groups.services import guesses

Door = Callable[..., int]


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


def page(name: str, password: str, address: str = "127.0.0.1") -> int:
    return (
        Client(REMOTE_ADDR=address)
        .post("/login/", {"username": name, "password": password})
        .status_code
    )


def api(name: str, password: str, address: str = "127.0.0.1") -> int:
    given = {"username": name, "password": password}
    path, kind = "/api/v1/auth/token/", "application/json"
    return Client(REMOTE_ADDR=address).post(path, given, content_type=kind).status_code


def admin(name: str, password: str, address: str = "127.0.0.1") -> int:
    path = "/admin/login/?next=/admin/"
    return (
        Client(REMOTE_ADDR=address).post(path, {"username": name, "password": password}).status_code
    )


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="right")


@pytest.mark.parametrize(
    ("door", "in_", "wrong", "waits"),
    [(page, 302, 200, 429), (api, 200, 401, 429), (admin, 302, 200, 200)],
)
@pytest.mark.parametrize("other", [page, api, admin])
def test_all_doors_count_together(
    door: Door, other: Door, in_: int, wrong: int, waits: int, root: User
) -> None:
    for number in range(guesses.ATTEMPTS):
        assert other("root", "wrong") in {200, 401}, number
    assert door("ROOT ", "right") == waits
    assert door("root", "right") == waits
    assert door("root", "right", "192.0.2.7") == in_
    assert door("root", "wrong", "192.0.2.7") == wrong


@pytest.mark.parametrize("door", [page, api, admin])
def test_the_right_password_makes_forget(door: Door, root: User) -> None:
    for _ in range(3):
        for _ in range(guesses.ATTEMPTS - 1):
            api("root", "wrong")
        assert door("root", "right") in {200, 302}
    assert api("root", "right") == 200


def test_one_address_may_not_try_many_names(root: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "ATTEMPTS_ANY", 12)
    for number in range(12):
        assert api(f"name-{number}", "right") == 401
    assert api("root", "right") == 429
    assert page("root", "right") == 429
    assert page("root", "right", "192.0.2.7") == 302


def test_only_the_proxy_in_front_of_https_says_who_asks(
    rf: RequestFactory, settings: Settings
) -> None:
    asked = rf.get("/", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9")
    assert guesses.client_address(asked) == "192.0.2.7"
    settings.STARS_HTTPS = True
    assert guesses.client_address(asked) == "203.0.113.9"
    assert guesses.client_address(rf.get("/", REMOTE_ADDR="192.0.2.7")) == "192.0.2.7"


@pytest.mark.parametrize("door", [page, api, admin])
def test_without_the_counters_people_still_come_in(
    door: Door, root: User, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    assert door("root", "wrong") in {200, 401}
    assert door("root", "right") in {200, 302}
