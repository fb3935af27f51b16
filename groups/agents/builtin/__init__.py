"""Built-in agents: they plan, read files and report by fixed rules, so Stars works without any model or key."""

from __future__ import annotations

from groups.agents.builtin.runtime import BuiltinRuntime
from groups.agents.builtin.script import SKILLS, validate_config

__all__ = ["SKILLS", "BuiltinRuntime", "validate_config"]
