"""The addresses of all doors."""

from __future__ import annotations

from django.urls import include, path

app_name = "doors"

urlpatterns = [
    path("a2a/", include("groups.doors.a2a.urls")),
    path("", include("groups.doors.mcp.urls")),
    path("", include("groups.doors.openai.urls")),
    path("", include("groups.doors.agui.urls")),
]
