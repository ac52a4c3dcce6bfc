"""Addresses of this door."""

from django.urls import URLPattern, URLResolver, path, re_path

from tandem.messenger.api.listener import receive
from tandem.messenger.api.rest.door import answer

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^rest/", answer),
    path("listener/<str:secret>", receive),
]
