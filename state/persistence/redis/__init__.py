"""States in Redis: what one script writes stands wholly or not at all, and is durable as Redis is set up to be."""

from __future__ import annotations

from state.persistence.redis.layer import RedisPersistence

__all__ = ["RedisPersistence"]
