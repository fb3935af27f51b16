"""The addresses of the site; the apps add their own."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from stars_site import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("stars_site.auth")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("groups.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
# Temporary until the pages stand: the rest of the tree is usable meanwhile.
if find_spec("groups.views.runs"):
    urlpatterns.append(path("", include("groups.urls")))
