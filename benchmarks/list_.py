"""A customer list of n people, made and frozen in PostgreSQL by the execution service."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from benchmarks import data, measure

DAY = date(2026, 7, 1)
LEFT_OUT = 10


def run(n: int) -> dict[str, Any]:
    """Members, consent, control draw, rows, digest, event: all that happens at list time; one order per ten rows."""
    from tandem.kit.clock import FrozenClock
    from tandem.planner.execution import service as execution

    account_id = data.account_with_orders(10 * n)
    clock = FrozenClock(datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    occurrence_id, members = planned(account_id, clock)
    clock.move(hours=2)
    with measure.part():
        made = execution.make_list(account_id, occurrence_id, clock=clock)
    if made is None:
        raise SystemExit("The list was not made.")
    control, _control_sum = divmod(made.control * 1000, max(made.control + made.targeted, 1))
    if made.listed != members or made.listed != made.targeted + made.control + sum(made.skipped.values()):
        raise SystemExit(f"{members} members, but {made}")
    if not 90 <= control <= 110 and n > 20_000:
        raise SystemExit(f"The control group is {control} in a thousand, not 100.")
    return {
        "listed": made.listed,
        "rows_per_s": round(made.listed / max(measure.figures()["wall_s"], 0.001)),
        "checked": f"{members} members listed = targeted + control + skipped; control {control} in 1,000",
    }


def planned(
    account_id: int,
    clock: Any,
    *,
    templates: tuple[int, int] = (11, 12),
    control: int = 10,
    left_out: int = LEFT_OUT,
) -> tuple[int, int]:
    """A scheduled campaign to everybody, and how many that is; one customer in `left_out` has no consent, 0 = none."""
    from tandem.planner.campaigns import service as campaigns
    from tandem.planner.campaigns.domain import CampaignPlan, TemplateShare
    from tandem.planner.targeting import service as targeting

    connection = _connection(account_id, clock, templates, left_out)
    label = f"everybody {len(targeting.list_groups(account_id))}"
    group = targeting.save_group(account_id, name=label, text="ordered or never ordered", clock=clock)
    plan = CampaignPlan(
        name=label,
        group_id=group.id,
        channel="email",
        channel_account_id=connection,
        project_id=1,
        templates=(TemplateShare(templates[0], 50), TemplateShare(templates[1], 50)),
        day=DAY,
        time=time(10, 0),
        zone="UTC",
        control_percent=Decimal(control),
    )
    view = campaigns.plan_campaign(account_id, plan, clock=clock)
    view = campaigns.schedule_campaign(account_id, view.id, clock=clock)
    return view.occurrence_id, targeting.members_count(account_id, group.condition)


def _connection(account_id: int, clock: Any, templates: tuple[int, int], left_out: int) -> int:
    from tandem.planner.channels import service as channels
    from tandem.planner.channels.models import ProjectCopy, TemplateCopy
    from tandem.planner.customers import service as customers
    from tandem.planner.customers.domain import ConsentRow

    made = channels.add_account(
        account_id,
        name=f"benchmark {len(channels.list_accounts(account_id))}",
        api_url="http://127.0.0.1:9/rest",
        customer_id=f"1{len(channels.list_accounts(account_id))}",
        token="benchmark",
    )
    now = clock.business() - timedelta(hours=1)
    keys = {"account_id": account_id, "channel_account_id": made.id, "project_id": 1, "read_at": now}
    ProjectCopy.objects.create(name="Benchmark", **keys)
    for number in templates:
        TemplateCopy.objects.create(
            template_id=number,
            name=f"T{number}",
            channel="email",
            active=True,
            active_campaign=number,
            **keys,
        )
    # Read before the copying starts: one connection does one of the two at a time.
    people = list(customers.customer_ids(account_id))
    rows = (
        ConsentRow(
            customer_id=one,
            has_email=True,
            email_consent=not left_out or number % left_out != 0,
            has_mobile=False,
            sms_consent=False,
        )
        for number, one in enumerate(people)
    )
    customers.refresh_consent(account_id, made.id, rows, full=True, read_at=now)
    return made.id
