"""Send Gates: whom an account asks before its sendings leave. A project's own stands before the account's."""

from collections.abc import Collection

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.webhooks.domain import Auth, Endpoint, GateView
from tandem.messenger.webhooks.errors import BadSubscription, UnknownGate
from tandem.messenger.webhooks.models import Gate
from tandem.messenger.webhooks.service.posting import endpoint_of
from tandem.messenger.webhooks.service.subscriptions import check_endpoint

MOST_MINUTES = 1440


@transaction.atomic
def set_gate(
    account_id: int,
    *,
    url: str,
    project_id: int | None = None,
    auth: str = Auth.NONE,
    auth_name: str = "",
    auth_secret: str = "",
    minutes: int = 0,
    enabled: bool = True,
    clock: Clock,
) -> GateView:
    """Keep the gate of the account, or of a project. minutes: send without an answer after; 0 = hold.

    An empty secret keeps the stored one. Raises BadSubscription.
    """
    if not 0 <= minutes <= MOST_MINUTES:
        raise BadSubscription(
            f"The wait must be between 0 and {MOST_MINUTES} minutes.", "Use 0 to hold.", field="minutes"
        )
    known = Gate.objects.filter(account_id=account_id, project_id=project_id).first()
    sealed = known.auth_sealed if known and known.auth == auth else ""
    values = check_endpoint(account_id, url, auth, auth_name, auth_secret, known=sealed)
    row, _ = Gate.objects.update_or_create(
        account_id=account_id,
        project_id=project_id,
        defaults={**values, "minutes": minutes, "enabled": enabled},
        create_defaults={
            **values,
            "minutes": minutes,
            "enabled": enabled,
            "created_at": clock.system(),
        },
    )
    return _view(row)


def remove_gate(account_id: int, gate_id: int) -> None:
    """Take a gate away; what it holds stays held until a person lets it go. Raises UnknownGate."""
    deleted, _ = Gate.objects.filter(account_id=account_id, pk=gate_id).delete()
    if not deleted:
        raise UnknownGate(f"There is no Send Gate {gate_id} in this account.", "List them to see their ids.")


def list_gates(account_id: int) -> list[GateView]:
    """The account's own first, then those of projects."""
    rows = Gate.objects.filter(account_id=account_id).order_by("project_id", "id")
    return sorted(map(_view, rows), key=lambda gate: gate.project_id or 0)


def gate_for(account_id: int, project_ids: Collection[int]) -> int | None:
    """The gate that a sending of these projects stands before, if there is one.

    A project whose own gate is switched off has none.
    """
    rows = {row.project_id: row for row in Gate.objects.filter(account_id=account_id)}
    mine = [rows.get(one, rows.get(None)) for one in sorted(project_ids)]
    return next((row.pk for row in mine if row is not None and row.enabled), None)


def get_gate(account_id: int, gate_id: int) -> GateView:
    """One gate. Raises UnknownGate."""
    return _view(_row(account_id, gate_id))


def gate_endpoint(account_id: int, gate_id: int) -> Endpoint:
    """Where to call a gate. Raises UnknownGate."""
    return endpoint_of(_row(account_id, gate_id))


def _row(account_id: int, gate_id: int) -> Gate:
    row = Gate.objects.filter(account_id=account_id, pk=gate_id).first()
    if row is None:
        raise UnknownGate(f"There is no Send Gate {gate_id} in this account.", "List them to see their ids.")
    return row


def _view(row: Gate) -> GateView:
    return GateView(
        id=row.pk,
        project_id=row.project_id,
        url=row.url,
        auth=Auth(row.auth),
        auth_name=row.auth_name,
        minutes=row.minutes,
        enabled=row.enabled,
    )
