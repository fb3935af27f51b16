"""The addresses of all doors."""

from __future__ import annotations

from django.urls import include, path

app_name = "doors"

urlpatterns = [
    path("", include("groups.doors.openai.urls")),
]
