"""Addresses of the planner: its pages under /ui, its programs' doors at the root."""

from django.urls import include, path

from tandem.kit.web import go_home

urlpatterns = [
    path("", go_home),
    path("ui/", include("tandem.planner.web.urls")),
    path("api/v1/", include("tandem.planner.api_v1.urls")),
    path("", include("tandem.planner.api.urls")),
]
