"""Registering agents, changing them and taking them out again."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from groups import live
from groups.access import Actor
from groups.agents import configs
from groups.errors import AgentExists, AgentInUse, AgentNotFound
from groups.models import Agent
from groups.models.messages import SYSTEM
from groups.services.inputs import MAX_DESCRIPTION, MAX_NAME, Faults

#: What `change` may change; an agent's id stands in logs and messages, so it stays.
CHANGEABLE: Final = frozenset({"name", "description", "kind", "config", "max_concurrency"})
MAX_CONCURRENCY: Final = 10_000


def register(
    *,
    actor: Actor,
    agent_id: str,
    name: str = "",
    description: str = "",
    kind: str = "builtin",
    config: dict[str, Any] | None = None,
    max_concurrency: int = 0,
) -> Agent:
    """Register an agent under an id of the caller's choice; `max_concurrency` 0 means no limit.

    Raises Invalid with the faulty fields, AgentExists.
    """
    faults = Faults()
    checked = _checked(
        faults,
        name=name,
        description=description,
        kind=kind,
        config={} if config is None else config,
        max_concurrency=max_concurrency,
    )
    agent_id = faults.identifier("agent_id", agent_id)
    if agent_id == SYSTEM:
        faults.add("agent_id", f"'{SYSTEM}' speaks for the group itself; choose another id.")
    faults.done()
    creator = actor if isinstance(actor, User) else None
    try:
        with transaction.atomic():
            agent = Agent.objects.create(agent_id=agent_id, created_by=creator, **checked)
            _announce()
    except IntegrityError:
        raise AgentExists(fields={"agent_id": [AgentExists().message]}) from None
    return agent


def change(*, actor: Actor, agent: Agent, **fields: Any) -> Agent:
    """Change some of CHANGEABLE. Raises Invalid with the faulty fields, AgentNotFound."""
    faults = Faults()
    for field in fields.keys() - CHANGEABLE:
        faults.add(field, "This cannot be changed.")
    faults.done()
    with transaction.atomic():
        row = Agent.objects.select_for_update().filter(pk=agent.pk).first()
        if row is None:
            raise AgentNotFound
        if fields.keys() & {"kind", "config"}:
            # Either is only right together with the other.
            fields = {"kind": row.kind, "config": row.config, **fields}
        checked = _checked(faults, **fields)
        faults.done()
        for field, value in checked.items():
            setattr(row, field, value)
        row.save(update_fields=list(checked))
        _announce()
    return row


def remove(*, actor: Actor, agent: Agent) -> None:
    """Take the agent out of the register. Raises AgentInUse while it is a member of a group."""
    try:
        with transaction.atomic():
            Agent.objects.filter(pk=agent.pk).delete()
            _announce()
    except (ProtectedError, IntegrityError):
        # IntegrityError: it joined a group between the look and the delete.
        raise AgentInUse from None


def _checked(faults: Faults, **fields: Any) -> dict[str, Any]:
    """The given fields as they may be stored; faults are noted, not raised."""
    checked = dict(fields)
    if "name" in fields:
        checked["name"] = faults.text("name", fields["name"], longest=MAX_NAME)
    if "description" in fields:
        text = faults.text("description", fields["description"], longest=MAX_DESCRIPTION)
        checked["description"] = text
    if "max_concurrency" in fields:
        number = fields["max_concurrency"]
        if type(number) is not int or not 0 <= number <= MAX_CONCURRENCY:
            faults.add("max_concurrency", f"This must be a number from 0 to {MAX_CONCURRENCY:,}.")
    if "config" in fields:
        checked["config"] = faults.json_object("config", fields["config"])
        if "config" not in faults.fields:
            for field, message in configs.faults(fields["kind"], checked["config"]):
                faults.add(field, message)
    return checked


def _announce() -> None:
    live.announce(pokes=[(live.DASHBOARD, "agents", {})])
