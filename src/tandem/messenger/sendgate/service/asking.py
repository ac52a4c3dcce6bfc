"""Asking the gate: each held sending gets a hold, time-outs are watched, gates are called until they acknowledge."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import transaction

from tandem.kit import secrets
from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.accounts.models import Account
from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import holding
from tandem.messenger.delivery.models import Sending, SendingTemplate
from tandem.messenger.projects import service as projects
from tandem.messenger.sendgate.domain import ASK_SECONDS, HoldState, ask_again
from tandem.messenger.sendgate.models import Hold
from tandem.messenger.sendgate.service.file import file_url
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import Endpoint, moment
from tandem.messenger.webhooks.errors import UnknownGate

REMOVED = "The Send Gate was removed. Let the sending go or cancel it."


def look(clock: Clock) -> None:
    """Once per tick: holds for sendings newly held, time-outs, late cut-offs, sendings that ended meanwhile."""
    for account_id, sending_id, gate_id in holding.held_sendings():
        _look_at(account_id, sending_id, gate_id, clock)


def to_ask(clock: Clock) -> list[tuple[int, int]]:
    """(account, hold) of each whose gate is to be called now."""
    # all accounts: the tick works for every account
    rows = Hold.objects.filter(ended_at__isnull=True, asked_at__isnull=True, next_at__lte=clock.system())
    return list(rows.order_by("id").values_list("account_id", "pk"))


def ask(account_id: int, hold_id: int, *, clock: Clock) -> bool:
    """Call the gate once; whether it acknowledged. Called again until it does: the same address, the same question."""
    taken = _take(account_id, hold_id, clock)
    if taken is None:
        return False
    row, endpoint, body = taken
    failpoint("gate.asked")
    heard = webhooks.post(
        endpoint, body, message_id=f"gate_{row.pk}", seconds=ASK_SECONDS, now=clock.system()
    )
    values: dict[str, object] = {"last_words": heard.words[:300]}
    if heard.good:
        values["asked_at"] = clock.system()
    Hold.objects.filter(account_id=account_id, pk=hold_id).update(**values)
    return heard.good


@transaction.atomic
def _look_at(account_id: int, sending_id: int, gate_id: int, clock: Clock) -> None:
    sending = holding.lock_held(account_id, sending_id)
    row = Hold.objects.select_for_update().filter(account_id=account_id, sending_id=sending_id).first()
    if sending is None:
        _ended(row, HoldState.ENDED, clock)
        holding.release(account_id, sending_id)  # it is over: there is nothing to claim
        return
    row = row or _begin(account_id, sending_id, gate_id, clock)
    last = holding.last_chance(account_id, sending_id)
    if last is not None and clock.business() > last:
        holding.miss(account_id, sending_id, clock.business())
        _ended(row, HoldState.MISSED, clock)
    elif row.until is not None and clock.system() >= row.until:
        holding.release(account_id, sending_id)
        _ended(row, HoldState.TIMED_OUT, clock)


def _begin(account_id: int, sending_id: int, gate_id: int, clock: Clock) -> Hold:
    token, now = secrets.new_token(), clock.system()
    try:
        minutes = webhooks.get_gate(account_id, gate_id).minutes
    except UnknownGate:
        minutes = 0
    return Hold.objects.create(
        account_id=account_id,
        sending_id=sending_id,
        gate_id=gate_id,
        token_hash=secrets.token_hash(token),
        token_sealed=settings.TANDEM_VAULT.seal(token, f"{account_id}:gate token"),
        state=HoldState.WAITING,
        since=now,
        until=now + timedelta(minutes=minutes) if minutes else None,
        next_at=now,
    )


def _ended(row: Hold | None, state: HoldState, clock: Clock) -> None:
    if row is not None and row.ended_at is None:
        row.state, row.ended_at = state, clock.system()
        row.save(update_fields=["state", "ended_at"])


@transaction.atomic
def _take(account_id: int, hold_id: int, clock: Clock) -> tuple[Hold, Endpoint, bytes] | None:
    """The hold, its next try already dated, so that two who ask do so one after the other."""
    rows = Hold.objects.select_for_update(skip_locked=True).filter(account_id=account_id, pk=hold_id)
    row = rows.filter(ended_at__isnull=True, asked_at__isnull=True, next_at__lte=clock.system()).first()
    if row is None:
        return None
    row.tries += 1
    row.next_at = clock.system() + timedelta(seconds=ASK_SECONDS) + ask_again(row.tries)
    try:
        endpoint = webhooks.gate_endpoint(account_id, row.gate_id)
    except UnknownGate:
        Hold.objects.filter(pk=row.pk, account_id=account_id).update(last_words=REMOVED, next_at=row.next_at)
        return None
    row.save(update_fields=["tries", "next_at"])
    return row, endpoint, orjson.dumps(question(row, clock))


def question(row: Hold, clock: Clock) -> dict[str, object]:
    """What the gate is sent: which sending, where its contacts are, where to answer."""
    sending = Sending.objects.get(account_id=row.account_id, pk=row.sending_id)
    zone = ZoneInfo(Account.objects.values_list("zone", flat=True).get(pk=row.account_id))
    token = settings.TANDEM_VAULT.open(row.token_sealed, f"{row.account_id}:gate token")
    url, expires = file_url(row, token, clock)
    return {
        "description": "SendGate",
        "customerId": row.account_id,
        "sendoutId": sending.pk,
        "sendout": sending.name,
        "channel": sending.channel.upper(),
        "recipients": sending.expected,
        "deliveryTime": moment(sending.due_at, zone),
        "campaigns": _campaigns(row.account_id, row.sending_id),
        "timestamp": moment(clock.business(), zone),
        "contactFileUri": url,
        "contactFileExpires": moment(expires, zone),
        "finishUri": f"{settings.TANDEM_PUBLIC_URL}/gate/{token}/finish",
    }


def _campaigns(account_id: int, sending_id: int) -> list[dict[str, object]]:
    rows = SendingTemplate.objects.filter(account_id=account_id, sending_id=sending_id).order_by(
        "template_id"
    )
    found: list[dict[str, object]] = []
    for row in rows:
        trigger = projects.get_trigger(account_id, row.template_id)
        found.append(
            {
                "triggerId": row.template_id,
                "campaignId": row.version_id,
                "campaign": trigger.name,
                "projectId": trigger.project_id,
                "project": projects.get_project(account_id, trigger.project_id).name,
                "listId": row.list_id,
                "list": finding.name_of_list(row.list_id),
            }
        )
    return found
