"""The example groups a new installation starts with, and one run to watch. Repeating it changes nothing."""

from __future__ import annotations

import io
import random
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import User
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.db import transaction

from groups.access import visible_groups
from groups.models import Agent, Group, GroupAccess, Level, Member, Role, Run
from groups.services import agents, groups, membership, runs, templates

#: Seconds between two pieces of output, so that people can watch.
PACE: Final = 0.1
#: Days and branches of the example table, and the seed that makes it the same everywhere.
DAYS: Final = 90
BRANCHES: Final = ("Beijing", "Berlin", "Boston", "Bogotá")
CHANCE: Final = 20_240_229
#: The group of the example run.
DEMO: Final = "DataPipeline"

TASK: Final = (
    "Look at the sales of the last quarter:\n"
    "1. Describe the table and what is missing or broken in it.\n"
    "2. Add up units and revenue per branch and per day.\n"
    "3. Find outliers and trends in the revenue.\n"
    "4. Check the spelling of the branches and the plausibility of the values."
)


class Part(NamedTuple):
    """An agent and what it does in its group."""

    agent_id: str
    name: str
    skill: str
    description: str
    tags: tuple[str, ...] = ()
    role: Role = Role.WORKER


class Scene(NamedTuple):
    """A group and its members, the leader first, and what it is given again and again: names and tasks."""

    group_id: str
    description: str
    cast: tuple[Part, ...]
    kept: dict[str, str]


SCENES: Final = (
    Scene(
        "DevTeam",
        "Takes a feature apart into front end, back end and checks.",
        (
            Part(
                "tech-lead",
                "Tech lead",
                "leader",
                "Splits a feature into pieces and puts the answers together.",
                ("planning",),
                Role.LEADER,
            ),
            Part(
                "frontend-dev",
                "Front-end developer",
                "digest",
                "Reads requirements for what people see and do.",
                ("frontend", "ui"),
            ),
            Part(
                "backend-dev",
                "Back-end developer",
                "digest",
                "Reads requirements for data and interfaces.",
                ("backend", "api"),
            ),
            Part(
                "qa-engineer",
                "QA engineer",
                "digest",
                "Reads requirements for figures, dates and what can be tested.",
                ("qa", "test"),
            ),
        ),
        {
            "Take a feature apart": (
                "Take the feature in the attached text apart:\n"
                "1. What do people see and do? (frontend)\n"
                "2. Which data and interfaces does it need? (backend)\n"
                "3. Which figures, dates and promises can be tested? (test)"
            ),
            "Read release notes": (
                "Read the attached release notes:\n"
                "1. What changes for people? (ui)\n"
                "2. What changes for programs? (api)\n"
                "3. What has to be checked before it goes out? (qa)"
            ),
        },
    ),
    Scene(
        "DataPipeline",
        "Reads tables (CSV, TSV, JSON, NDJSON, Parquet) and reports what is in them.",
        (
            Part(
                "coordinator",
                "Coordinator",
                "leader",
                "Plans who looks at which file and writes the report.",
                ("planning",),
                Role.LEADER,
            ),
            Part(
                "collector",
                "Collector",
                "collector",
                "Rows, columns, types, missing values, duplicates, unreadable rows.",
                ("profile", "read"),
            ),
            Part(
                "processor",
                "Processor",
                "processor",
                "Statistics per column, totals per category and per day.",
                ("aggregate", "totals"),
            ),
            Part(
                "analyzer",
                "Analyzer",
                "analyzer",
                "Outliers, correlations and trends over time.",
                ("outliers", "trends"),
            ),
            Part(
                "checker",
                "Checker",
                "checker",
                "Spelling variants, wrong values, gaps and suspicious dates.",
                ("quality", "check"),
            ),
        ),
        {
            "Read a table through": (
                "Read the attached tables through:\n"
                "1. Describe each table and what is missing or broken in it.\n"
                "2. Add up the figures per category and per day.\n"
                "3. Find outliers and trends.\n"
                "4. Check spelling and plausibility."
            ),
            "Only check the quality": (
                "Check the attached tables:\n"
                "- Rows that cannot be read, duplicates and gaps.\n"
                "- Spelling variants and values that cannot be right."
            ),
        },
    ),
    Scene(
        "SupportTeam",
        "Condenses tickets, mails and logs into what matters.",
        (
            Part(
                "supervisor",
                "Supervisor",
                "leader",
                "Hands tickets to whoever is free and sums up.",
                ("planning",),
                Role.LEADER,
            ),
            Part("agent-1", "Support agent 1", "digest", "Reads tickets.", ("support", "billing")),
            Part(
                "agent-2", "Support agent 2", "digest", "Reads tickets.", ("support", "technical")
            ),
            Part("agent-3", "Support agent 3", "digest", "Reads tickets.", ("support", "general")),
        ),
        {
            "Condense the tickets of a day": (
                "Condense the attached tickets:\n"
                "1. What is asked about billing?\n"
                "2. What is technical, and what breaks most often?\n"
                "3. What else do people say, and what is urgent?"
            ),
        },
    ),
)


