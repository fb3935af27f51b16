"""The addresses of the site; the apps add their own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from stars_site import health, prometheus

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("stars_site.auth")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", prometheus.metrics, name="prometheus"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("groups.api.urls")),
    path("api/v1/", include("state.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("groups.doors.urls")),
    path("", include("groups.urls")),
]

# For programs a problem (RFC 9457), elsewhere the friendly page.
handler400 = "groups.api.errors.handler400"
handler403 = "groups.api.errors.handler403"
handler404 = "groups.api.errors.handler404"
handler500 = "groups.api.errors.handler500"
