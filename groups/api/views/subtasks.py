"""The subtasks of a run, and answering one that waits for a person."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.pagination import SubtaskPages
from groups.api.schema import problems
from groups.api.serializers.runs import AnswerSerializer, SubtaskSerializer
from groups.models import Level
from groups.services import runs


class SubtasksView(ApiView):
    pagination_class = SubtaskPages

    @extend_schema(
        operation_id="list_subtasks", tags=["subtasks"], responses=SubtaskSerializer(many=True)
    )
    def get(self, request: Request, run_id: str) -> Response:
        """The run's subtasks in the plan's order; the making of the plan is the first."""
        run = access.get_run(self.actor, run_id)
        return self.page(SubtaskSerializer, selectors.subtasks_of(run))


class SubtaskView(ApiView):
    @extend_schema(operation_id="get_subtask", tags=["subtasks"], responses=SubtaskSerializer)
    def get(self, request: Request, run_id: str, subtask_id: str) -> Response:
        """One subtask."""
        run = access.get_run(self.actor, run_id)
        return self.shown(SubtaskSerializer, access.get_subtask(run, subtask_id))


class AnswerView(ApiView):
    @extend_schema(
        operation_id="answer_subtask",
        tags=["subtasks"],
        request=AnswerSerializer,
        responses={200: SubtaskSerializer, **problems(409)},
    )
    def post(self, request: Request, run_id: str, subtask_id: str) -> Response:
        """Answer the question that a subtask waits with. Operators and owners."""
        run = access.get_run(self.actor, run_id, Level.OPERATOR)
        subtask = access.get_subtask(run, subtask_id)
        text = self.given(AnswerSerializer)["text"]
        run = runs.answer(actor=self.actor, run=run, subtask=subtask, text=text)
        return self.shown(SubtaskSerializer, access.get_subtask(run, subtask_id))
