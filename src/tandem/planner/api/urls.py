"""Addresses of this door: all that is not a page is a function of the vendor's API."""

from django.urls import URLPattern, URLResolver, re_path

from tandem.planner.api.dispatcher import dispatch

urlpatterns: list[URLPattern | URLResolver] = [re_path(r"^(?P<path>[\s\S]*)\Z", dispatch)]
