"""Reading the environment: what is accepted, what is refused, and that a refusal names the variable."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from stars_site import env


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        *[("1", True), ("TRUE", True), ("yes", True), ("on", True)],
        *[("0", False), ("False", False), ("no", False), ("off", False)],
    ],
)
def test_boolean_spellings(monkeypatch: pytest.MonkeyPatch, spelling: str, value: bool) -> None:
    monkeypatch.setenv("STARS_X", spelling)
    assert env.boolean("STARS_X", not value) is value


@pytest.mark.parametrize("spelling", ["maybe", "2", "ture", "y e s"])
def test_unknown_booleans_are_refused(monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    monkeypatch.setenv("STARS_X", spelling)
    with pytest.raises(ImproperlyConfigured, match="STARS_X"):
        env.boolean("STARS_X", True)


def test_what_is_empty_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARS_X", "  ")
    assert env.boolean("STARS_X", True) is True
    assert env.integer("STARS_X", 7) == 7
    assert env.seconds("STARS_X", 1.5) == 1.5
    assert env.words("STARS_X", ["a"]) == ["a"]
    assert env.text("STARS_X", "b") == "b"


@pytest.mark.parametrize("value", ["seven", "1.5", "0", "65536"])
def test_integers_out_of_bounds_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STARS_X", value)
    with pytest.raises(ImproperlyConfigured, match="STARS_X"):
        env.integer("STARS_X", 8000, minimum=1, maximum=65535)


@pytest.mark.parametrize("value", ["soon", "0.05", "nan", "inf"])
def test_seconds_out_of_bounds_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STARS_X", value)
    with pytest.raises(ImproperlyConfigured, match="STARS_X"):
        env.seconds("STARS_X", 2.0, minimum=0.1)


def test_words_are_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARS_X", " a.example , ,b.example")
    assert env.words("STARS_X", []) == ["a.example", "b.example"]


def test_a_secret_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden\n")
    monkeypatch.setenv("STARS_X_FILE", str(tmp_path / "secret"))
    assert env.text("STARS_X") == "hidden"


def test_a_missing_secret_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STARS_X_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="STARS_X"):
        env.text("STARS_X")


def test_a_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARS_X", "postgres://ada:pw@db.example:5433/stars")
    found = env.database("STARS_X", "sqlite://")
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", 5433, "stars")


def test_a_bad_database_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARS_X", "oraclee://nowhere")
    with pytest.raises(ImproperlyConfigured, match="STARS_X"):
        env.database("STARS_X", "sqlite://")


def test_the_kept_secret_stays_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    first = env.kept_secret(path)
    assert len(first) >= 50
    assert env.kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_make_it_up_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(env.kept_secret, [tmp_path / "secret_key"] * 16))
    assert len(secrets) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
