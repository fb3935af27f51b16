"""The addresses of REST, version 1 (ARCHITECTURE 8: scripts rely on them)."""

from __future__ import annotations

from django.urls import path

from groups.api.stream import event_stream
from groups.api.views import (
    agents,
    attachments,
    budgets,
    callbacks,
    conversation,
    credentials,
    events,
    exports,
    groups,
    home,
    inbox,
    members,
    messages,
    plans,
    profile,
    pulses,
    runs,
    search,
    subtasks,
    templates,
    tokens,
    tool_servers,
    trends,
)

app_name = "api"

_GROUP, _RUN = "groups/<str:group_id>/", "runs/<str:run_id>/"

urlpatterns = [
    path("auth/token/", tokens.TokenView.as_view(), name="token"),
    path("auth/tokens/", tokens.TokensView.as_view(), name="tokens"),
    path("auth/tokens/<str:token_id>/", tokens.OneTokenView.as_view(), name="one-token"),
    path("trends/", trends.TrendsView.as_view(), name="trends"),
    path("tool-servers/", tool_servers.ToolServersView.as_view(), name="tool-servers"),
    path("tool-servers/<str:name>/", tool_servers.ToolServerView.as_view(), name="tool-server"),
    path(
        "tool-servers/<str:name>/test/",
        tool_servers.ToolServerTestView.as_view(),
        name="tool-server-test",
    ),
    path("agents/", agents.AgentsView.as_view(), name="agents"),
    path("agents/<str:agent_id>/", agents.AgentView.as_view(), name="agent"),
    path("agents/<str:agent_id>/health/", agents.AgentHealthView.as_view(), name="agent-health"),
    path("agents/<str:agent_id>/budget/", budgets.AgentBudgetView.as_view(), name="agent-budget"),
    path("budget/", budgets.SiteBudgetView.as_view(), name="budget"),
    path("callbacks/<str:token>/", callbacks.CallbackView.as_view(), name="callback"),
    path("agents/<str:agent_id>/test/", agents.AgentTestView.as_view(), name="agent-test"),
    path(
        "agents/<str:agent_id>/conversation/",
        conversation.ConversationView.as_view(),
        name="conversation",
    ),
    path(
        "agents/<str:agent_id>/credentials/",
        credentials.CredentialsView.as_view(),
        name="credentials",
    ),
    path(
        "agents/<str:agent_id>/credentials/<str:credential_id>/",
        credentials.CredentialView.as_view(),
        name="credential",
    ),
    path("me/", profile.ProfileView.as_view(), name="profile"),
    path("me/password/", profile.PasswordView.as_view(), name="password"),
    path("inbox/", inbox.InboxView.as_view(), name="inbox"),
    path("health/", home.HealthView.as_view(), name="health"),
    path("home/", home.HomeView.as_view(), name="home"),
    path("demo/", home.DemoView.as_view(), name="demo"),
    path("search/", search.SearchView.as_view(), name="search"),
    path("groups/", groups.GroupsView.as_view(), name="groups"),
    path(_GROUP, groups.GroupView.as_view(), name="group"),
    path(f"{_GROUP}access/", groups.AccessesView.as_view(), name="accesses"),
    path(f"{_GROUP}access/<str:username>/", groups.AccessView.as_view(), name="access"),
    path(f"{_GROUP}budget/", budgets.GroupBudgetView.as_view(), name="group-budget"),
    path(f"{_GROUP}members/", members.MembersView.as_view(), name="members"),
    path(f"{_GROUP}members/<str:agent_id>/", members.MemberView.as_view(), name="member"),
    path(f"{_GROUP}members/<str:agent_id>/lead/", members.LeadView.as_view(), name="lead"),
    path(f"{_GROUP}members/<str:agent_id>/place/", members.PlaceView.as_view(), name="place"),
    path(f"{_GROUP}templates/", templates.TemplatesView.as_view(), name="templates"),
    path(
        f"{_GROUP}templates/<str:template_id>/", templates.TemplateView.as_view(), name="template"
    ),
    path(f"{_GROUP}messages/", messages.MessagesView.as_view(), name="messages"),
    path(f"{_GROUP}runs/", runs.GroupRunsView.as_view(), name="group-runs"),
    path("runs/", runs.RunsView.as_view(), name="runs"),
    path(_RUN, runs.RunView.as_view(), name="run"),
    path(f"{_RUN}pulse/", pulses.PulseView.as_view(), name="pulse"),
    path(f"{_RUN}export/", exports.ExportView.as_view(), name="export"),
    path(f"{_RUN}approve/", runs.ApproveView.as_view(), name="approve"),
    path(f"{_RUN}pause/", runs.PauseView.as_view(), name="pause"),
    path(f"{_RUN}resume/", runs.ResumeView.as_view(), name="resume"),
    path(f"{_RUN}cancel/", runs.CancelView.as_view(), name="cancel"),
    path(f"{_RUN}budget/", runs.RunBudgetView.as_view(), name="run-budget"),
    path(f"{_RUN}retry/", runs.RetryView.as_view(), name="retry"),
    path(f"{_RUN}plan/", plans.PlanView.as_view(), name="plan"),
    path(f"{_RUN}subtasks/", subtasks.SubtasksView.as_view(), name="subtasks"),
    path(f"{_RUN}subtasks/<str:subtask_id>/", subtasks.SubtaskView.as_view(), name="subtask"),
    path(f"{_RUN}subtasks/<str:subtask_id>/answer/", subtasks.AnswerView.as_view(), name="answer"),
    path(f"{_RUN}events/", events.EventsView.as_view(), name="events"),
    path(f"{_RUN}events/stream", event_stream, name="stream"),
    path(f"{_RUN}attachments/", attachments.AttachmentsView.as_view(), name="attachments"),
    path(
        f"{_RUN}attachments/<str:attachment_id>/",
        attachments.AttachmentView.as_view(),
        name="attachment",
    ),
]
