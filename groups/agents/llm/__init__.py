"""Agents that are language models: OpenAI, Anthropic, Google, or any server that speaks OpenAI's protocol.

Importing this loads no provider's library; `runtime` and `probe` do, on first use.
"""

from __future__ import annotations

from groups.agents.llm.config import SECRETS, parse_config, validate_config

__all__ = ["SECRETS", "parse_config", "validate_config"]
