"""What agents used, and how much they may."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from groups.execution.budget import Cap
from groups.models.agents import Agent
from groups.models.membership import Group
from groups.models.runs import Run


class Spending(models.Model):
    """One call's usage, kept when its run or agent is gone."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="spendings")
    group = models.ForeignKey(Group, null=True, on_delete=models.SET_NULL, related_name="+")
    agent_id = models.CharField(max_length=64)
    #: The lease under which it was used: whoever counts what is under way counts no call twice.
    attempt = models.UUIDField(null=True, blank=True)
    at = models.DateTimeField()
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    #: US dollars; null = the price is unknown.
    cost_usd = models.FloatField(null=True, blank=True)
    model = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"], name="spending_by_time"),
            models.Index(fields=["group", "at"], name="spending_by_group"),
            models.Index(fields=["agent_id", "at"], name="spending_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id}: {self.input_tokens}+{self.output_tokens} ({self.model})"


class Budget(models.Model):
    """A cap on what one agent, one group, or (with neither) the whole site may use in a calendar month (UTC)."""

    agent = models.OneToOneField(
        Agent, null=True, blank=True, on_delete=models.CASCADE, related_name="budget"
    )
    group = models.OneToOneField(
        Group, null=True, blank=True, on_delete=models.CASCADE, related_name="budget"
    )
    #: Tokens in and out together, US dollars; null = no cap.
    max_tokens = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_cost_usd = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0.0)])
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(agent__isnull=True) | models.Q(group__isnull=True),
                name="budget_is_of_one",
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(agent__isnull=True, group__isnull=True),
                name="one_budget_of_the_site",
            ),
        ]

    def __str__(self) -> str:
        whose = self.agent or self.group or "the site"
        return f"{whose}: {self.max_tokens} tokens, {self.max_cost_usd} USD a month"

    @property
    def scope(self) -> str:
        """Whose it is: agent, group or site."""
        return "agent" if self.agent_id else "group" if self.group_id else "site"

    @property
    def cap(self) -> Cap:
        """What it allows."""
        return Cap(self.scope, self.max_tokens, self.max_cost_usd)
