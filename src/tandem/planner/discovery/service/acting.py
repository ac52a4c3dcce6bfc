"""What a person does with a group that was found: make a target group of it, or never see it again."""

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service as customers
from tandem.planner.customers.rights import LEAST_DESCRIBED
from tandem.planner.discovery.domain import MOST_ALIKE
from tandem.planner.discovery.errors import DiscoveryNotFound, TooFewToday
from tandem.planner.discovery.models import Discovery, Dismissed
from tandem.planner.discovery.service.showing import discovery_row, dismissals
from tandem.planner.discovery.service.telling import alike, members_of
from tandem.planner.discovery.views import DismissedView
from tandem.planner.targeting import service as targeting
from tandem.planner.targeting.domain import GroupView

_LONGEST = 200


def make_group(account_id: int, discovery_id: int, *, name: str = "", actor: str, clock: Clock) -> GroupView:
    """An editable target group with the same condition; the one already made, if there is one.

    name: empty takes the discovery's title. Raises DiscoveryNotFound, GroupRefused, TooFewToday.
    """
    row = discovery_row(account_id, discovery_id)
    if row.group_id is not None:
        return targeting.get_group(account_id, row.group_id)
    if targeting.members_count(account_id, row.condition) < LEAST_DESCRIBED:
        raise TooFewToday(
            "Fewer than 50 people are in this group today.", "Search again: the customers have changed."
        )
    with transaction.atomic():
        locked = Discovery.objects.select_for_update().get(account_id=account_id, id=discovery_id)
        if locked.group_id is not None:
            return targeting.get_group(account_id, locked.group_id)
        group = targeting.save_group(
            account_id, name=name or _free(account_id, row.title), condition=row.condition, clock=clock
        )
        locked.group_id = group.id
        locked.save(update_fields=["group"])
        accounts.record(
            account_id, actor=actor, action="discovery.group_made", subject=f"target group {group.id}",
            detail={"discovery": discovery_id}, clock=clock,
        )  # fmt: skip
    return group


def _free(account_id: int, title: str) -> str:
    """The title, with a number where a group is called so already."""
    taken = {one.name for one in targeting.list_groups(account_id)}
    name = " ".join(title.split())[: _LONGEST - 8]
    numbered = (name if place == 1 else f"{name} {place}" for place in range(1, len(taken) + 2))
    return next(one for one in numbered if one not in taken)


def dismiss(account_id: int, discovery_id: int, *, actor: str, clock: Clock) -> DismissedView:
    """Not interesting: this group and groups much like it are not shown for this goal. Twice changes nothing."""
    row = discovery_row(account_id, discovery_id)
    if row.hidden_by_id is None:
        others = _much_like(row)
        with transaction.atomic():
            made = Dismissed.objects.create(
                account_id=account_id, goal=row.run.goal, direction=row.direction, condition=row.condition,
                title=row.title, text=row.text, at=clock.business(), by=actor[:200],
            )  # fmt: skip
            shown = Discovery.objects.filter(account_id=account_id, hidden_by=None)
            shown.filter(id__in=[row.pk, *others]).update(hidden_by=made)
            accounts.record(
                account_id,
                actor=actor,
                action="discovery.dismissed",
                subject=f"discovery {row.pk}",
                clock=clock,
            )
        number = made.pk
    else:
        number = row.hidden_by_id
    return next(one for one in dismissals(account_id) if one.id == number)


def _much_like(row: Discovery) -> list[int]:
    """Other groups of the goal, found earlier, that hold much the same people today."""
    shown = Discovery.objects.filter(
        account_id=row.account_id, run__goal=row.run.goal, direction=row.direction, hidden_by=None
    ).exclude(id=row.pk)
    newest = list(shown.order_by("-id")[:40])
    if not newest:
        return []
    snapshot = customers.latest_snapshot(row.account_id)
    own = members_of(snapshot, row.condition)
    return [
        one.pk
        for one in newest
        if one.condition == row.condition or alike(own, members_of(snapshot, one.condition)) >= MOST_ALIKE
    ]


def undo_dismissal(account_id: int, dismissed_id: int, *, actor: str, clock: Clock) -> DismissedView:
    """Show it again."""
    view = next((one for one in dismissals(account_id) if one.id == dismissed_id), None)
    if view is None:
        raise DiscoveryNotFound(
            f"There is no decision {dismissed_id} in this account.", "See: tandem discover list."
        )
    with transaction.atomic():
        Dismissed.objects.filter(account_id=account_id, id=dismissed_id).delete()
        accounts.record(
            account_id, actor=actor, action="discovery.shown_again", subject=f"decision {dismissed_id}",
            clock=clock,
        )  # fmt: skip
    return view
