"""What waits for a person."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from groups.api.serializers.runs import AttachmentSerializer
from groups.inbox import Item


class InboxItemSerializer(serializers.Serializer[Item]):
    kind = serializers.ChoiceField(
        choices=["question", "approval", "plan", "work", "vote", "summary", "approve_plan"],
        help_text="`plan`, `work`, `vote` and `summary` are asked of a human agent.",
    )
    run = serializers.UUIDField(source="run.id")
    group = serializers.CharField(source="run.group_id")
    subtask = serializers.UUIDField(
        source="subtask.id", default=None, allow_null=True, help_text="Null for `approve_plan`."
    )
    agent_id = serializers.CharField(
        source="subtask.agent_id", default=None, allow_null=True, help_text="Who asks, or is asked."
    )
    title = serializers.CharField(source="subtask.title", default="")
    question = serializers.CharField(source="subtask.question", default="")
    options = serializers.ListField(
        child=serializers.CharField(),
        source="subtask.options",
        default=list,
        help_text="What may be answered; empty: anything.",
    )
    since = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="Nobody is waited for after it.")
    attachments = AttachmentSerializer(many=True, source="run.attachments")
    answer = serializers.SerializerMethodField(help_text="Where the answer is posted to.")

    def get_answer(self, item: Item) -> str:
        """`{"text": …}` for a subtask, the plan or nothing for a plan."""
        name, kwargs = "api:approve", {"run_id": str(item.run.id)}
        if item.subtask is not None:
            name, kwargs = "api:answer", {**kwargs, "subtask_id": str(item.subtask.id)}
        return reverse(name, kwargs=kwargs, request=self.context.get("request"))


class InboxSerializer(serializers.Serializer[Any]):
    results = InboxItemSerializer(many=True)
