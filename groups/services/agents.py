"""Registering agents, changing them, trying them out and taking them out again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from groups import live
from groups.access import Actor, must_reach_all
from groups.agents import configs
from groups.agents.llm.config import parse_config
from groups.agents.probes import PROBES, Check, Probed
from groups.errors import AgentExists, AgentInUse, AgentNotFound, NothingToTest
from groups.models import Agent
from groups.models.messages import SYSTEM
from groups.services import grants as granting
from groups.services import secrets as safe
from groups.services.inputs import MAX_DESCRIPTION, MAX_NAME, Faults
from state.refusals import Damaged, WrongKey
from state.sync.webhooks import addresses

#: What `change` may change; an agent's id stands in logs and messages, so it stays.
CHANGEABLE: Final = frozenset(
    {"name", "description", "kind", "config", "max_concurrency", "secrets", "grants"}
)
MAX_CONCURRENCY: Final = 10_000
#: Characters of one secret.
MAX_SECRET: Final = 4_000
#: Seconds that a test of an agent may take in all.
TEST_LIMIT: Final = 90.0


def register(
    *,
    actor: Actor,
    agent_id: str,
    name: str = "",
    description: str = "",
    kind: str = "builtin",
    config: dict[str, Any] | None = None,
    max_concurrency: int = 0,
    secrets: Mapping[str, str | None] | None = None,
    grants: list[dict[str, Any]] | None = None,
) -> Agent:
    """Register an agent under an id of the caller's choice; `max_concurrency` 0 means no limit.

    `secrets` are kept encrypted and given to nobody but the agent's runtime; `grants` are the tools it may use.

    Raises GroupsRestricted, for every group may take it in; Invalid with the faulty fields, AgentExists.
    """
    must_reach_all(actor)
    faults = Faults()
    checked = _checked(
        faults,
        name=name,
        description=description,
        kind=kind,
        config={} if config is None else config,
        max_concurrency=max_concurrency,
    )
    _check_home(faults, actor, checked, "")
    checked["grants"] = granting.checked(faults, actor, grants or [], [])
    agent_id = faults.identifier("agent_id", agent_id)
    if agent_id == SYSTEM:
        faults.add("agent_id", f"'{SYSTEM}' speaks for the group itself; choose another id.")
    kept = _merged(faults, kind, {}, secrets)
    faults.done()
    creator = actor if isinstance(actor, User) else None
    try:
        with transaction.atomic():
            agent = Agent.objects.create(agent_id=agent_id, created_by=creator, **checked)
            if kept:
                # Sealed for this row and no other, so the row has to be there first.
                agent.secrets = safe.seal(kept, agent.pk)
                agent.save(update_fields=["secrets"])
            _announce()
    except IntegrityError:
        raise AgentExists(fields={"agent_id": [AgentExists().message]}) from None
    return agent


def change(*, actor: Actor, agent: Agent, **fields: Any) -> Agent:
    """Change some of CHANGEABLE. Raises Invalid with the faulty fields, AgentNotFound.

    `secrets` names those that change: a new value, or None to forget it. What a test found out is forgotten with any
    change of kind, settings or secrets.
    """
    faults = Faults()
    for field in fields.keys() - CHANGEABLE:
        faults.add(field, "This cannot be changed.")
    faults.done()
    with transaction.atomic():
        row = Agent.objects.select_for_update().filter(pk=agent.pk).first()
        if row is None:
            raise AgentNotFound
        given = fields.pop("secrets", None)
        if "grants" in fields:
            fields["grants"] = granting.checked(faults, actor, fields["grants"], row.grants)
        if fields.keys() & {"kind", "config"}:
            # Either is only right together with the other.
            fields = {"kind": row.kind, "config": row.config, **fields}
        checked = _checked(faults, **fields)
        _check_home(faults, actor, checked, row.config.get("base_url", ""))
        checked |= _resealed(faults, row, checked, given)
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


def test(*, actor: Actor, agent: Agent) -> Probed:
    """Try the agent out and remember what was found out. Takes up to TEST_LIMIT seconds.

    Raises NothingToTest for a kind that has no test, AgentNotFound.
    """
    probe = PROBES.get(agent.kind)
    if probe is None:
        raise NothingToTest
    opened = safe.reveal(agent.secrets, agent.pk)

    async def tried() -> Probed:
        try:
            async with asyncio.timeout(TEST_LIMIT):
                return await probe(agent.config, opened, settings.STARS_WEBHOOK_ALLOWED)
        except TimeoutError:
            text = f"The test was not done within {TEST_LIMIT:g} s."
            return Probed([Check("time", False, text)], {})

    # A loop of its own: this is a request's thread, and the server's loop has others to serve.
    probed = asyncio.run(tried())
    with transaction.atomic():
        row = Agent.objects.select_for_update().filter(pk=agent.pk).first()
        if row is None:
            raise AgentNotFound
        same = row.secrets == agent.secrets or bytes(row.secrets or b"") == bytes(
            agent.secrets or b""
        )
        # What was tried may not be what the agent is by now.
        if same and (row.kind, row.config) == (agent.kind, agent.config):
            checks = [check._asdict() for check in probed.checks]
            row.ability = {**probed.ability, "ok": probed.ok, "checks": checks}
            row.tested_at = timezone.now()
            row.save(update_fields=["ability", "tested_at"])
            _announce()
    return probed


def secret_names(agent: Agent) -> list[str]:
    """Which secrets are set; none when they cannot be read any more."""
    try:
        return sorted(safe.reveal(agent.secrets, agent.pk))
    except (Damaged, WrongKey):
        return []


def secret_values(agent: Agent) -> list[str]:
    """Its secrets, to be looked for in what leaves the house; none when they cannot be read any more."""
    try:
        return list(safe.reveal(agent.secrets, agent.pk).values())
    except (Damaged, WrongKey):
        return []


def _resealed(faults: Faults, row: Agent, checked: dict[str, Any], given: object) -> dict[str, Any]:
    """The row's fields that change with its secrets, or with what they are for."""
    kind, config = checked.get("kind", row.kind), checked.get("config", row.config)
    if given is None and (kind, config) == (row.kind, row.config):
        return {}
    try:
        old = safe.reveal(row.secrets, row.pk)
    except (Damaged, WrongKey):
        # Nobody can read them any more, so new ones take their place.
        old = {}
    allowed = configs.SECRETS.get(kind, ())
    old = {name: value for name, value in old.items() if name in allowed}
    kept = _merged(faults, kind, old, given)
    fresh = given if isinstance(given, Mapping) else {}
    for name in configs.ADDRESSES:
        if old.keys() - fresh.keys() and config.get(name, "") != row.config.get(name, ""):
            # Otherwise whoever may change an agent could have its key sent to himself.
            faults.add(
                f"config.{name}", "With another address the agent's secrets have to be given again."
            )
    return {"secrets": safe.seal(kept, row.pk), "ability": {}, "tested_at": None}


