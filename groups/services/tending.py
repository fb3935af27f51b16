"""What is looked after now and then beside runs: calls of agents' processes, who is connected, who is reminded."""

from __future__ import annotations

from groups.services import calls, dialins, reminders


def tend() -> None:
    """End and remove what nobody waits for any more, and remind people of what waits for them."""
    calls.sweep()
    dialins.forget()
    reminders.remind()
