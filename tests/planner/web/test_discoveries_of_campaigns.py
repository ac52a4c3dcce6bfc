"""What is asked of a past campaign: a planted effect is found by its group, and none where there is none."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests.fixtures import shop as shops

from tandem.planner.accounts.models import Account
from tandem.planner.campaigns.models import Occurrence
from tandem.planner.customers import service as customers
from tandem.planner.customers.domain import ConsentRow
from tandem.planner.customers.models import Customer
from tandem.planner.discovery import service
from tandem.planner.discovery.discovering import discover
from tandem.planner.discovery.service.telling import members_of
from tandem.planner.execution.models import ListRow
from tandem.planner.modelling import service as modelling
from tandem.planner.results.models import Interaction
from tandem.planner.targeting import service as targeting

PEOPLE = 1800
MAPPING = "customer=customer,at=date,value=amount,category=category"
KINDS = ("Bags", "Shoes", "Books")
#: chance of an order: without the campaign, and with it for those who buy shoes
USUAL, MOVED = 0.15, 0.65


def _orders(folder, lines, clock, account):
    file = folder / f"orders-{clock.now:%m%d}.csv"
    file.write_text("customer,date,amount,category\n" + "\n".join(lines) + "\n")
    customers.import_orders(account.pk, file, clock=clock, mapping=MAPPING)


def _campaign(shop, name):
    """Half of the customers are its control group; sent."""
    view = shops.scheduled(shop, name=name, control_percent=Decimal(50))
    Occurrence.objects.filter(id=view.occurrence_id).update(draw_key="0123456789abcdef" * 2)
    shop.clock.now = max(shop.clock.now, view.lock_at)
    shops.execution.make_list(shop.account.pk, view.occurrence_id, clock=shop.clock)
    Occurrence.objects.filter(id=view.occurrence_id).update(state="sent")
    rows = ListRow.objects.filter(account_id=shop.account.pk, occurrence_id=view.occurrence_id, action=2)
    return view.occurrence_id, frozenset(rows.values_list("customer", flat=True))


def _build(folder):
    clock = shops.FrozenClock(shops.NOW)
    account = Account.objects.create(name="Campaigned", zone="Europe/Stockholm", currency="EUR")
    rng = np.random.default_rng(3)
    kinds = rng.choice(KINDS, PEOPLE, p=(0.2, 0.3, 0.5))
    _orders(
        folder,
        [
            f"c{n},{shops.DAY - timedelta(days=int(rng.integers(1, 300)))},{rng.integers(10, 200)},{kind}"
            for n, kind in enumerate(kinds)
            for _ in range(int(rng.integers(1, 4)))
        ],
        clock, account,
    )  # fmt: skip
    connection = shops.connect(account.pk, "Campaigned at Symplify", clock)
    may = {"has_email": True, "email_consent": True, "has_mobile": False, "sms_consent": False}
    rows = [ConsentRow(customer_id=f"c{n}", **may) for n in range(PEOPLE)]
    customers.refresh_consent(account.pk, connection, rows, full=True, read_at=clock.business())
    modelling.build_snapshot(account.pk, date(2026, 6, 30), clock=clock)
    group = targeting.save_group(account.pk, name="Buyers", text="orders is at least 1", clock=clock)
    shop = shops.Shop(account=account, connection=connection, group=group.id, clock=clock)
    (moving, moved), (idle, got_idle) = _campaign(shop, "Moves shoes"), _campaign(shop, "Moves nobody")
    numbers = {int(name[1:]): pk for pk, name in Customer.objects.values_list("id", "customer_id")
               if name.startswith("c")}  # fmt: skip
    after = [
        f"c{n},{shops.DAY + timedelta(days=int(rng.integers(1, 29)))},60,{kind}"
        for n, kind in enumerate(kinds)
        if rng.random() < (MOVED if kind == "Shoes" and numbers[n] in moved else USUAL)
    ]
    clock.now += timedelta(days=40)
    _orders(folder, after, clock, account)
    modelling.build_snapshot(account.pk, shops.DAY + timedelta(days=40), clock=clock)
    _opened(account, moving, [numbers[n] for n, kind in enumerate(kinds) if numbers[n] in moved
                              and rng.random() < (0.7 if kind == "Books" else 0.2)])  # fmt: skip
    _opened(account, idle, [pk for pk in numbers.values() if pk in got_idle and rng.random() < 0.3])
    bought = {kind: {numbers[n] for n, one in enumerate(kinds) if one == kind} for kind in KINDS}
    return account, clock, moving, idle, bought


def _opened(account, occurrence_id, who):
    told = {"channel_id": 504, "template_id": 11, "event_id": 2, "recipient_group": 2, "times": 1}
    Interaction.objects.bulk_create(
        Interaction(account=account, occurrence_id=occurrence_id, customer=one, day=shops.DAY, **told)
        for one in who
    )


@pytest.fixture(scope="module")
def kept(keep):
    return keep(_build)


@pytest.fixture
def campaigned(kept, db, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("tandem.planner.discovery.discovering.SPLITS", 3)
    monkeypatch.setattr(
        "tandem.planner.discovery.service.running.discover",
        lambda *args, **told: discover(*args, **{**told, "depth": 2}),
    )
    return kept.take(settings, tmp_path)


def _found(account, clock, goal, occurrence_id):
    run = service.ask(
        account.pk, goal=goal, days=30, occurrence_id=occurrence_id, actor="test", clock=clock, wake=False
    )
    done = service.run_now(account.pk, run.id, clock=clock)
    assert (done.state, done.problem, done.looked_from) == ("done", "", date(2026, 6, 30))
    return done, service.groups_of(account.pk, run.id)


def _share(account, found, who):
    """How much of the group is of these customers."""
    members = members_of(customers.latest_snapshot(account.pk), found.condition)
    return len(who.intersection(members.tolist())) / len(members)


def test_a_campaign_that_moved_some_is_told_by_whom(campaigned):
    account, clock, moving, idle, bought = campaigned
    done, groups = _found(account, clock, "uplift_orders", moving)
    first = groups[0]
    assert done.subject == "Moves shoes" and _share(account, first, bought["Shoes"]) > 0.9
    assert first.estimate.mean == pytest.approx(MOVED - USUAL, abs=0.12), "their own effect"
    assert first.estimate.other == pytest.approx(0, abs=0.1), "that of the others"
    assert "points more bought with the campaign than without" in first.sentence
    assert first.alone is None, "an effect is no mean of one attribute"
    done, groups = _found(account, clock, "uplift_orders", idle)
    assert groups == () and done.how.why


def test_who_responded_is_told_of_those_who_got_it(campaigned, sign_in):
    """As asked for on the page, and shown there."""
    account, clock, moving, idle, bought = campaigned
    client = sign_in(account)
    answer = client.post("/ui/discoveries/ask", {"goal": "responds", "days": "30", "campaign": str(moving)})
    assert answer.status_code == 302
    run = service.latest_run(account.pk)
    service.run_now(account.pk, run.id, clock=clock)
    first = service.groups_of(account.pk, run.id)[0]
    assert _share(account, first, bought["Books"]) > 0.9 and "responded" in first.sentence
    assert first.estimate.mean == pytest.approx(0.7, abs=0.12)
    page = client.get("/ui/discoveries").content.decode()
    assert "Responded to a campaign: Moves shoes" in page and first.title in page
    done, groups = _found(account, clock, "responds", idle)
    assert groups == () and done.how.why and done.how.customers < PEOPLE * 0.6, (
        "the control group got nothing"
    )
