"""Target groups over a real snapshot: save, count, list, explain."""

import pytest

from tandem.planner.accounts import service as accounts
from tandem.planner.customers.errors import UnknownCustomer
from tandem.planner.customers.service import latest_snapshot, surrogate_of
from tandem.planner.targeting import service
from tandem.planner.targeting.errors import ConditionRefused, GroupNotFound, GroupRefused, TextRefused
from tandem.planner.targeting.models import TargetGroup, TargetGroupVersion

RECENT = "country is any of SE, NO and spent more than 300 in the last 90 days"


def condition(account_id, text):
    return service.to_condition(account_id, text)


def test_a_group_keeps_every_version(filled, clock):
    first = service.save_group(filled, name="  Good   ones ", text=RECENT, clock=clock)
    assert (first.name, first.version, first.text) == ("Good ones", 1, RECENT)
    same = service.save_group(filled, name="Good ones", text=RECENT, group_id=first.id, clock=clock)
    assert same.version == 1
    second = service.save_group(filled, name="Good ones", text="ordered", group_id=first.id, clock=clock)
    assert (second.id, second.version) == (first.id, 2)
    assert list(TargetGroupVersion.objects.order_by("version").values_list("version", "text")) == [
        (1, RECENT),
        (2, "ordered"),
    ]
    assert service.find_group(filled, "Good ones") == service.find_group(filled, str(first.id)) == second


def test_what_is_refused_leaves_nothing_behind(filled, clock):
    service.save_group(filled, name="Taken", text="ordered", clock=clock)
    refused = (
        ({"name": " ", "text": "ordered"}, GroupRefused),
        ({"name": "Taken", "text": "ordered"}, GroupRefused),
        ({"name": "New", "text": "spent a lot"}, TextRefused),
        ({"name": "New", "text": "age is 5"}, ConditionRefused),
        ({"name": "New", "condition": {"rules": []}}, ConditionRefused),
        ({"name": "New", "text": "ordered", "group_id": 987654}, GroupNotFound),
    )
    for given, problem in refused:
        with pytest.raises(problem):
            service.save_group(filled, clock=clock, **given)
    assert TargetGroup.objects.count() == TargetGroupVersion.objects.count() == 1


def test_another_account_sees_none_of_it(filled, clock):
    group = service.save_group(filled, name="Mine", text="ordered", clock=clock)
    other = accounts.create_account(name="Birch", zone="UTC", currency="EUR", clock=clock).id
    assert service.list_groups(other) == ()
    for asked in (lambda: service.get_group(other, group.id), lambda: service.find_group(other, "Mine")):
        with pytest.raises(GroupNotFound):
            asked()


def test_count_and_members(filled, tmp_path):
    found = service.count(filled, condition(filled, RECENT))
    assert (found.members, found.customers, found.as_of.isoformat()) == (1, 4, "2026-06-30")
    assert (found.email, found.sms) == (0, 0)
    assert found.stages == ()  # so few are not described
    everyone = condition(filled, "ordered or never ordered")
    assert service.members_count(filled, everyone) == 4
    target = tmp_path / "members.csv"
    assert (
        service.write_members(latest_snapshot(filled), condition(filled, "country is any of SE"), target) == 2
    )
    expected = sorted(surrogate_of(filled, name) for name in ("anna", "cleo"))
    assert [int(line) for line in target.read_text().splitlines()] == expected


def test_nobody_is_an_empty_list_and_no_condition_is_refused(filled, tmp_path):
    snapshot, target = latest_snapshot(filled), tmp_path / "members.csv"
    assert service.write_members(snapshot, condition(filled, "spent more than 100000"), target) == 0
    assert target.read_text() == ""
    target.unlink()
    for wrong in ({}, {"rules": []}, {"rules": [{"field": "gone", "operator": "=", "value": 1}]}):
        with pytest.raises(ConditionRefused):
            service.write_members(snapshot, wrong, target)
    assert not target.exists()


def test_a_sample_is_of_members_and_repeats_with_its_seed(filled):
    asked = condition(filled, "country is any of SE")
    people = service.sample(filled, asked, seed=3)
    assert {person.customer_id for person in people} == {"anna", "cleo"}
    assert people == service.sample(filled, asked, seed=3)
    assert people[0].values["country"] == "SE"


@pytest.mark.parametrize(
    ("text", "customer", "reasons"),
    [
        (RECENT, "anna", ()),
        (RECENT, "bert", ("spent more than 300 in the last 90 days: 20.00",)),
        (RECENT, "cleo", ("spent more than 300 in the last 90 days: 0.00",)),
        (
            RECENT,
            "dora",
            ("country is any of SE, NO: unknown", "spent more than 300 in the last 90 days: 0.00"),
        ),
        ("not (country is any of SE)", "anna", ("not (country is any of SE)",)),
        ("never ordered category Books", "bert", ("never ordered category Books: 1 time",)),
        ("largest order at least 500", "dora", ("largest order at least 500: no such order",)),
        ("ordered at least 3 times or country is any of NO", "anna",
         ("ordered at least 3 times: 2 times", "country is any of NO: SE")),
    ],
)  # fmt: skip
def test_why_a_customer_is_not_in_it(filled, text, customer, reasons):
    found = service.explain(filled, condition(filled, text), customer)
    assert found.reasons == reasons
    assert found.member == (reasons == ())


def test_an_unknown_customer_is_said_to_be_unknown(filled):
    with pytest.raises(UnknownCustomer):
        service.explain(filled, condition(filled, "ordered"), "nobody-known")


def test_why_nobody_counts_after_each_condition(filled):
    steps = service.why_nobody(
        filled, condition(filled, "country is any of SE and ordered and country is any of NO")
    )
    assert [(step.text, step.alone, step.after) for step in steps] == [
        ("country is any of SE", 2, 2),
        ("ordered", 3, 2),
        ("country is any of NO", 1, 0),
    ]
