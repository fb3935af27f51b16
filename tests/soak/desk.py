"""A process of the soaked site that prepares it and reads its store; JSON lines in and out (`-m tests.soak.desk`).

The log is read by the persistence layer itself, past the sync engine that is judged by it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

#: Seconds for which a database that is being restarted is waited for.
PATIENCE: Final = 30.0


class Desk:
    """What can be asked for."""

    def __init__(self) -> None:
        from state import conf
        from state.persistence import new_persistence_layer

        self._store = new_persistence_layer(conf.persistence_config(), conf.keyring())

    def prepare(self, space: str, agents: list[str]) -> str:
        """A group of these agents (the first leads), and an owner of it; the owner's token."""
        from tests.factories import make_group, make_token, make_user

        user = make_user(username=f"ada-{space}")
        leader, *workers = agents
        make_group(group_id=space, owner=user, leader=leader, workers=tuple(workers))
        self._store.open_space(space)
        return make_token(user=user)

    def hook(self, space: str, agent: str, address: str, states: list[str]) -> str:
        """Connect a webhook for that agent; the secret of its signatures."""
        from django.contrib.auth.models import User

        from state import conf

        user = User.objects.get(username=f"ada-{space}")
        caller = conf.directory().caller(user, space, agent=agent)
        made = conf.sync_manager().connect_agent(
            caller, address=address, states=states, user_id=user.pk
        )
        return made.secret

    def parked(self, space: str) -> int:
        """Connections that are parked now."""
        from state.models import Connection

        return Connection.objects.filter(space=space, parked=True).count()

    def log(self, space: str, after: int) -> dict[str, Any]:
        """Entries after that revision, with the settings that they changed, and where the space stands."""
        entries: list[dict[str, Any]] = []
        while True:
            page = self._store.read_log(space, after=after, limit=1000)
            for entry in page.entries:
                logged = {
                    "rev": entry.revision,
                    "seq": entry.seq,
                    "id": entry.state_id,
                    "uid": entry.uid,
                    "v": entry.version,
                    "kind": str(entry.kind),
                    "h": entry.hash,
                    "by": entry.agent,
                    "op_id": entry.op_id,
                }
                entries.append({"entry": logged, "config": msgspec.to_builtins(entry.config)})
                after = entry.revision
            if not page.more:
                return {"entries": entries, "space": msgspec.to_builtins(page.space)}

    def states(self, space: str) -> dict[str, Any]:
        """Every living state: life, version, hash, data."""
        from state.values import Filters

        found, after = {}, ""
        while True:
            page = self._store.list_states(
                space, Filters(), limit=1000, after=after, with_data=True
            )
            for each in page.states:
                found[each.id] = {
                    "uid": each.uid,
                    "v": each.version,
                    "h": each.hash,
                    "data": each.data,
                }
            after = page.next
            if not after:
                return found

    def compact(self, space: str, to: int) -> int:
        """Give up history up to that revision; where the floor is."""
        return self._store.compact(space, to).compact_revision

    def verify(self) -> str:
        """What `manage.py state_verify` says; it replays every log."""
        from io import StringIO

        from django.core.management import CommandError, call_command

        said = StringIO()
        try:
            call_command("state_verify", stdout=said, stderr=said)
        except CommandError as error:
            return f"{said.getvalue()}{error}"
        return ""


def answer(do: Callable[..., Any], fields: dict[str, Any]) -> Any:
    """What it returns, once the database is there. Raises what it raises for other reasons, or for too long."""
    from django.db import InterfaceError, OperationalError, close_old_connections

    from state.errors import Unavailable

    end = time.monotonic() + PATIENCE
    while True:
        try:
            return do(**fields)
        except (Unavailable, OperationalError, InterfaceError):
            if time.monotonic() > end:
                raise
            close_old_connections()
            time.sleep(0.2)


def main() -> None:
    """Answer each line `{"do": name, ...}` with one line of JSON."""
    import django

    django.setup()
    desk = Desk()
    for line in sys.stdin:
        asked = msgspec.json.decode(line)
        found = answer(getattr(desk, asked.pop("do")), asked)
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
