"""Addresses of this door."""

from django.urls import URLPattern, URLResolver, path, re_path

from tandem.messenger.api.gate import contacts, finish
from tandem.messenger.api.listener import receive
from tandem.messenger.api.rest.door import answer
from tandem.messenger.api.results import result
from tandem.messenger.api.sms import receive as receive_sms

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^rest/", answer),
    path("results/<int:account_id>/<int:export_id>_result.json", result),
    path("gate/<str:token>/contacts.jsonl", contacts),
    path("gate/<str:token>/finish", finish),
    path("listener/<str:secret>", receive),
    path("sms/<str:door>/<str:what>", receive_sms),
]
