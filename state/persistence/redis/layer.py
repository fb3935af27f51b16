"""The persistence layer over Redis: its parts, put together."""

from __future__ import annotations

from state.persistence.redis.moving import Moving
from state.persistence.redis.writing import Writing


class RedisPersistence(Writing, Moving):
    """Keeps spaces in one Redis (6.2 or later, not a cluster), at `redis://…[?prefix=stars]`.

    Writing is one Lua script per batch, which Redis runs alone; versions are compared in it. How durable that is, is
    for Redis to say: see `durability`. Where it may have lost writes (another server answers, or the same one after a
    restart, unless it syncs every write) all spaces get new epochs. Pokes are not published from here: whoever commits
    pokes through the process's hub.
    """
