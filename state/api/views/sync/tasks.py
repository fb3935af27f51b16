"""Sync tasks: pushes of a state to agents that are kept track of."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state import conf
from state.api import schema, syncing
from state.api.base import StateView
from state.api.queries import Query
from state.api.syncing import SyncTaskNewRequest
from state.api.views.sync.paging import Paging
from state.sync.manager import PAGE
from state.values import SyncTask, TaskStatus


class SyncTasksView(StateView):
    @schema.described(
        "list_sync_tasks",
        schema.query(
            "status", "Tasks that stand so.", {"type": "string", "enum": list(TaskStatus)}
        ),
        schema.query("state", "Tasks about the state with this id."),
        schema.LIMIT,
        schema.CONTINUE,
        answer=schema.page(schema.ref(SyncTask)),
        refuses=(400, 404, 503),
    )
    def get(self, request: Request, space: str) -> Response:
        """Tasks with their targets, newest first: those that you made or are a target of, to the leader and owners
        all. Known for a week after their end; `updates` are left out."""
        query = Query(request, "status", "state", "limit", "continue")
        limit = query.limit(100, PAGE)
        found = conf.sync_manager().list_sync_tasks(
            self.caller,
            status=query.choice("status", TaskStatus),
            state_id=query.text("state") or "",
            limit=PAGE,
        )
        shown, following = _PAGING.page(found, query, limit)
        return Response({"results": [_plain(each) for each in shown], "next": following})

    @syncing.making(
        "create_sync_task",
        schema.location(202),
        request=SyncTaskNewRequest,
        answer=SyncTask,
        status=202,
        refuses=(400, 403, 404, 413, 415, 429, 503),
    )
    def post(self, request: Request, space: str) -> Response:
        """Have a state pushed to agents, and keep track of who has it; `Location` says where that stands."""
        Query(request)
        given = self.given(SyncTaskNewRequest)
        task = conf.sync_manager().create_sync_task(
            self.caller,
            given.type,
            given.state,
            given.target_agents,
            priority=given.priority,
            max_retries=given.max_retries,
            metadata=given.metadata,
        )
        return Response(_plain(task), 202, headers={"Location": self.where("sync-task", task.id)})


class SyncTaskView(StateView):
    @schema.described("get_sync_task", answer=schema.ref(SyncTask), refuses=(400, 404, 503))
    def get(self, request: Request, space: str, task_id: str) -> Response:
        """One task: each target's status, and what it brings (`updates`)."""
        Query(request)
        return Response(
            msgspec.to_builtins(conf.sync_manager().get_sync_task(self.caller, task_id))
        )


class CancelView(StateView):
    @syncing.making("cancel_sync_task", request=None, answer=SyncTask)
    def post(self, request: Request, space: str, task_id: str) -> Response:
        """End the task; targets that were served stay so, and a task that has ended stays as it is."""
        Query(request)
        task = conf.sync_manager().cancel_sync_task(self.caller, task_id)
        return Response(msgspec.to_builtins(task))


def _plain(task: SyncTask) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(task)
    del found["updates"]
    return found


def _place(task: SyncTask) -> tuple[float, str]:
    """The newest first."""
    return -task.created_at.timestamp(), task.id


_PAGING: Final = Paging(_place, tuple[float, str])
