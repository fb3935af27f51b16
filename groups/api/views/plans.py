"""The plan of a run, as an object that people can see and edit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.plans import PlanSerializer
from groups.models import Level, Run
from groups.services import runs
from state.errors import NotFound


def _plan_of(run: Run) -> dict[str, Any]:
    if run.plan is None:
        raise NotFound("The leader has not proposed a plan yet.")
    return run.plan


class PlanView(ApiView):
    @extend_schema(operation_id="get_plan", tags=["plan"], responses=PlanSerializer)
    def get(self, request: Request, run_id: str) -> Response:
        """The plan as last proposed."""
        return Response(_plan_of(access.get_run(self.actor, run_id)))

    @extend_schema(
        operation_id="replace_plan",
        tags=["plan"],
        request=PlanSerializer,
        responses={200: PlanSerializer, **problems(409)},
    )
    def put(self, request: Request, run_id: str) -> Response:
        """Replace the plan while the run awaits approval. Operators and owners."""
        run = access.get_run(self.actor, run_id, Level.OPERATOR)
        edited = runs.edit_plan(actor=self.actor, run=run, plan=self.given(PlanSerializer))
        return Response(_plan_of(edited))

    @extend_schema(
        operation_id="change_plan",
        tags=["plan"],
        request=PlanSerializer,
        responses={200: PlanSerializer, **problems(409)},
    )
    def patch(self, request: Request, run_id: str) -> Response:
        """Replace the plan's subtasks, its note or both, while the run awaits approval."""
        run = access.get_run(self.actor, run_id, Level.OPERATOR)
        given = self.given(PlanSerializer, partial=True)
        plan = {**_plan_of(run), **given}
        return Response(_plan_of(runs.edit_plan(actor=self.actor, run=run, plan=plan)))
