"""The address of the MCP door."""

from __future__ import annotations

from django.urls import path

from groups.doors.mcp import views

app_name = "mcp"

urlpatterns = [path("mcp", views.endpoint, name="endpoint")]
