"""The backup as a download: whole, restorable elsewhere, for administrators only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from state.manager import StateManager
from state.persistence import new_persistence_layer
from state.values import PersistenceConfig, PersistenceType
from tests.state_api.conftest import Client, client_for, is_problem


def test_an_administrator_downloads_all_that_is_kept(
    owner: Client, manager: StateManager, tmp_path: Path, db: Any
) -> None:
    owner.ask("post", "states/", {"id": "plan", "data": {"goal": "ship"}})
    root = User.objects.create_superuser("root", password="secret-root")
    response = client_for(root).ask("get", "/api/v1/backup/")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="stars-states-')
    archive = tmp_path / "states.zip"
    archive.write_bytes(b"".join(response.streaming_content))
    other = new_persistence_layer(
        PersistenceConfig(type=PersistenceType.FILE, connection_string=str(tmp_path / "kept"))
    )
    other.restore(archive)
    assert other.load_state("lab", "plan").data == {"goal": "ship"}
    other.close()


def test_nobody_else_does(owner: Client, anonymous: Client) -> None:
    assert is_problem(owner.ask("get", "/api/v1/backup/"), 403)["required"] == "admin"
    is_problem(anonymous.ask("get", "/api/v1/backup/"), 401)
