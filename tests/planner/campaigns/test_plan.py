"""A plan is refused in the rule, the service and the database; what is refused leaves nothing behind."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from tests.fixtures import shop as shops

from tandem.kit.problems import NotFound
from tandem.kit.zones import NoSuchLocalTime
from tandem.planner.campaigns import service
from tandem.planner.campaigns.domain import (
    MoveRefused,
    OccurrenceState,
    PlanRefused,
    TemplateShare,
    TemplatesRefused,
    TimeRefused,
)
from tandem.planner.campaigns.models import Campaign, CampaignTemplate
from tandem.planner.listeners import service as listeners


def test_a_campaign_is_planned_scheduled_and_cancelled(shop):
    account = shop.account.pk
    draft = service.plan_campaign(account, shop.plan(), clock=shop.clock)
    assert (draft.state, draft.project_name, draft.channel_id) == (
        OccurrenceState.DRAFT,
        "Spring win-back",
        504,
    )
    assert draft.send_at.isoformat() == "2026-07-01T10:00:00+00:00"
    assert draft.send_at - draft.lock_at == timedelta(minutes=15)
    scheduled = service.schedule_campaign(account, draft.id, clock=shop.clock)
    assert scheduled.state == OccurrenceState.SCHEDULED
    assert service.cancel_campaign(account, draft.id, clock=shop.clock).state == OccurrenceState.CANCELLED
    with pytest.raises(MoveRefused):
        service.schedule_campaign(account, draft.id, clock=shop.clock)


def test_a_template_of_another_project_is_refused_by_the_service_in_its_words(shop):
    plan = shop.plan(templates=(TemplateShare(11, 50), TemplateShare(21, 50)))
    with pytest.raises(TemplatesRefused) as refused:
        service.plan_campaign(shop.account.pk, plan, clock=shop.clock)
    assert refused.value.detail == (
        "Choose templates from one project. Template 21 belongs to Loyalty club, the others to Spring win-back."
    )
    assert not Campaign.objects.filter(account=shop.account).exists()


@pytest.mark.parametrize("project", [1, 2])
def test_a_template_of_another_project_is_refused_by_the_database(shop, project):
    made = service.plan_campaign(shop.account.pk, shop.plan(), clock=shop.clock)
    row = CampaignTemplate(
        account=shop.account,
        campaign_id=made.id,
        channel_account_id=shop.connection,
        project_id=project,
        template_id=21,
        share=50,
        place=1,
    )
    with (
        pytest.raises(IntegrityError, match=r"template_of_the_campaigns_project|template_is_in_the_project"),
        transaction.atomic(),
    ):
        row.save()


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"name": " "}, PlanRefused, "Give the campaign a name."),
        ({"templates": ()}, TemplatesRefused, "Choose a project, then at least one of its templates."),
        ({"templates": (TemplateShare(99, 100),)}, TemplatesRefused, "not among those last read"),
        ({"templates": (TemplateShare(13, 100),)}, TemplatesRefused, "cannot go by email"),
        ({"templates": (TemplateShare(11, 60), TemplateShare(12, 30))}, TemplatesRefused, "make 100 %"),
        ({"control_percent": Decimal(100)}, PlanRefused, "control group"),
        ({"channel": "fax"}, PlanRefused, "Choose email or SMS."),
        ({"day": date(2026, 6, 30)}, TimeRefused, "in the past"),
        ({"time": time(10, 5)}, TimeRefused, "at least 15 minutes from now"),
        ({"day": date(2027, 3, 28), "time": time(2, 30)}, NoSuchLocalTime, "so that time does not exist"),
        ({"group_id": 987654}, NotFound, "987654"),
        ({"channel_account_id": 987654}, NotFound, "no account 987654"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(shop, changed, error, words):
    with pytest.raises(error, match=words):
        service.plan_campaign(shop.account.pk, shop.plan(**changed), clock=shop.clock)
    assert not Campaign.objects.filter(account=shop.account).exists()


def test_a_refused_change_keeps_the_plan(shop):
    made = service.plan_campaign(shop.account.pk, shop.plan(), clock=shop.clock)
    with pytest.raises(TemplatesRefused):
        service.change_campaign(
            shop.account.pk, made.id, shop.plan(templates=(TemplateShare(21, 100),)), clock=shop.clock
        )
    changed = service.change_campaign(
        shop.account.pk,
        made.id,
        shop.plan(project_id=2, templates=(TemplateShare(21, 100),), time=time(13, 0)),
        clock=shop.clock,
    )
    assert (changed.project_name, changed.time) == ("Loyalty club", time(13, 0))
    assert [one.template_id for one in changed.templates] == [21]


def test_the_review_says_what_will_happen(shop):
    review = service.review(shop.account.pk, shop.plan(), clock=shop.clock)
    assert review.sentence.startswith("On Wed 1 Jul at 12:00 Stockholm time about ")
    assert review.sentence.endswith("The list is made at 11:45.")
    assert not Campaign.objects.filter(account=shop.account).exists()


def test_another_tenant_sees_nothing(shop):
    made = service.plan_campaign(shop.account.pk, shop.plan(), clock=shop.clock)
    other = shops.Account.objects.create(name="Other", zone="Europe/Stockholm", currency="EUR")
    assert service.list_campaigns(other.pk) == ()
    for verb in (service.schedule_campaign, service.cancel_campaign):
        with pytest.raises(NotFound):
            verb(other.pk, made.id, clock=shop.clock)
    with pytest.raises(NotFound):
        service.plan_campaign(other.pk, shop.plan(), clock=shop.clock)


def test_actions_are_numbered_densely_and_shared_by_name(shop):
    account = shop.account.pk
    names = ["Free shipping", "FREE shipping", "", "Bonus"]
    made = [service.plan_campaign(account, shop.plan(action=name), clock=shop.clock) for name in names]
    assert [(one.action_id, one.action) for one in made] == [
        (2, "Free shipping"), (2, "Free shipping"), (3, "We miss you"), (4, "Bonus"),
    ]  # fmt: skip
    other = shops.Account.objects.create(name="Other", zone="Europe/Stockholm", currency="EUR").pk
    assert [one.name for one in service.list_actions(other)] == ["DN"]
    for ask in (lambda: service.get_action(other, 2), lambda: service.find_action(other, "Bonus")):
        with pytest.raises(NotFound):
            ask()


def test_a_change_keeps_what_the_plan_says(shop):
    account = shop.account.pk
    draft = service.plan_campaign(account, shop.plan(tags=("a",), clearance_minutes=5), clock=shop.clock)
    assert draft.send_at - draft.clearance_at == timedelta(minutes=5)
    scheduled = service.schedule_campaign(account, draft.id, clock=shop.clock)
    assert (scheduled.tags, scheduled.clearance_at) == (("a",), draft.clearance_at)
    changed = service.change_campaign(account, draft.id, shop.plan(duration_days=3), clock=shop.clock)
    assert (changed.tags, changed.clearance_at, changed.duration_days) == ((), None, 3)
    assert changed.ends_on == changed.day + timedelta(days=3)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"duration_days": 0}, "duration"), ({"duration_days": 366}, "duration"), ({"action": "DN"}, "action"),
        ({"action": "a" * 201}, "action"), ({"notes": "n" * 2001}, "notes"), ({"tags": ("a", "a")}, "tags"),
        ({"tags": ("a,b",)}, "tags"), ({"tags": ("",)}, "tags"), ({"promo_codes": ("X",)}, "promo_codes"),
        ({"clearance_minutes": 15}, "clearance"),
    ],
)  # fmt: skip
def test_an_offer_that_cannot_be_leaves_nothing(shop, change, field):
    with pytest.raises(PlanRefused) as refused:
        service.plan_campaign(shop.account.pk, shop.plan(**change), clock=shop.clock)
    assert refused.value.field == field
    assert not Campaign.objects.filter(account=shop.account).exists()
    assert [one.id for one in service.list_actions(shop.account.pk)] == [1]


def test_the_review_of_a_conditional_campaign_says_who_decides(shop):
    def warnings():
        return service.review(shop.account.pk, shop.plan(clearance_minutes=5), clock=shop.clock).warnings

    decides = "Only customers whom a third party clears by 11:55 get it."
    unheard = "No listener is registered for event 5 yet; until one is, no third party hears of it."
    assert warnings()[:2] == (decides, unheard)
    url = "https://bonus.example.com/hook"
    listeners.register(shop.account.pk, event_type=5, channel_id=None, url=url, clock=shop.clock)
    assert decides in warnings()
    assert unheard not in warnings()
