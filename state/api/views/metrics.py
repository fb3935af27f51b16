"""What is counted, by the seed's names."""

from __future__ import annotations

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state import conf
from state.api.answers import Metrics
from state.api.base import StateView
from state.api.queries import Query
from state.api.schema import described, ref


class MetricsView(StateView):
    @described("get_state_metrics", answer=ref(Metrics), in_space=False)
    def get(self, request: Request) -> Response:
        """Counters of the process that answers, and gauges of the store; `sync` is about connections and tasks."""
        Query(request)
        states = self.manager.get_metrics()
        metrics = Metrics(**msgspec.structs.asdict(states), sync=conf.sync_metrics())
        return Response(msgspec.to_builtins(metrics))
