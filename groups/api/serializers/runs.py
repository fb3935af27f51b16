"""Runs, their subtasks and their attachments."""

from __future__ import annotations

import json
from typing import Any, cast

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Field
from rest_framework import serializers
from rest_framework.reverse import reverse

from groups.api.serializers.base import ObjectField, StrictSerializer, Text
from groups.api.serializers.budgets import MaxCost, MaxTokens
from groups.api.serializers.plans import PlanSerializer
from groups.execution.modes import get_mode
from groups.execution.statuses import FailurePolicy, SubtaskKind
from groups.models import Attachment, Run, Subtask
from groups.selectors import BRIEF, WORK_DONE
from groups.services.inputs import MAX_REASON


class SubtaskSerializer(serializers.ModelSerializer[Subtask]):
    agent_id = serializers.CharField(help_text="Whom it fell to; empty before.")
    depends_on = serializers.ListField(child=serializers.CharField())
    answers = serializers.ListField(child=serializers.CharField())
    options = serializers.ListField(
        child=serializers.CharField(), help_text="What may be answered; empty: anything."
    )

    class Meta:
        model = Subtask
        fields = (
            "id",
            "key",
            "kind",
            "position",
            "title",
            "instructions",
            "assignee",
            "agent_id",
            "depends_on",
            "status",
            "attempt",
            "max_attempts",
            "question",
            "waits_for",
            "options",
            "due_at",
            "answers",
            "result",
            "error",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class AnswerSerializer(StrictSerializer):
    text = Text()


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    size = serializers.IntegerField(help_text="Bytes.")
    url = serializers.SerializerMethodField(help_text="Where it can be read.")

    class Meta:
        model = Attachment
        fields = ("id", "name", "media_type", "size", "sha256", "url")
        read_only_fields = fields

    def get_url(self, attachment: Attachment) -> str:
        """The address of its content."""
        kwargs = {"run_id": attachment.run_id, "attachment_id": attachment.id}
        return reverse("api:attachment", kwargs=kwargs, request=self.context.get("request"))


_CUT = f"Its first {BRIEF} characters; `GET runs/<id>/` has it whole."


class RunBriefSerializer(serializers.ModelSerializer[Run]):
    """A run in a list, its long texts cut or left out. Expects `selectors.runs_of` or `recent_runs`."""

    task = serializers.CharField(source="task_brief", help_text=_CUT)
    error = serializers.CharField(source="error_brief", help_text=_CUT)
    group = serializers.CharField(source="group_id")
    stop_reason = serializers.CharField(
        help_text="The cap for which work was left undone; empty when none was."
    )
    usage = serializers.DictField(
        help_text="Sums over all subtasks: input_tokens, output_tokens, requests, cost_usd (null: a price is unknown)."
    )
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    work_done = serializers.IntegerField(help_text="Work subtasks completed, failed or skipped.")
    work_total = serializers.IntegerField(help_text="Work subtasks in the plan.")

    class Meta:
        model = Run
        fields: tuple[str, ...] = (
            "id",
            "group",
            "task",
            "mode",
            "status",
            "error",
            "stop_reason",
            "usage",
            "last_seq",
            "work_done",
            "work_total",
            "created_by",
            "created_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class RunSerializer(RunBriefSerializer):
    """A run as it stands. Expects `selectors.in_full`."""

    task = serializers.CharField()
    error = serializers.CharField(help_text="Why it failed; empty unless it did.")
    work_done = serializers.SerializerMethodField(
        help_text="Work subtasks completed, failed or skipped."
    )  # type: ignore[assignment]
    work_total = serializers.SerializerMethodField(help_text="Work subtasks in the plan.")  # type: ignore[assignment]
    result = serializers.CharField(help_text="Markdown; empty before the run's end.")
    options = serializers.SerializerMethodField(help_text="What the mode was told.")
    plan = PlanSerializer(allow_null=True, help_text="As last proposed; null before.")
    subtasks = SubtaskSerializer(many=True)
    attachments = AttachmentSerializer(many=True)

    class Meta(RunBriefSerializer.Meta):
        fields = (
            *RunBriefSerializer.Meta.fields,
            "failure_policy",
            "approve_plan",
            "time_limit",
            "subtask_time_limit",
            "max_attempts",
            "max_parallel",
            "max_tokens",
            "max_cost_usd",
            "options",
            "deadline_at",
            "plan",
            "result",
            "subtasks",
            "attachments",
        )
        read_only_fields = fields

    def get_options(self, run: Run) -> dict[str, Any]:
        """Those of the mode; what doors keep beside them is theirs."""
        return get_mode(run.mode).shown(run.options)

    def get_work_total(self, run: Run) -> int:
        """Counted over the prefetched subtasks."""
        return sum(subtask.kind == SubtaskKind.WORK for subtask in run.subtasks.all())

    def get_work_done(self, run: Run) -> int:
        """Counted over the prefetched subtasks."""
        return sum(
            subtask.kind == SubtaskKind.WORK and subtask.status in WORK_DONE
            for subtask in run.subtasks.all()
        )


def _limits(field: str) -> dict[str, Any]:
    """The bounds that the model sets, so that both say the same."""
    bounds: dict[str, Any] = {"required": False, "allow_null": True}
    for validator in cast("Field[Any, Any]", Run._meta.get_field(field)).validators:
        if isinstance(validator, MinValueValidator):
            bounds["min_value"] = validator.limit_value
        elif isinstance(validator, MaxValueValidator):
            bounds["max_value"] = validator.limit_value
    return bounds


class Options(ObjectField):
    """A mode's options; forms of many parts carry them as text."""

    def to_internal_value(self, data: Any) -> Any:
        """The object. Raises ValidationError."""
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except ValueError:
                raise serializers.ValidationError("This must be a JSON object.") from None
        return super().to_internal_value(data)


class RunNewSerializer(StrictSerializer):
    """The limits left out, or null, take the server's defaults."""

    task = Text(help_text="What the group is to do; 100,000 bytes at most.")
    mode = serializers.CharField(max_length=32, default="leader_worker")
    approve_plan = serializers.BooleanField(
        default=False, help_text="Wait for a person to approve the plan."
    )
    failure_policy = serializers.ChoiceField(
        choices=[policy.value for policy in FailurePolicy], default=FailurePolicy.CONTINUE.value
    )
    time_limit = serializers.FloatField(**_limits("time_limit"), help_text="Seconds for the run.")
    subtask_time_limit = serializers.FloatField(
        **_limits("subtask_time_limit"), help_text="Seconds for one try of one subtask."
    )
    max_attempts = serializers.IntegerField(**_limits("max_attempts"))
    max_parallel = serializers.IntegerField(**_limits("max_parallel"))
    max_tokens = MaxTokens()
    max_cost_usd = MaxCost()
    options = Options(
        required=False, help_text="The mode's; a JSON text in a multipart body. See docs/agents.md."
    )
    attachments = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        default=list,
        help_text="Files, in a multipart body only.",
    )


class RunBudgetSerializer(StrictSerializer):
    """What is left out stays as it is; null is no cap."""

    max_tokens = MaxTokens()
    max_cost_usd = MaxCost()
    resume = serializers.BooleanField(
        default=False, help_text="Take up again what an ended run left undone."
    )


class CancelSerializer(StrictSerializer):
    reason = Text(required=False, max_length=MAX_REASON)
