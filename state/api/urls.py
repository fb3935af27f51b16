"""The addresses of states (shared-state 1.13). Ids may hold slashes, so what is about a state comes before it."""

from __future__ import annotations

from django.urls import path

from state.api.views import (
    backups,
    conflicts,
    metrics,
    operations,
    past,
    settings,
    spaces,
    states,
    transactions,
)
from state.api.views.sync import changes as syncing
from state.api.views.sync import connections, tasks
from state.api.views.sync.stream import stream

app_name = "states"

_SPACE = "spaces/<str:space>/"
_STATE = f"{_SPACE}states/<path:state_id>/"

urlpatterns = [
    path("metrics/", metrics.MetricsView.as_view(), name="metrics"),
    path("backup/", backups.BackupView.as_view(), name="backup"),
    path("spaces/", spaces.SpacesView.as_view(), name="spaces"),
    path(_SPACE, spaces.SpaceView.as_view(), name="space"),
    path(f"{_SPACE}txn/", transactions.TransactionView.as_view(), name="transaction"),
    path(f"{_SPACE}ops/<path:op_id>/", operations.OperationView.as_view(), name="operation"),
    path(f"{_SPACE}conflicts/", conflicts.ConflictsView.as_view(), name="conflicts"),
    path(
        f"{_SPACE}conflicts/<str:conflict_id>/", conflicts.ConflictView.as_view(), name="conflict"
    ),
    path(
        f"{_SPACE}conflicts/<str:conflict_id>/resolve/",
        conflicts.ResolveView.as_view(),
        name="resolve",
    ),
    path(f"{_SPACE}changes", syncing.changes, name="changes"),
    path(f"{_SPACE}changes/stream", stream, name="stream"),
    path(f"{_SPACE}snapshot", syncing.snapshot, name="snapshot"),
    path(f"{_SPACE}connections/", connections.ConnectionsView.as_view(), name="connections"),
    path(
        f"{_SPACE}connections/<str:connection_id>/",
        connections.ConnectionView.as_view(),
        name="connection",
    ),
    path(f"{_SPACE}sync-tasks/", tasks.SyncTasksView.as_view(), name="sync-tasks"),
    path(f"{_SPACE}sync-tasks/<str:task_id>/", tasks.SyncTaskView.as_view(), name="sync-task"),
    path(
        f"{_SPACE}sync-tasks/<str:task_id>/cancel/", tasks.CancelView.as_view(), name="cancel-task"
    ),
    path(f"{_SPACE}states/", states.StatesView.as_view(), name="states"),
    path(f"{_STATE}ops/", operations.OperationsView.as_view(), name="ops"),
    path(f"{_STATE}config/", settings.ConfigView.as_view(), name="config"),
    path(f"{_STATE}freeze/", settings.FreezeView.as_view(), name="freeze"),
    path(f"{_STATE}unfreeze/", settings.UnfreezeView.as_view(), name="unfreeze"),
    path(f"{_STATE}history/", past.HistoryView.as_view(), name="history"),
    path(f"{_STATE}diff/", past.DiffView.as_view(), name="diff"),
    path(f"{_STATE}blame/", past.BlameView.as_view(), name="blame"),
    path(f"{_STATE}restore/", past.RestoreView.as_view(), name="restore"),
    path(_STATE, states.StateDetailView.as_view(), name="state"),
]