def _merged(faults: Faults, kind: object, old: Mapping[str, str], given: object) -> dict[str, str]:
    """The old secrets with what is given put in or taken out; faults are noted and quote no value."""
    kept = dict(old)
    if given is None:
        return kept
    if not isinstance(given, Mapping):
        faults.add("secrets", "This must be a JSON object.")
        return kept
    allowed = configs.SECRETS.get(str(kind), ())
    for name, value in given.items():
        if name not in allowed:
            faults.add(f"secrets.{name}", "An agent of this kind has no such secret.")
        elif value is None:
            kept.pop(name, None)
        elif not isinstance(value, str) or not value.strip():
            faults.add(f"secrets.{name}", "This may not be empty.")
        elif len(value) > MAX_SECRET or not (
            value.strip().isascii() and value.strip().isprintable()
        ):
            faults.add(f"secrets.{name}", "A secret has at most 4,000 printable ASCII characters.")
        elif fault := configs.secret_fault(kind, value.strip()):
            faults.add(f"secrets.{name}", fault)
        else:
            kept[name] = value.strip()
    return kept


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


def _check_home(faults: Faults, actor: Actor, checked: dict[str, Any], before: object) -> None:
    """A language model in the installation's own network is an administrator's to name, or has to be allowed: with it
    an agent's owner could have anything there asked."""
    if checked.get("kind") != "llm" or faults.fields or actor is None or actor.is_superuser:
        return
    home = parse_config(checked["config"]).home
    if not home or checked["config"]["base_url"] == before:
        return
    given = addresses.read_allowed(tuple(settings.STARS_WEBHOOK_ALLOWED))
    try:
        allowed = any(ip_address(home) in network for network in given.networks)
    except ValueError:
        allowed = home in given.names
    if not allowed:
        told = f"'{home}' is not a public address. Whoever runs this installation can allow it by {addresses.SETTING}."
        faults.add("config.base_url", told)


def _announce() -> None:
    live.announce(pokes=[(live.DASHBOARD, "agents", {})])
