"""The admin of shared states: lists of the database store's tables; what they hold is decoded, and changed, by the
StateManager only."""

from state.admin import conflicts, letters, logs, states, syncing

__all__ = ["conflicts", "letters", "logs", "states", "syncing"]
