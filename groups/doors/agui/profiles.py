"""Events for clients of AG-UI 0.1, which end at a type that they do not know: subagents become steps. Pure."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]
_ENDS = ("SUBAGENT_FINISHED", "SUBAGENT_ERROR")


class Old:
    """Turns each event of protocol 1.0 into one of 0.1."""

    def __init__(self) -> None:
        #: Names of steps under way, by subagent.
        self._names: dict[str, str] = {}

    def __call__(self, event: Event) -> Event:
        """The same in the older words: what a run waits for stands in RUN_FINISHED's `result`."""
        event = {k: v for k, v in event.items() if k not in ("protocolVersion", "usage")}
        subagent = event.pop("subagentRunId", "")
        if event["type"] == "SUBAGENT_STARTED":
            name = f"{event['name']}: {event['description']}"
            # Two steps of one name cannot be told apart.
            name = f"{name} ({subagent})" if name in self._names.values() else name
            self._names[subagent] = name
            return {"type": "STEP_STARTED", "stepName": name, **_at(event)}
        if event["type"] in _ENDS:
            name = self._names.pop(subagent, subagent)
            return {"type": "STEP_FINISHED", "stepName": name, **_at(event)}
        outcome = event.pop("outcome", {})
        if outcome.get("type") == "interrupt":
            event["result"] = {"interrupts": outcome["interrupts"]}
        if event["type"] == "MESSAGES_SNAPSHOT":
            messages = event["messages"]
            strip = [{k: v for k, v in m.items() if k != "subagentRunId"} for m in messages]
            return {**event, "messages": strip}
        return event


def _at(event: Event) -> Event:
    return {"timestamp": event["timestamp"]} if "timestamp" in event else {}
