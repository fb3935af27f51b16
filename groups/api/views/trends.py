"""How runs went lately, in numbers."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access
from groups.api.base import ApiView
from groups.api.serializers.trends import TrendsSerializer
from groups.trends import Period, trends


class TrendsView(ApiView):
    @extend_schema(
        operation_id="get_trends",
        tags=["trends"],
        parameters=[
            OpenApiParameter(
                "period",
                str,
                enum=[period.value for period in Period],
                description="How far back: 24h by the hour (without it), 7d by six hours, 30d by the day.",
            ),
            OpenApiParameter("group", str, description="Only this group; without it, all you see."),
        ],
        responses=TrendsSerializer,
    )
    def get(self, request: Request) -> Response:
        """How many runs began, how they ended, how long they took, what they used and who failed."""
        asked, wanted = request.query_params, request.query_params.get("group")
        try:
            period = Period(asked.get("period") or Period.DAY)
        except ValueError:
            raise ValidationError({"period": [f"One of {', '.join(Period)}."]}) from None
        group = access.get_group(self.actor, wanted) if wanted else None
        found = trends(self.actor, period, group)
        seconds = found.axis.step.total_seconds()
        return self.shown(
            TrendsSerializer, {**vars(found), "period": period.value, "seconds": seconds}
        )
