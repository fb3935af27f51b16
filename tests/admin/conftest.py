"""The administrator's browser, and rows of every kind to look at."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from groups.models import (
    Attachment,
    Budget,
    Delivery,
    Group,
    GroupAccess,
    Level,
    Message,
    Run,
    RunTemplate,
    Spending,
    Subtask,
)
from tests.factories import make_group, make_run, make_token, make_user


@pytest.fixture
def root(db: None) -> User:
    """Who may do everything."""
    return make_user(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def browser(root: User) -> Client:
    """Signed in as root."""
    client = Client()
    client.force_login(root)
    return client


def fill(groups: int = 1, *, each: int = 1) -> Group:
    """That many groups, each with so many members, accesses, messages, runs and what belongs to them; the last one."""
    for _ in range(groups):
        made = make_user()
        group = make_group(owner=made, created_by=made, leader=f"lead-{made.pk}")
        Budget.objects.create(group=group, max_tokens=9)
        for number in range(each):
            user = make_user()
            make_token(user=user)
            GroupAccess.objects.create(group=group, user=user, level=Level.VIEWER)
            RunTemplate.objects.create(group=group, name=f"Ahoy {number}", task="Count")
            message = Message.objects.create(group=group, sender="system", text="ahoy")
            Delivery.objects.create(message=message, recipient=f"lead-{made.pk}")
            Delivery.objects.create(message=message, recipient=f"gone-{number}", status="failed")
            run = make_run(group=group, events=2, created_by=made)
            Spending.objects.create(run=run, group=group, agent_id="x", at=run.created_at)
            for key in range(each):
                Subtask.objects.create(
                    run=run, key=f"k{key}", kind="work", title="Count", assignee="x"
                )
                Attachment.objects.create(
                    run=run, name=f"{key}.csv", media_type="text/csv", size=3, sha256="0" * 64
                )
    return group


@pytest.fixture
def filled(root: User) -> Group:
    """One group with two of everything."""
    return fill(each=2)


@pytest.fixture
def run(filled: Group) -> Run:
    """A run of that group."""
    found = filled.runs.first()
    assert found is not None
    return found
