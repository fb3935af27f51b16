"""Runs of scripted agents, as for the engine's own tests."""

from __future__ import annotations

from tests.engine.conftest import crew, doorbell, engine, script

__all__ = ["crew", "doorbell", "engine", "script"]
