"""What was planned and listed before there were actions gets what new campaigns and lists have."""

from importlib import import_module

from django.db import connection
from tests.fixtures import shop as shops

from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.models import Action, Campaign
from tandem.planner.execution import queries
from tandem.planner.execution.models import CustomerList, ListRow


def run(module):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(import_module(f"tandem.planner.{module}").FORWARD)


def test_campaigns_get_actions_of_their_names(shop):
    account = shop.account.pk
    names = ["Win back", "win BACK", "DN", "dn", "Spring"]
    made = [
        campaigns.plan_campaign(account, shop.plan(name=name, action="x"), clock=shop.clock) for name in names
    ]
    other = shops.Account.objects.create(name="Other", zone="Europe/Stockholm", currency="EUR")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE planner_campaigns_campaign ALTER COLUMN action_id DROP NOT NULL")
    Campaign.objects.update(action_id=None)
    Action.objects.all().delete()
    run("campaigns.migrations.0005_actions")
    found = [campaigns.get_campaign(account, one.id) for one in made]
    assert [(one.action_id, one.action) for one in found] == [
        (2, "Win back"), (2, "Win back"), (3, "DN (action)"), (3, "DN (action)"), (4, "Spring"),
    ]  # fmt: skip
    assert not Action.objects.filter(account=other).exists()
    assert campaigns.plan_campaign(account, shop.plan(action="New"), clock=shop.clock).action_id == 5


def test_control_groups_are_numbered_and_hashes_hold(shop):
    lists = [shops.frozen(shop, control_percent=30).occurrence_id for _ in range(2)]
    rows = ListRow.objects.filter(account=shop.account).order_by("occurrence_id", "customer")
    before = list(rows.values_list("occurrence_id", "customer", "seq", "action"))
    rows.filter(action=1).update(seq=None)
    assert list(rows.values_list("occurrence_id", "customer", "seq", "action")) != before
    run("execution.migrations.0003_control_seq")
    assert list(rows.values_list("occurrence_id", "customer", "seq", "action")) == before
    for occurrence in lists:
        head = CustomerList.objects.get(account=shop.account, occurrence_id=occurrence)
        assert head.sha256 == queries.list_hash(shop.account.pk, occurrence)
