"""The effective configuration, kept as a state of the installation: who looks back can see when it changed."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from state import jsonvalue
from state.manager.answers import WriteStatus
from state.manager.drafting import drafted, entry_of
from state.manager.jobs import Draft, View
from state.manager.writes import Create, StateJob
from state.policy import Caller
from state.values import (
    AuditRecord,
    EntryKind,
    EventType,
    Json,
    Limits,
    StateEvent,
    StateManagerConfig,
    StateType,
)

#: Its id in the space of the installation.
CONFIG: Final = "system/config"
#: Whoever administers the installation.
OWNERS: Final = ("system",)


class Announce(StateJob):
    """Writes the configuration if it differs from the one kept, with the event `config_changed`."""

    def __init__(
        self,
        caller: Caller,
        effective: dict[str, Json],
        *,
        config: StateManagerConfig,
        limits: Limits,
    ) -> None:
        """`effective` holds no secrets."""
        super().__init__(caller, CONFIG)
        self.effective, self.config, self.limits = effective, config, limits

    def judge(self, view: View) -> Draft:
        """Creates the state at the first start, which changes nothing yet."""
        head = view.get(CONFIG)
        if head is None or head.deleted:
            first = Create(
                self.caller,
                CONFIG,
                StateType.GLOBAL,
                self.effective,
                {"owners": OWNERS, "name": "Configuration"},
                config=self.config,
                limits=self.limits,
                note={},
            )
            draft = first.judge(view)
            self.result = first.result
            return draft
        ops = jsonvalue.diff(head.data, self.effective)
        if not ops:
            return self._unchanged(head)
        state = msgspec.structs.replace(head, data=self.effective, timestamp=view.now)
        entry = entry_of(self, state, EntryKind.UPDATE, view, ops=ops)
        written = drafted(state, entry, expect=head.version)
        self._result(written.state, WriteStatus.APPLIED)
        changed: dict[str, Any] = {"paths": [op.path for op in ops], "config": self.effective}
        event = StateEvent(
            type=EventType.CONFIG_CHANGED,
            timestamp=view.now,
            space=view.space,
            state_id=CONFIG,
            agent_id=self.caller.name,
            metadata=changed,
        )
        return Draft(writes=(written,), audit=(AuditRecord(event=event),))
