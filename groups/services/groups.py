"""Making groups, changing and removing them, and saying who of the users may do what in them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from groups import live
from groups.access import Actor, must_reach_all
from groups.errors import GroupBusy, GroupExists, GroupNotFound, LastOwner
from groups.execution.statuses import RUN_ENDED
from groups.models import Attachment, Group, GroupAccess, Level
from groups.services import attachments, spaces
from groups.services.inputs import MAX_DESCRIPTION, MAX_NAME, Faults, is_id, refuse
from state.errors import NotFound

MAX_ID: Final = 64
#: How many ids are tried for a name before chance decides.
SUFFIXES: Final = 50


def create(*, actor: Actor, name: str, group_id: str | None = None, description: str = "") -> Group:
    """Make a group; whoever makes it becomes its owner.

    Without `group_id` the id is made from the name, with a suffix when it is taken already.
    Raises GroupsRestricted, Invalid with the faulty fields, GroupExists when the given id is taken.
    """
    must_reach_all(actor)
    faults = Faults()
    name = faults.text("name", name, longest=MAX_NAME, required=True)
    description = faults.text("description", description, longest=MAX_DESCRIPTION)
    if group_id is not None:
        faults.identifier("id", group_id)
    faults.done()
    creator = actor if isinstance(actor, User) else None
    for key in [group_id] if group_id is not None else _ids_for(name):
        try:
            # Its own savepoint, so that a taken id leaves the caller's transaction usable.
            with transaction.atomic():
                group = Group(id=key, name=name, description=description, created_by=creator)
                group.save(force_insert=True)
                if creator is not None:
                    GroupAccess.objects.create(group=group, user=creator, level=Level.OWNER)
                _announce(group.id)
            return group
        except IntegrityError:
            continue
    raise GroupExists(fields={"id": [GroupExists().message]})


def change(
    *, actor: Actor, group: Group, name: str | None = None, description: str | None = None
) -> Group:
    """Change what is not None. Raises Invalid with the faulty fields, GroupNotFound."""
    faults = Faults()
    fields: dict[str, str] = {}
    if name is not None:
        fields["name"] = faults.text("name", name, longest=MAX_NAME, required=True)
    if description is not None:
        fields["description"] = faults.text("description", description, longest=MAX_DESCRIPTION)
    faults.done()
    with transaction.atomic():
        row = lock(group)
        for field, value in fields.items():
            setattr(row, field, value)
        row.save(update_fields=list(fields))
        _announce(row.id)
    return row


def remove(*, actor: Actor, group: Group) -> None:
    """Remove the group with its members, messages, runs and their files. Raises GroupBusy, GroupNotFound."""
    with transaction.atomic():
        # The full lock, so that no run begins meanwhile: starting one needs the group to stay.
        row = lock(group, for_removal=True)
        if is_busy(row):
            raise GroupBusy
        files = Attachment.objects.filter(run__group=row).values_list("file", flat=True)
        attachments.discard_on_commit(list(files))
        row.delete()
        transaction.on_commit(partial(spaces.group_removed, group.id))
        _announce(group.id)


def grant(*, actor: Actor, group: Group, user: User, level: Level | int) -> GroupAccess:
    """Give the user that level in the group, instead of any it has.

    Raises Invalid for an unknown level, LastOwner when none would be left, GroupNotFound.
    """
    if level not in Level.values:
        refuse("level", "A level is 1 (viewer), 2 (operator) or 3 (owner).")
    with transaction.atomic():
        row = lock(group)
        if level != Level.OWNER:
            _keep_an_owner(row, user)
        access, _ = GroupAccess.objects.update_or_create(
            group=row, user=user, defaults={"level": Level(level)}
        )
        _announce(row.id)
    return access


def revoke(*, actor: Actor, group: Group, user: User) -> None:
    """Take the user's access away. Raises NotFound when it has none, LastOwner, GroupNotFound."""
    with transaction.atomic():
        row = lock(group)
        _keep_an_owner(row, user)
        gone, _ = GroupAccess.objects.filter(group=row, user=user).delete()
        if not gone:
            raise NotFound("That user has no access to this group.")
        _announce(row.id)


def lock(group: Group, *, for_removal: bool = False) -> Group:
    """The group's row, locked until the transaction ends; rows that refer to it may still be added,
    unless it is `for_removal`. Raises GroupNotFound when it is gone meanwhile.
    """
    rows = Group.objects.select_for_update(no_key=not for_removal)
    row = rows.filter(pk=group.pk).first()
    if row is None:
        raise GroupNotFound
    return row


def is_busy(group: Group) -> bool:
    """Whether a run of the group is under way."""
    return group.runs.exclude(status__in=list(RUN_ENDED)).exists()


def _keep_an_owner(group: Group, user: User) -> None:
    """Raise LastOwner when the user is the group's only owner."""
    owners = set(group.access.filter(level=Level.OWNER).values_list("user_id", flat=True))
    if owners == {user.pk}:
        raise LastOwner


def _ids_for(name: str) -> Iterator[str]:
    """Ids to try for a group of that name, the nicest first."""
    # A slug is empty for a name without letters that ASCII knows.
    slug = slugify(name).strip("-_")[:MAX_ID] or f"group-{secrets.token_hex(3)}"
    stem = name if is_id(name) else slug
    yield stem
    for number in range(2, SUFFIXES):
        yield f"{stem[: MAX_ID - 3]}-{number}"
    yield f"{stem[: MAX_ID - 7]}-{secrets.token_hex(3)}"


def _announce(group_id: str) -> None:
    live.announce(
        pokes=[
            (live.group_topic(group_id), "group", {}),
            (live.DASHBOARD, "group", {"group": group_id}),
        ]
    )
