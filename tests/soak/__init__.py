"""The soak: real processes under load and faults, everything they answered recorded and judged (shared-state 4, L4)."""
