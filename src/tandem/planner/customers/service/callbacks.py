"""Call-backs: what came of a request, posted to the address the caller gave, again until it is taken."""

import logging
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from django.conf import settings
from django.db import transaction

from tandem.kit.clock import Clock
from tandem.kit.http import Http, dump_json
from tandem.kit.problems import Problem, Refused
from tandem.planner.customers.models import CallBack

log = logging.getLogger(__name__)

TIMEOUT = 15.0
LEASE = timedelta(seconds=60)
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 5 * 60, 30 * 60, 2 * 3600))


class BadAddress(Refused):
    """The address of a call-back cannot be used."""

    title = "The call-back's address cannot be used"


def checked(url: str) -> str:
    """The address in plain form; empty stays empty. Raises BadAddress."""
    text = url.strip()
    if text[:9].lower().startswith(("http%3a", "https%3a")):
        text = unquote_plus(text)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme.lower() in ("http", "https") and parts.hostname and "@" not in parts.netloc
        usable = usable and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(text) > 2000 or any(ord(char) <= 32 or ord(char) == 127 for char in text):
        raise BadAddress("Invalid CallbackURL", "Give an address like https://host/path.")
    return text


def enqueue(account_id: int, url: str, body: dict[str, Any], *, clock: Clock) -> None:
    """Write the call-back and a job for it, in the caller's transaction; nothing without an address."""
    if not url:
        return
    row = CallBack.objects.create(account_id=account_id, url="", body=body, next_at=clock.system())
    row.url = settings.TANDEM_VAULT.seal(url, where=_where(row))
    row.save(update_fields=["url"])
    _wake(row.pk)


def deliver(call_back_id: int, *, clock: Clock) -> bool:
    """Post it if it is due and nobody else is at it; taken or given up, the row goes. Whether it was tried."""
    row = _claim(call_back_id, clock)
    if row is None:
        return False
    url = str(settings.TANDEM_VAULT.open(row.url, where=_where(row)))
    try:
        answer = _http(settings.TANDEM_ALLOW_PRIVATE).request(
            "POST", url, headers={"Content-Type": "application/json"}, content=dump_json(row.body)
        )
        taken = 200 <= answer.status < 300
    except Problem:
        taken = False
    if taken or row.attempts >= len(PAUSES):
        if not taken:
            log.warning("customers.call_back.given_up account=%s", row.account_id)
        row.delete()
    else:
        row.next_at = clock.system() + PAUSES[row.attempts]
        row.attempts += 1
        row.save(update_fields=["next_at", "attempts"])
    return True


def due(*, clock: Clock, limit: int = 100) -> tuple[int, ...]:
    """Call-backs to post now, of all accounts, longest waiting first."""
    rows = CallBack.objects.filter(next_at__lte=clock.system())  # all accounts: the tick works for every one
    return tuple(rows.order_by("next_at").values_list("pk", flat=True)[:limit])


@transaction.atomic
def _claim(call_back_id: int, clock: Clock) -> CallBack | None:
    """The row, put out of the others' sight for a minute."""
    now = clock.system()
    rows = CallBack.objects.select_for_update(skip_locked=True)
    row = rows.filter(pk=call_back_id, next_at__lte=now).first()  # all accounts: a job names one row
    if row is not None:
        row.next_at = now + LEASE
        row.save(update_fields=["next_at"])
    return row


def _where(row: CallBack) -> str:
    return f"{row.account_id}:call-back {row.pk}"


def _wake(call_back_id: int) -> None:
    from tandem.planner.customers.tasks import wake  # tasks call the services, so not at the top

    wake(call_back_id)


@lru_cache(maxsize=4)
def _http(allow_private: tuple[str, ...]) -> Http:
    return Http(allow_private=allow_private, timeout=TIMEOUT, limit=64 * 1024, user_agent="Tandem-Planner")
