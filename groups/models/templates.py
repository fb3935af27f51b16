"""Tasks that a group is given again and again, kept by name with the options they are run with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from groups.execution.statuses import FailurePolicy
from groups.models.keys import new_id
from groups.models.membership import Group


class RunTemplate(models.Model):
    """What a run is started with, under a name of the group's. Limits that are null take the run's defaults."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="templates")
    name = models.CharField(max_length=80)
    task = models.TextField()
    mode = models.CharField(max_length=32, default="leader_worker")
    options: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, blank=True
    )
    failure_policy = models.CharField(
        max_length=10,
        choices=[(item.value, item.value) for item in FailurePolicy],
        default=FailurePolicy.CONTINUE,
    )
    approve_plan = models.BooleanField(default=False)
    #: Seconds.
    time_limit = models.FloatField(null=True, blank=True)
    max_tokens = models.BigIntegerField(null=True, blank=True)
    max_cost_usd = models.FloatField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["group", "name"], name="one_template_per_name"),
            models.CheckConstraint(
                condition=~models.Q(name="") & ~models.Q(task=""),
                name="template_has_name_and_task",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.group_id}"