def seed_demo(actor: User) -> Run | None:
    """Make the example groups that are missing; with no run in the database, start one and return it.

    A group that exists by its id is left as its owners have made it.
    """
    for scene in SCENES:
        if not Group.objects.filter(id=scene.group_id).exists():
            _make(actor, scene, group_id=scene.group_id)
    if Run.objects.exists():
        return None
    return runs.start(
        actor=actor,
        group=Group.objects.get(id=DEMO),
        task=TASK,
        attachments=[_sales()],
    )


def start_demo(*, actor: User) -> Run:
    """Start the example run in the actor's own example group, which is made if there is none; anybody may."""
    scene = next(scene for scene in SCENES if scene.group_id == DEMO)
    steered = GroupAccess.objects.filter(user=actor, level__gte=Level.OPERATOR).values("group")
    mine = visible_groups(actor).filter(name=DEMO, id__in=steered)
    group = mine.order_by("created_at").first()
    if group is None:
        group = _make(actor, scene, group_id=None)
    return runs.start(actor=actor, group=group, task=TASK, attachments=[_sales()])


@transaction.atomic
def _make(actor: User, scene: Scene, *, group_id: str | None) -> Group:
    group = groups.create(
        actor=actor, name=scene.group_id, group_id=group_id, description=scene.description
    )
    for part in scene.cast:
        if not Agent.objects.filter(agent_id=part.agent_id).exists():
            # The leader writes up what people have watched already, so it is quicker.
            pace = PACE / 5 if part.role == Role.LEADER else PACE
            config: dict[str, Any] = {"skill": part.skill, "pace": pace}
            agents.register(
                actor=actor,
                agent_id=part.agent_id,
                name=part.name,
                description=part.description,
                kind="builtin",
                config=config,
            )
        if not Member.objects.filter(group=group, agent__agent_id=part.agent_id).exists():
            membership.join(
                actor=actor, group=group, agent_id=part.agent_id, role=part.role, tags=part.tags
            )
    for name, task in scene.kept.items():
        templates.create(actor=actor, group=group, name=name, task=task)
    return group


def _sales() -> InMemoryUploadedFile:
    """A small table with a trend, a weekly rhythm, and the flaws that real tables have."""
    chance = random.Random(CHANCE)
    first = date(2026, 1, 1)
    lines = ["date,branch,product,units,revenue"]
    for day in range(DAYS):
        on = first + timedelta(days=day)
        for branch in BRANCHES:
            units = round(40 + day * 0.4 - 15 * (on.weekday() >= 5) + chance.gauss(0, 4))
            revenue = f"{units * chance.uniform(9.5, 10.5):.2f}"
            if chance.random() < 0.02:
                revenue = ""
            product = chance.choice(("lamp", "chair", "desk"))
            lines.append(f"{on},{branch},{product},{units},{revenue}")
    lines.insert(120, "2026-01-30,berlin,desk,47,480.10")
    lines.insert(200, "2026-02-19,Boston,lamp,55,55000.00")
    lines.insert(300, lines[299])
    data = "\n".join([*lines, ""]).encode()
    return InMemoryUploadedFile(
        io.BytesIO(data), "attachments", "sales.csv", "text/csv", len(data), None
    )
