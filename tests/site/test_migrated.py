"""The migrated database that tests copy: made once for the same migrations, anew for others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import migrated


def test_it_is_made_again_when_a_package_migrates_otherwise_and_the_old_one_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache, made = tmp_path / "package", tmp_path / "cache", []

    def migrate(url: str) -> None:
        made.append(url)
        Path(url.removeprefix("sqlite:///")).write_text(f"number {len(made)}")

    def laid() -> str:
        migrated.lay(tmp_path / "data" / "copy.sqlite3")
        assert len(list(cache.glob("*.sqlite3"))) == 1
        return (tmp_path / "data" / "copy.sqlite3").read_text()

    package = SimpleNamespace(label="package", path=str(folder))
    monkeypatch.setattr(migrated, "CACHE", cache)
    monkeypatch.setattr(migrated, "migrate", migrate)
    monkeypatch.setattr(
        migrated, "apps", SimpleNamespace(get_app_configs=lambda: [package]), raising=False
    )
    first = folder / "migrations" / "0001_first.py"
    first.parent.mkdir(parents=True)
    first.write_text("one = 1")
    assert [laid(), laid()] == ["number 1", "number 1"]
    first.write_text("one = 2")
    assert [laid(), laid()] == ["number 2", "number 2"]
    first.rename(first.with_name("0001_renamed.py"))
    assert laid() == "number 3"
