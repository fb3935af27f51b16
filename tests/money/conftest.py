"""The crew of the engine's tests, whose agents spend."""

from tests.engine.conftest import crew, doorbell, engine, script

__all__ = ["crew", "doorbell", "engine", "script"]
