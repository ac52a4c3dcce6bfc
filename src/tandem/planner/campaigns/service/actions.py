"""Actions: what campaigns offer, under the numbers of the wire."""

from django.db.models import Max

from tandem.planner.accounts.models import Account
from tandem.planner.campaigns.errors import NoSuchAction
from tandem.planner.campaigns.models import Action
from tandem.planner.campaigns.offer import CONTROL, CONTROL_ACTION, CONTROL_NAME, FIRST_ACTION, ActionView


def action_row(account_id: int, name: str) -> Action:
    """The action of that name, whatever its case; a new one gets the next number. Inside a transaction."""
    known = Action.objects.filter(account_id=account_id, name__iexact=name).first()
    if known:
        return known
    # one at a time per account, so that numbers are dense
    Account.objects.select_for_update(no_key=True).get(pk=account_id)
    known = Action.objects.filter(account_id=account_id, name__iexact=name).first()
    if known:
        return known
    last = Action.objects.filter(account_id=account_id).aggregate(last=Max("number"))["last"]
    return Action.objects.create(account_id=account_id, name=name, number=(last or FIRST_ACTION - 1) + 1)


def list_actions(account_id: int) -> tuple[ActionView, ...]:
    """All actions by number, the control group's first."""
    rows = Action.objects.filter(account_id=account_id).order_by("number")
    return (CONTROL, *(ActionView(id=row.number, name=row.name) for row in rows))


def get_action(account_id: int, action_id: int) -> ActionView:
    """Raises NoSuchAction."""
    if action_id == CONTROL_ACTION:
        return CONTROL
    row = Action.objects.filter(account_id=account_id, number=action_id).first()
    if row is None:
        raise NoSuchAction(f"There is no action {action_id}.")
    return ActionView(id=row.number, name=row.name)


def find_action(account_id: int, name: str) -> ActionView:
    """By name, whatever its case. Raises NoSuchAction."""
    if name.strip().casefold() == CONTROL_NAME.casefold():
        return CONTROL
    row = Action.objects.filter(account_id=account_id, name__iexact=name.strip()).first()
    if row is None:
        raise NoSuchAction(f"There is no action {name!r}.")
    return ActionView(id=row.number, name=row.name)
