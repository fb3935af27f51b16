"""The plan of a run, as an object that people can see and edit."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access
from groups.api.base import ApiView
from groups.api.pagination import positive
from groups.api.schema import problems
from groups.api.serializers.plans import PlanSerializer
from groups.models import Level, Run
from groups.services import runs
from state.errors import NotFound

#: The number that no event has.
_NEWEST: Final = 2**63 - 1
SEEN: Final = OpenApiParameter(
    "seen",
    int,
    description="The `last_seq` of the run when you read the plan: refused (`plan_changed`) when it was edited since.",
)


def seen_of(request: Request) -> int:
    """Up to which event the caller knows the log: what `?seen=` says, else all of it. Raises ValidationError."""
    return positive(request, "seen", default=_NEWEST, cap=_NEWEST, least=0)


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
        parameters=[SEEN],
        request=PlanSerializer,
        responses={200: PlanSerializer, **problems(409)},
    )
    def put(self, request: Request, run_id: str) -> Response:
        """Replace the plan while the run awaits approval. Operators and owners."""
        run = access.get_run(self.actor, run_id, Level.OPERATOR)
        plan = self.given(PlanSerializer)
        edited = runs.edit_plan(actor=self.actor, run=run, plan=plan, seen=seen_of(request))
        return Response(_plan_of(edited))

    @extend_schema(
        operation_id="change_plan",
        tags=["plan"],
        parameters=[SEEN],
        request=PlanSerializer,
        responses={200: PlanSerializer, **problems(409)},
    )
    def patch(self, request: Request, run_id: str) -> Response:
        """Replace the plan's subtasks, its note or both, while the run awaits approval."""
        run = access.get_run(self.actor, run_id, Level.OPERATOR)
        given = self.given(PlanSerializer, partial=True)
        plan = {**_plan_of(run), **given}
        edited = runs.edit_plan(actor=self.actor, run=run, plan=plan, seen=seen_of(request))
        return Response(_plan_of(edited))
