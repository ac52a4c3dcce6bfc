"""Contacts at the messenger: hand them over by imports, read a dated copy of their consent."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

from tandem.clients.messenger import MessengerBusy, MessengerClient, upload_rows
from tandem.contract.messenger_api import Batch, Contact
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.planner.channels.domain import PushResult
from tandem.planner.channels.errors import ImportFailed, SettingsWrong
from tandem.planner.channels.models import ChannelAccount, TemplateCopy
from tandem.planner.channels.service.accounts import client_of, row_of
from tandem.planner.customers import service as customers
from tandem.planner.customers.domain import ConsentRow

REFRESH = timedelta(minutes=15)
#: after a failure, unless the messenger said how long to wait
TRY_AFTER = timedelta(minutes=1)
PATIENCE = 180.0
FULL_REFRESH = timedelta(hours=24)
ROWS_PER_IMPORT = 200_000
POLL_SECONDS = 0.25
POLL_LIMIT = 1200.0
RESERVED = frozenset({"all", "bounced", "unsubscribed"})
CHANGED_MODES = ("unsubscribed", "bounced")


def refresh_consent(account_id: int, channel_account_id: int, *, clock: Clock, full: bool = False) -> int:
    """Read consent from the messenger into the planner's dated copy; rows written.

    full: every contact, and rows no longer there are removed; otherwise only those who left or bounced.
    """
    row = row_of(account_id, channel_account_id)
    try:
        return _refresh(account_id, row, clock.business(), full=full)
    except Problem as problem:
        wait = timedelta(seconds=problem.seconds) if isinstance(problem, MessengerBusy) else TRY_AFTER
        later = clock.business() + max(wait, TRY_AFTER)
        ChannelAccount.objects.filter(account_id=account_id, pk=row.pk).update(consent_try_after=later)
        raise


def _refresh(account_id: int, row: ChannelAccount, read_at: datetime, *, full: bool) -> int:
    messenger = client_of(account_id, row, patience=PATIENCE)
    list_id = consent_list(account_id, row)
    modes = ("all",) if full or row.consent_full_at is None else CHANGED_MODES
    full = modes == ("all",)
    contacts = chain.from_iterable(messenger.contacts(list_id, mode) for mode in modes)
    written = customers.refresh_consent(account_id, row.pk, _consent(contacts), full=full, read_at=read_at)
    times = {
        "consent_read_at": read_at,
        "consent_try_after": None,
        **({"consent_full_at": read_at} if full else {}),
    }
    ChannelAccount.objects.filter(account_id=account_id, pk=row.pk).update(**times)
    return written


def refresh_due(now: datetime) -> tuple[tuple[int, int, bool], ...]:
    """(account, channel account, full) of every connection whose copy is too old."""
    # all accounts: the tick works for every account
    known = ChannelAccount.objects.exclude(templates_read_at=None).exclude(consent_try_after__gt=now)
    rows = known.values_list("account_id", "pk", "consent_read_at", "consent_full_at")
    due = []
    for account_id, pk, read, full in rows:
        if full is None or now - full >= FULL_REFRESH:
            due.append((account_id, pk, True))
        elif read is None or now - read >= REFRESH:
            due.append((account_id, pk, False))
    return tuple(due)


def push_contacts(
    account_id: int,
    channel_account_id: int,
    rows: Iterable[dict[str, str]],
    *,
    list_id: int | None = None,
    clock: Clock,
) -> PushResult:
    """Hand contacts to the messenger's list by its imports API (ADD), and wait until they are taken.

    rows: one mapping per contact, `originalId` among its names. Raises ImportFailed, SettingsWrong.
    """
    row = row_of(account_id, channel_account_id)
    messenger = client_of(account_id, row, patience=POLL_LIMIT)
    list_id = list_id or consent_list(account_id, row)
    batches: list[str] = []
    waiting, total, failed = iter(rows), 0, 0
    while part := list(islice(waiting, ROWS_PER_IMPORT)):
        columns = tuple(part[0])
        if "originalId" not in columns:
            raise SettingsWrong(
                "The contacts have no column originalId.", "Name the customer's id originalId."
            )
        kept = [one for one in part if one["originalId"] and one["originalId"] not in RESERVED]
        done = _import(messenger, list_id, upload_rows(kept, columns))
        total, batches = total + len(part), [*batches, done.id]
        failed += len(part) - len(kept) + max(0, len(kept) - done.processed if done.processed else 0)
    return PushResult(rows=total, batches=tuple(batches), failed=failed)


def consent_list(account_id: int, row: ChannelAccount) -> int:
    """The list whose consent counts: the set one, else that of the templates. Raises SettingsWrong."""
    if row.list_id is not None:
        return row.list_id
    known = TemplateCopy.objects.filter(
        account_id=account_id, channel_account_id=row.pk, gone=False, list_id__isnull=False
    )
    lists = {number for number in known.values_list("list_id", flat=True) if number is not None}
    if not lists:
        lists = {one.id for one in client_of(account_id, row).lists() if one.type_id == 1}
    if len(lists) == 1:
        return next(iter(lists))
    raise SettingsWrong(
        f"The account {row.name} has {len(lists) or 'no'} contact lists.",
        "Say which one the campaigns use.",
        field="list_id",
    )


def _consent(contacts: Iterable[Contact]) -> Iterator[ConsentRow]:
    seen: set[int] = set()
    for one in contacts:
        if one.id in seen or not one.original_id:
            continue  # who left may have bounced too
        seen.add(one.id)
        yield ConsentRow(
            customer_id=one.original_id,
            has_email=one.has_email,
            email_consent=one.email_consent,
            has_mobile=one.has_mobile,
            sms_consent=one.sms_consent,
        )


def _import(messenger: MessengerClient, list_id: int, body: bytes) -> Batch:
    batch = messenger.upload(list_id, messenger.start_import(list_id), body)
    deadline = time.monotonic() + POLL_LIMIT
    while time.monotonic() < deadline:
        found = messenger.batch(batch)
        if found.status == "FINISHED":
            return found
        if found.done:
            raise ImportFailed(
                f"The messenger ended batch {batch} with an error.", "Look at it in the messenger."
            )
        time.sleep(POLL_SECONDS)
    raise ImportFailed(
        f"Batch {batch} is not done after {POLL_LIMIT:.0f} seconds.", "Look at it in the messenger."
    )
