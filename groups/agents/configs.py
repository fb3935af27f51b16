"""Whether an agent's settings fit its kind. Loads a kind's own check only when such an agent is registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from groups.agents.registry import KINDS
from state.errors import Invalid


def _builtin(config: dict[str, Any]) -> None:
    from groups.agents.builtin import validate_config

    validate_config(config)


def _connected(config: dict[str, Any]) -> None:
    from groups.agents.connected import validate_config

    validate_config(config)


def _human(config: dict[str, Any]) -> None:
    from groups.agents.human import validate_config

    validate_config(config)


def _llm(config: dict[str, Any]) -> None:
    from groups.agents.llm import validate_config

    validate_config(config)


def _a2a(config: dict[str, Any]) -> None:
    from groups.agents.a2a.config import validate_config

    validate_config(config)


def _webhook(config: dict[str, Any]) -> None:
    from groups.agents.webhook import validate_config

    validate_config(config)


#: Kind -> its check, which raises Invalid, naming the field within `config`.
CHECKS: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "a2a": _a2a,
    "builtin": _builtin,
    "connected": _connected,
    "human": _human,
    "llm": _llm,
    "webhook": _webhook,
}

#: Kind -> the secrets that such an agent may have; kinds that are not here have none.
SECRETS: Final[dict[str, tuple[str, ...]]] = {
    "a2a": ("token",),
    "llm": ("api_key",),
    "webhook": ("secret",),
}
#: Settings that say where secrets are sent; when one changes, the secrets have to be given again.
ADDRESSES: Final = ("base_url", "card_url", "url")


def secret_fault(kind: object, value: str) -> str:
    """Why an agent of `kind` cannot work with this secret, quoting nothing of it; empty when it can."""
    if kind == "webhook":
        from state.sync.webhooks.signing import check_secret

        try:
            check_secret(value)
        except Invalid as error:
            return error.message
    return ""


def faults(kind: object, config: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with these settings of an agent of `kind`, as (field, sentence); empty when nothing is."""
    if not isinstance(kind, str) or kind not in KINDS:
        return [
            ("kind", f"There is no such kind of agent. Known kinds: {', '.join(sorted(KINDS))}.")
        ]
    check = CHECKS.get(kind)
    try:
        if check:
            check(config)
    except Invalid as error:
        return [(field, text) for field, texts in error.fields.items() for text in texts]
    return []
