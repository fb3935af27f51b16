"""The kind `webhook`: a program with an address that takes signed requests and answers them now or later."""

from groups.agents.webhook.config import validate_config
from groups.agents.webhook.runtime import WebhookRuntime

__all__ = ["WebhookRuntime", "validate_config"]
