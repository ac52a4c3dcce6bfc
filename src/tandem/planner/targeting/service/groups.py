"""Save, get and list target groups."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import Account
from tandem.planner.customers.service import catalogue
from tandem.planner.targeting.domain import GroupView, document
from tandem.planner.targeting.errors import GroupNotFound, GroupRefused
from tandem.planner.targeting.models import TargetGroup, TargetGroupVersion
from tandem.planner.targeting.reading import read, read_text
from tandem.planner.targeting.wording import to_text


def save_group(
    account_id: int,
    *,
    name: str,
    condition: dict[str, Any] | None = None,
    text: str = "",
    group_id: int | None = None,
    clock: Clock,
) -> GroupView:
    """Save a new group, or a new version of `group_id`, from a condition or its text.

    Raises GroupRefused (name), ConditionRefused or TextRefused; GroupNotFound for another account's group.
    """
    name = _checked_name(name)
    known = catalogue(account_id)
    tree = read_text(text, known) if condition is None else read(condition, known)
    try:
        with transaction.atomic():
            group = _open(account_id, group_id)
            changed = group.condition != document(tree) or group.name != name
            if changed:
                group.name, group.condition, group.text = name, document(tree), to_text(tree)
                group.version += 1
                group.priority = group.priority or _last(account_id) + 1
                group.changed_at = clock.business()
                group.save()
                _keep_version(group)
    except IntegrityError as error:
        if "targetgroup_name" not in str(error):
            raise
        raise GroupRefused(
            f"Another target group is called *{name}*.", "Choose another name.", field="name"
        ) from None
    return _view(group)


def get_group(account_id: int, group_id: int) -> GroupView:
    """One group of this account."""
    group = TargetGroup.objects.filter(account_id=account_id, id=group_id).first()
    if group is None:
        raise _missing(group_id)
    return _view(group)


def find_group(account_id: int, name_or_id: str) -> GroupView:
    """One group by its name or, failing that, its id."""
    groups = TargetGroup.objects.filter(account_id=account_id)
    group = groups.filter(name=name_or_id).first()
    if group is None and name_or_id.isascii() and name_or_id.isdigit() and len(name_or_id) < 19:
        group = groups.filter(id=int(name_or_id)).first()
    if group is None:
        raise _missing(name_or_id)
    return _view(group)


def named_group(account_id: int, name: str) -> GroupView:
    """One group by its name: letter by letter, else in any case. Raises GroupNotFound."""
    groups = TargetGroup.objects.filter(account_id=account_id, name__iexact=name.strip()).order_by("id")
    found = sorted(groups, key=lambda group: group.name != name.strip())
    if not found:
        raise _missing(name)
    return _view(found[0])


def list_groups(account_id: int) -> tuple[GroupView, ...]:
    """All groups of this account, highest priority first."""
    groups = TargetGroup.objects.filter(account_id=account_id).order_by("priority", "id")
    return tuple(_view(group) for group in groups)


def set_priority(account_id: int, group_id: int, priority: int, *, actor: str, clock: Clock) -> GroupView:
    """Give a group its place among all, 1 = highest; the others close up. Raises GroupNotFound, GroupRefused."""
    with transaction.atomic():
        _one_at_a_time(account_id)
        rows = TargetGroup.objects.select_for_update().filter(account_id=account_id)
        groups = list(rows.order_by("priority", "id"))
        chosen = next((group for group in groups if group.pk == group_id), None)
        if chosen is None:
            raise _missing(group_id)
        if not 1 <= priority <= len(groups):
            raise GroupRefused(
                f"There are {len(groups)} target groups, so no place {priority}.",
                f"Give a number from 1 to {len(groups)}.",
                field="priority",
            )
        groups.remove(chosen)
        groups.insert(priority - 1, chosen)
        for place, group in enumerate(groups, 1):
            group.priority = place
        TargetGroup.objects.bulk_update(groups, ["priority"])
        accounts.record(
            account_id, actor=actor, action="group.moved", subject=f"target group {group_id}",
            detail={"priority": priority}, clock=clock,
        )  # fmt: skip
    return _view(chosen)


def _last(account_id: int) -> int:
    _one_at_a_time(account_id)
    found = TargetGroup.objects.filter(account_id=account_id).aggregate(last=Max("priority"))
    return int(found["last"] or 0)


def _one_at_a_time(account_id: int) -> None:
    """Hold the account's order of groups to the end of the transaction."""
    Account.objects.select_for_update(no_key=True).get(id=account_id)  # the account itself


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise GroupRefused("Give the target group a name.", field="name")
    if len(name) > 200 or "\x00" in name:
        raise GroupRefused(
            "The name is too long or holds a control character.", "Use up to 200 letters.", field="name"
        )
    return name


def _open(account_id: int, group_id: int | None) -> TargetGroup:
    if group_id is None:
        return TargetGroup(account_id=account_id, version=0)
    group = TargetGroup.objects.select_for_update().filter(account_id=account_id, id=group_id).first()
    if group is None:
        raise _missing(group_id)
    return group


def _keep_version(group: TargetGroup) -> None:
    TargetGroupVersion.objects.create(
        account_id=group.account_id,
        group=group,
        version=group.version,
        name=group.name,
        condition=group.condition,
        text=group.text,
        changed_at=group.changed_at,
    )


def _missing(asked: object) -> GroupNotFound:
    return GroupNotFound(f"No target group {asked} is in this account.", "See: tandem groups list.")


def _view(group: TargetGroup) -> GroupView:
    return GroupView(
        id=group.pk,
        name=group.name,
        priority=group.priority,
        version=group.version,
        condition=group.condition,
        text=group.text,
        changed_at=group.changed_at,
    )
