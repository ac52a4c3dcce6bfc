"""Purposes and objections by program."""

import pytest

from tandem.planner.customers.models import ProfileAttribute

pytestmark = pytest.mark.django_db


def test_purposes_are_listed_and_changed(ask, stocked):
    ProfileAttribute.objects.create(account_id=stocked.id, name="tier", label="Tier", kind="text")
    status, rows = ask("/attributes")
    assert (status, rows[0]["purpose"], rows[0]["suggested"]) == (200, "models", "models")
    assert (
        ask("/attributes/tier/purpose", {"purpose": "sensitive"}, method="PUT")[1]["purpose"] == "sensitive"
    )
    assert [one["name"] for one in rows] == ["tier", "main_category", "country"]
    assert ask("/attributes/country/purpose", {"purpose": "targeting"}, method="PUT")[0] == 200
    assert ask("/attributes/tier/purpose", {"purpose": "all"}, method="PUT")[0] == 422
    assert ask("/attributes/nothing/purpose", {"purpose": "models"}, method="PUT")[0] == 422


def test_objections_are_written_down_listed_and_lifted(ask):
    status, made = ask("/profiling-objections", {"customer_id": "c1", "how": "by letter"})
    assert (status, made["how"], made["lifted_at"]) == (201, "by letter", None)
    assert made["by"].startswith("api ")
    assert ask("/profiling-objections?customer_id=c1")[1] == [made]
    status, lifted = ask("/profiling-objections/lift", {"customer_id": "c1", "how": "by telephone"})
    assert (status, lifted["lifted_how"]) == (200, "by telephone")
    assert ask("/profiling-objections/lift", {"customer_id": "c1", "how": "again"})[0] == 422
    assert ask("/profiling-objections", {"customer_id": "nobody", "how": "by letter"})[0] == 404
