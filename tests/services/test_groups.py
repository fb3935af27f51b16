"""Making, changing and removing groups, and who may see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoCaptureOnCommitCallbacks

from groups.errors import GroupBusy, GroupExists, GroupNotFound, LastOwner
from groups.execution.statuses import RunStatus
from groups.models import Attachment, Group, GroupAccess, Level, Message, Run
from groups.services import agents, attachments, groups, membership, messaging
from state.errors import Invalid, NotFound
from tests.factories import end_run, make_run

pytestmark = pytest.mark.django_db


def test_whoever_makes_a_group_owns_it(ada: User) -> None:
    group = groups.create(actor=ada, group_id="dev-1", name=" Dev ", description="builds")
    row = Group.objects.get()
    assert (row.id, row.name, row.description, row.created_by) == ("dev-1", "Dev", "builds", ada)
    assert GroupAccess.objects.get(group=group, user=ada).level == Level.OWNER


@pytest.mark.parametrize("actor", [None, AnonymousUser()])
def test_without_a_user_nobody_owns_it(actor: Any) -> None:
    assert groups.create(actor=actor, name="Team").created_by is None
    assert not GroupAccess.objects.exists()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("DevTeam", "DevTeam"),
        ("Data Pipeline", "data-pipeline"),
        ("Café", "cafe"),
        ("_under_", "under"),
        ("x" * 100, "x" * 64),
    ],
)
def test_an_id_is_made_from_the_name(name: str, key: str) -> None:
    assert groups.create(actor=None, name=name).id == key


def test_a_name_without_ascii_gets_an_id_all_the_same() -> None:
    key = groups.create(actor=None, name="群星").id
    assert key.startswith("group-")
    assert len(key) == len("group-123456")


def test_a_taken_made_id_gets_a_suffix_even_at_full_length() -> None:
    name = "x" * 64
    made = [groups.create(actor=None, name=name).id for _ in range(3)]
    assert made == [name, "x" * 61 + "-2", "x" * 61 + "-3"]


def test_a_taken_given_id_is_refused() -> None:
    groups.create(actor=None, group_id="a", name="First")
    with pytest.raises(GroupExists) as refusal:
        groups.create(actor=None, group_id="a", name="Second")
    assert refusal.value.fields.keys() == {"id"}
    assert Group.objects.get().name == "First"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "ok", "group_id": ""}, "id"),
        ({"name": "ok", "group_id": "a b"}, "id"),
        ({"name": "ok", "description": "a\x00"}, "description"),
        ({"name": "ok", "description": "x" * 20_001}, "description"),
    ],
)
def test_faulty_input_is_refused(given: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        groups.create(actor=None, **given)
    assert refusal.value.fields.keys() == {field}
    assert not Group.objects.exists()


def test_changes_only_what_it_is_given() -> None:
    group = groups.create(actor=None, name="Team", description="old")
    groups.change(actor=None, group=group, description="new")
    groups.change(actor=None, group=group)
    row = Group.objects.get()
    assert (row.name, row.description) == ("Team", "new")
    with pytest.raises(Invalid):
        groups.change(actor=None, group=group, name=" ")


def test_removes_a_group_with_its_files(
    tmp_path: Path,
    settings: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.MEDIA_ROOT = tmp_path
    agents.register(actor=None, agent_id="a")
    group = groups.create(actor=None, name="Team")
    membership.join(actor=None, group=group, agent_id="a", role="leader")
    messaging.broadcast(actor=None, group=group, text="hello")
    run = make_run(group=group, status=RunStatus.FAILED)
    with django_capture_on_commit_callbacks(execute=True):
        given = [SimpleUploadedFile("a.txt", b"text")]
        with attachments.copied(run=run, uploads=given) as rows:
            attachments.add(rows)
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
    with django_capture_on_commit_callbacks(execute=True):
        groups.remove(actor=None, group=group)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(model.objects.exists() for model in (Group, Message, Run, Attachment))


def test_a_group_with_a_run_under_way_stays() -> None:
    group = groups.create(actor=None, name="Team")
    run = make_run(group=group, status=RunStatus.PAUSED)
    with pytest.raises(GroupBusy):
        groups.remove(actor=None, group=group)
    end_run(run, RunStatus.CANCELLED)
    groups.remove(actor=None, group=group)
    with pytest.raises(GroupNotFound):
        groups.remove(actor=None, group=group)


def test_grants_one_level_per_user(ada: User, bo: User) -> None:
    group = groups.create(actor=ada, name="Team")
    groups.grant(actor=ada, group=group, user=bo, level=Level.VIEWER)
    groups.grant(actor=ada, group=group, user=bo, level=Level.OPERATOR)
    assert GroupAccess.objects.get(user=bo).level == Level.OPERATOR


@pytest.mark.parametrize("level", [0, 4, "owner", None])
def test_an_unknown_level_is_refused(ada: User, bo: User, level: Any) -> None:
    group = groups.create(actor=ada, name="Team")
    with pytest.raises(Invalid) as refusal:
        groups.grant(actor=ada, group=group, user=bo, level=level)
    assert refusal.value.fields.keys() == {"level"}


def test_the_last_owner_stays_owner(ada: User, bo: User) -> None:
    group = groups.create(actor=ada, name="Team")
    with pytest.raises(LastOwner, match="last owner"):
        groups.grant(actor=ada, group=group, user=ada, level=Level.OPERATOR)
    with pytest.raises(LastOwner, match="last owner"):
        groups.revoke(actor=ada, group=group, user=ada)
    groups.grant(actor=ada, group=group, user=bo, level=Level.OWNER)
    groups.revoke(actor=ada, group=group, user=ada)
    assert [row.user for row in GroupAccess.objects.all()] == [bo]


def test_what_was_not_granted_cannot_be_revoked(ada: User, bo: User) -> None:
    group = groups.create(actor=ada, name="Team")
    with pytest.raises(NotFound):
        groups.revoke(actor=ada, group=group, user=bo)
