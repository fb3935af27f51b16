"""Modes, roles, handovers, votes and further plans."""
