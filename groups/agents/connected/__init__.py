"""The kind `connected`: a process of somebody's own that dials in and takes what the agent is asked."""

from groups.agents.connected.config import validate_config
from groups.agents.connected.runtime import ConnectedRuntime

__all__ = ["ConnectedRuntime", "validate_config"]
