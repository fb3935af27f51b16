"""Groups, their members, and who of the users may see or steer a group."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from groups.models.agents import WHOLE_ID, Agent, valid_id


class Group(models.Model):
    """A Stars team (群星)."""

    id = models.CharField(primary_key=True, max_length=64, validators=[valid_id])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id__regex=WHOLE_ID), name="group_id_is_legal"
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="group_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Level(models.IntegerChoices):
    """What a user may do in a group; each level includes those before it."""

    VIEWER = 1, "viewer"  # sees members, messages and runs
    OPERATOR = 2, "operator"  # starts and steers runs, sends messages
    OWNER = 3, "owner"  # changes members and the group itself


class GroupAccess(models.Model):
    """A user's level in a group. Superusers need none."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="access")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="group_access"
    )
    level = models.PositiveSmallIntegerField(choices=Level.choices)

    class Meta:
        verbose_name_plural = "group access"
        constraints = [
            models.UniqueConstraint(fields=["group", "user"], name="one_access_per_user_and_group"),
            models.CheckConstraint(
                condition=models.Q(level__in=Level.values), name="level_is_legal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group_id}: {self.get_level_display()}"


class Role(models.TextChoices):
    LEADER = "leader", "leader"  # plans, hands out, sums up
    WORKER = "worker", "worker"  # carries out subtasks
    SPECIALIST = (
        "specialist",
        "specialist",
    )  # a worker for what its tags name, never for anything else
    COORDINATOR = (
        "coordinator",
        "coordinator",
    )  # plans again in the leader's place when the leader cannot
    OBSERVER = "observer", "observer"  # hears and reads everything, is given no work


class Member(models.Model):
    """An agent in a group."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    tags: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    #: Its place among the others: lower first, equals as they joined.
    position = models.PositiveSmallIntegerField(default=0)
    joined_at = models.DateTimeField(auto_now_add=True)
    #: When its role was last another one, and the user's name who changed it ("" for Stars).
    role_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    role_changed_by = models.CharField(max_length=150, blank=True, editable=False, db_default="")

    class Meta:
        ordering = ["role", "position", "id"]  # the leader first
        constraints = [
            models.UniqueConstraint(
                fields=["group", "agent"], name="one_membership_per_agent_and_group"
            ),
            models.UniqueConstraint(
                fields=["group"],
                condition=models.Q(role="leader"),
                name="one_leader_per_group",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="member_role_is_legal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent.agent_id} in {self.group_id} ({self.role})"
