"""Runs: starting, looking, steering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.pagination import RunPages
from groups.api.parsers import JsonParser
from groups.api.run_filter import GROUP, LIKE, like
from groups.api.schema import problems
from groups.api.serializers.base import EmptySerializer
from groups.api.serializers.plans import ApprovalSerializer
from groups.api.serializers.runs import (
    CancelSerializer,
    RunBriefSerializer,
    RunBudgetSerializer,
    RunNewSerializer,
    RunSerializer,
)
from groups.api.views.plans import SEEN, seen_of
from groups.models import Level, Run
from groups.services import runs


class RunsView(ApiView):
    pagination_class = RunPages

    @extend_schema(
        operation_id="list_runs",
        tags=["runs"],
        parameters=[*LIKE, GROUP],
        responses=RunBriefSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The runs of all groups that you may see, newest first."""
        rows = selectors.recent_runs(self.actor).select_related("created_by")
        return self.page(RunBriefSerializer, like(request, group=True).of(rows))


class GroupRunsView(ApiView):
    pagination_class = RunPages
    parser_classes = (JsonParser, MultiPartParser)

    @extend_schema(
        operation_id="list_group_runs",
        tags=["runs"],
        parameters=LIKE,
        responses=RunBriefSerializer(many=True),
    )
    def get(self, request: Request, group_id: str) -> Response:
        """The group's runs, newest first."""
        group = access.get_group(self.actor, group_id)
        rows = selectors.runs_of(group).select_related("created_by")
        return self.page(RunBriefSerializer, like(request).of(rows))

    @extend_schema(
        operation_id="start_run",
        tags=["runs"],
        request=RunNewSerializer,
        responses={201: RunSerializer, **problems(409, 413)},
        parameters=[
            OpenApiParameter(
                "Location", location="header", description="The run's address.", response=[201]
            )
        ],
    )
    def post(self, request: Request, group_id: str) -> Response:
        """Give the group a task. Answers as soon as it is stored. Operators and owners."""
        group = access.get_group(self.actor, group_id, Level.OPERATOR)
        run = runs.start(actor=self.actor, group=group, **self.given(RunNewSerializer))
        where = reverse("api:run", [run.id], request=request)
        return self.shown(
            RunSerializer, selectors.in_full(run), status=201, headers={"Location": where}
        )


class RunView(ApiView):
    @extend_schema(operation_id="get_run", tags=["runs"], responses=RunSerializer)
    def get(self, request: Request, run_id: str) -> Response:
        """The run as it stands: status, plan, subtasks, result, usage."""
        run = access.get_run(self.actor, run_id)
        return self.shown(RunSerializer, selectors.in_full(run))


class SteeringView(ApiView):
    """An action on a run, for operators and owners; it answers the run as it then stands."""

    def steered(self, run_id: str) -> Run:
        """The run, if the actor may steer it."""
        return access.get_run(self.actor, run_id, Level.OPERATOR)

    def answered(self, run: Run) -> Response:
        """The run in full."""
        return self.shown(RunSerializer, selectors.in_full(run))


Method = TypeVar("Method", bound=Callable[..., Response])


def _action(name: str, request: type[serializers.Serializer[Any]]) -> Callable[[Method], Method]:
    return extend_schema(
        operation_id=f"{name}_run",
        tags=["steering"],
        request=request,
        responses={200: RunSerializer, **problems(409)},
    )


class ApproveView(SteeringView):
    @extend_schema(parameters=[SEEN])
    @_action("approve", ApprovalSerializer)
    def post(self, request: Request, run_id: str) -> Response:
        """Let the proposed plan, or the one given, be carried out."""
        run = self.steered(run_id)
        plan = self.given(ApprovalSerializer).get("plan")
        seen = seen_of(request)
        return self.answered(runs.approve(actor=self.actor, run=run, plan=plan, seen=seen))


class PauseView(SteeringView):
    @_action("pause", EmptySerializer)
    def post(self, request: Request, run_id: str) -> Response:
        """Start no further subtask; running ones finish."""
        run = self.steered(run_id)
        self.given(EmptySerializer)
        return self.answered(runs.pause(actor=self.actor, run=run))


class ResumeView(SteeringView):
    @_action("resume", EmptySerializer)
    def post(self, request: Request, run_id: str) -> Response:
        """Go on after a pause."""
        run = self.steered(run_id)
        self.given(EmptySerializer)
        return self.answered(runs.resume(actor=self.actor, run=run))


class CancelView(SteeringView):
    @_action("cancel", CancelSerializer)
    def post(self, request: Request, run_id: str) -> Response:
        """End the run now; agents at work are stopped."""
        run = self.steered(run_id)
        given = self.given(CancelSerializer)
        return self.answered(runs.cancel(actor=self.actor, run=run, **given))


class RunBudgetView(SteeringView):
    @_action("budget", RunBudgetSerializer)
    def patch(self, request: Request, run_id: str) -> Response:
        """Change the run's caps in tokens and money; what it used stays counted."""
        run = self.steered(run_id)
        return self.answered(
            runs.raise_budget(actor=self.actor, run=run, **self.given(RunBudgetSerializer))
        )


class RetryView(SteeringView):
    @_action("retry", EmptySerializer)
    def post(self, request: Request, run_id: str) -> Response:
        """Take up again what failed or was skipped."""
        run = self.steered(run_id)
        self.given(EmptySerializer)
        return self.answered(runs.retry(actor=self.actor, run=run))
