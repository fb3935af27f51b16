"""The address of each group as an AG-UI agent."""

from __future__ import annotations

from django.urls import path

from groups.doors.agui.views import agent

urlpatterns = [path("agui/<str:group_id>/", agent, name="agui")]
