"""Addresses of the dashboard: pages, the fragments that live pages fetch again, and the actions behind their forms."""

from __future__ import annotations

from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from groups.views import (
    agents,
    budgets,
    credentials,
    groups,
    inbox,
    members,
    messages,
    runs,
    search,
    takeaway,
    tokens,
    tools,
    trends,
)
from groups.views.states import (
    conflicts,
    connections,
    detail,
    editing,
    history,
    listing,
    metrics,
    policy,
)
from state.manager import GLOBAL_SPACE

app_name = "groups"

#: Ids of states hold slashes, so they stand last, behind a word that says which page is meant.
states = [
    path("states/", listing.states, name="states"),
    path("states/entry/", listing.entry, name="states_entry"),
    path("states/new/", listing.new, name="state_new"),
    path("states/of/<path:state_id>/", detail.detail, name="state"),
    path("states/head/<path:state_id>/", detail.head, name="state_head"),
    path("states/data/<path:state_id>/", detail.data, name="state_data"),
    path("states/edit/<path:state_id>/", editing.edit, name="state_edit"),
    path("states/check/<path:state_id>/", editing.check, name="state_check"),
    path("states/freeze/<path:state_id>/", detail.freeze, name="state_freeze"),
    path("states/remove/<path:state_id>/", detail.remove, name="state_remove"),
    path("states/history/<path:state_id>/", history.history, name="state_history"),
    path("states/film/<path:state_id>/", history.film, name="state_film"),
    path("states/news/<path:state_id>/", history.news, name="state_news"),
    path("states/diff/<path:state_id>/", history.diff, name="state_diff"),
    path("states/restore/<path:state_id>/", history.restore, name="state_restore"),
    path("states/policy/<path:state_id>/", policy.policy, name="state_policy"),
    path("states/try/<path:state_id>/", policy.trial, name="state_try"),
    path("sync/", connections.connections, name="connections"),
    path("sync/news/", connections.news, name="connections_news"),
    path("sync/push/", connections.push, name="sync_push"),
    path("sync/webhook/", connections.webhook, name="sync_webhook"),
    path(
        "sync/connections/<str:connection_id>/disconnect/",
        connections.disconnect,
        name="sync_disconnect",
    ),
    path("sync/tasks/<str:task_id>/cancel/", connections.cancel, name="sync_cancel"),
    path("sync/tasks/<str:task_id>/retry/", connections.retry, name="sync_retry"),
    path("conflicts/", conflicts.conflicts, name="conflicts"),
    path("conflicts/<str:conflict_id>/", conflicts.conflict, name="conflict"),
    path("conflicts/<str:conflict_id>/standing/", conflicts.standing, name="conflict_standing"),
]

urlpatterns = [
    path("", groups.home, name="home"),
    path("texts.js", JavaScriptCatalog.as_view(packages=["groups"]), name="texts"),
    path("fragments/groups/", groups.cards, name="cards"),
    path("new/group/", groups.new, name="new"),
    path("groups/<str:group_id>/", groups.detail, name="group"),
    path("groups/<str:group_id>/settings/", groups.settings, name="settings"),
    path("groups/<str:group_id>/budget/", budgets.group, name="group_budget"),
    path("groups/<str:group_id>/remove/", groups.remove, name="remove"),
    path("groups/<str:group_id>/access/", groups.access, name="access"),
    path("groups/<str:group_id>/members/", members.members, name="members"),
    path("groups/<str:group_id>/members/<str:agent_id>/", members.member, name="member"),
    path("groups/<str:group_id>/members/<str:agent_id>/leave/", members.leave, name="leave"),
    path("groups/<str:group_id>/messages/", messages.messages, name="messages"),
    path("groups/<str:group_id>/runs/", runs.runs, name="runs"),
    path("runs/", runs.recent, name="recent"),
    path("runs/<str:run_id>/", runs.detail, name="run"),
    path("runs/<str:run_id>/export/", takeaway.export, name="run_export"),
    path("runs/<str:run_id>/result/", runs.result, name="result"),
    path("runs/<str:run_id>/plan/", runs.plan, name="plan"),
    path("runs/<str:run_id>/approve/", runs.approve, name="approve"),
    path("runs/<str:run_id>/cancel/", runs.cancel, name="cancel"),
    path("runs/<str:run_id>/pause/", runs.pause, name="pause"),
    path("runs/<str:run_id>/resume/", runs.resume, name="resume"),
    path("runs/<str:run_id>/budget/", runs.budget, name="run_budget"),
    path("runs/<str:run_id>/retry/", runs.retry, name="retry"),
    path(
        "runs/<str:run_id>/subtasks/<str:subtask_id>/", runs.subtask_result, name="subtask_result"
    ),
    path("runs/<str:run_id>/subtasks/<str:subtask_id>/answer/", runs.answer, name="answer"),
    path("runs/<str:run_id>/attachments/<str:attachment_id>/", runs.attachment, name="attachment"),
    path("search/", search.results, name="search"),
    path("trends/", trends.show, name="trends"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/count/", inbox.count, name="inbox_count"),
    path("inbox/<str:run_id>/approve/", inbox.approve, name="inbox_approve"),
    path("inbox/<str:run_id>/<str:subtask_id>/", inbox.answer, name="inbox_answer"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<str:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("agents/", agents.agents, name="agents"),
    path("fragments/agents/", agents.rows, name="agent_rows"),
    path("fragments/agents/fields/", agents.kind_fields, name="agent_fields"),
    path("new/agent/", agents.new, name="agent_new"),
    path("agents/<str:agent_id>/", agents.detail, name="agent"),
    path("agents/<str:agent_id>/tools/", tools.granted, name="agent_tools"),
    path("agents/<str:agent_id>/test/", agents.test, name="agent_test"),
    path("agents/<str:agent_id>/budget/", budgets.agent, name="agent_budget"),
    path("agents/<str:agent_id>/credentials/", credentials.credentials, name="credentials"),
    path(
        "agents/<str:agent_id>/credentials/<str:credential_id>/revoke/",
        credentials.revoke,
        name="credential_revoke",
    ),
    path("agents/<str:agent_id>/remove/", agents.remove, name="agent_remove"),
    path("tool-servers/", tools.servers, name="tool_servers"),
    path("new/tool-server/", tools.server_new, name="tool_server_new"),
    path("tool-servers/<str:name>/", tools.server, name="tool_server"),
    path("tool-servers/<str:name>/test/", tools.server_test, name="tool_server_test"),
    path("tool-servers/<str:name>/remove/", tools.server_remove, name="tool_server_remove"),
    path("budget/", budgets.site, name="budget"),
    # Of the installation, whatever space one comes from.
    path("states/metrics/", metrics.metrics, name="metrics"),
    path("states/metrics/figures/", metrics.figures, name="metrics_figures"),
    path("groups/<str:space>/", include(states)),
    # The same pages for the states of the whole installation; last, so that their addresses are made like this.
    path("", include(states), {"space": GLOBAL_SPACE}),
]
