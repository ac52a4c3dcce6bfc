"""Signing keys over the REST API: every step of a key, and no secret."""

import pytest

from tandem.messenger.delivery.dkim import service
from tandem.messenger.delivery.models import DkimKey

pytestmark = pytest.mark.django_db


def test_a_key_from_its_making_to_its_retirement(desk, monkeypatch):
    published: list[str] = []
    monkeypatch.setattr(service, "text_records", lambda _: published)
    made = desk.call(
        "POST", "/dkim", body={"domain": "shop.example", "selector": "t1", "algorithm": "ed25519"}
    )
    assert (made["state"], made["recordName"]) == ("new", "t1._domainkey.shop.example")
    path = f"/dkim/{made['id']}"
    assert desk.call("POST", f"{path}/check")["published"] is False
    assert "error" in desk.call("POST", f"{path}/use", 422)
    published.append(made["record"])
    assert desk.call("POST", f"{path}/use")["state"] == "active"
    assert desk.call("POST", f"{path}/rotate")["selector"] == "t2"
    assert desk.call("POST", f"{path}/retire")["state"] == "retired"
    shown = str(desk.get("/dkim"))
    assert all(key.secret not in shown for key in DkimKey.objects.all()) and "PRIVATE" not in shown
    assert "error" in desk.call("POST", "/dkim", 400, body={"domain": 7})
    assert "error" in desk.call("POST", "/dkim/999999/use", 404)
