"""The addresses of OpenAI's API that a group answers."""

from __future__ import annotations

from django.urls import path

from groups.doors.openai import views

urlpatterns = [
    path("v1/models", views.models, name="openai_models"),
    path("v1/models/<str:group_id>", views.model, name="openai_model"),
    path("v1/chat/completions", views.completions, name="openai_chat"),
    path("v1/responses", views.responses, name="openai_responses"),
    path("v1/responses/<str:response_id>", views.response, name="openai_response"),
    path("v1/responses/<str:response_id>/cancel", views.cancelled, name="openai_cancel"),
]
