"""The addresses of the A2A door, below `/a2a/<group_id>/`."""

from __future__ import annotations

from django.urls import path, re_path

from groups.doors.a2a import views

app_name = "a2a"

_GROUP = r"(?P<group_id>[^/]+)"

urlpatterns = [
    path("<str:group_id>/.well-known/agent-card.json", views.agent_card, name="card"),
    path("<str:group_id>/", views.rpc, name="rpc"),
    path("<str:group_id>", views.rpc),
    re_path(rf"^{_GROUP}/message:(?P<verb>send|stream)$", views.message, name="message"),
    path("<str:group_id>/tasks", views.task_list, name="tasks"),
    path("<str:group_id>/tasks/<str:name>", views.task, name="task"),
    path("<str:group_id>/tasks/<str:name>/pushNotificationConfigs", views.push, name="push"),
    path("<str:group_id>/tasks/<str:name>/pushNotificationConfigs/<str:config_id>", views.push),
    path("<str:group_id>/extendedAgentCard", views.extended_card, name="extended_card"),
]
