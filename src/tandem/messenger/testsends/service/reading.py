"""Tests read back: one with its answers, the latest ones, what the file provider wrote; a person's are erased."""

from collections.abc import Iterable
from pathlib import Path

from tandem.kit.clock import Clock
from tandem.messenger.contacts.keys import customer_key
from tandem.messenger.delivery import outbox
from tandem.messenger.delivery.domain import Channel, OutboxMessage
from tandem.messenger.delivery.providers import file
from tandem.messenger.testsends.domain import UNHEARD_AFTER, Fate, Line, TestSend
from tandem.messenger.testsends.errors import UnknownTest
from tandem.messenger.testsends.models import AllowedAddress, SentTest
from tandem.messenger.testsends.service import handing


def show(account_id: int, key: str, *, repeated: bool = False, clock: Clock) -> TestSend:
    """One test as it stands. Raises UnknownTest."""
    rows = list(SentTest.objects.filter(account_id=account_id, run=key, kind="test").order_by("pk"))
    if not rows:
        raise UnknownTest("There is no such test.", "Send it again.")
    return _view(rows, _names(account_id), repeated=repeated, clock=clock)


def recent(
    account_id: int, *, trigger_id: int | None = None, limit: int = 20, clock: Clock
) -> tuple[TestSend, ...]:
    """The latest tests, newest first."""
    rows = SentTest.objects.filter(account_id=account_id, kind="test")
    if trigger_id is not None:
        rows = rows.filter(trigger_id=trigger_id)
    runs: dict[str, list[SentTest]] = {}
    for row in rows.order_by("-at", "pk")[: limit * 20]:
        runs.setdefault(row.run, []).append(row)
    names = _names(account_id)
    return tuple(_view(found, names, clock=clock) for found in list(runs.values())[:limit])


def sent_messages(account_id: int, limit: int = 50) -> list[OutboxMessage]:
    """What the file provider wrote of tests and codes, newest first."""
    return outbox.outbox(account_id, None, limit, root=handing.outbox_home() / "outbox")


def message(account_id: int, channel: str, name: str) -> OutboxMessage:
    """One of them with its content. Raises SendingNotFound."""
    return outbox.outbox_message(account_id, channel, name, root=handing.outbox_home() / "outbox")


def forget(account_id: int, original_id: str, *, dry_run: bool = False) -> dict[str, int]:
    """Delete the tests that were rendered as this person from the tests' outbox; place -> count."""
    rows = SentTest.objects.filter(account_id=account_id, customer_key=customer_key(account_id, original_id))
    files = [
        path
        for row, channel in rows.values_list("pk", "channel")
        if (path := file.find(_box(account_id, channel), file.file_name(0, row)))
    ]
    if not dry_run:
        for path in files:
            path.unlink(missing_ok=True)
        rows.update(customer_key="")
    return {"test messages": len(files)}


def _box(account_id: int, channel: str) -> Path:
    return file.folder(handing.outbox_home() / "outbox", account_id, Channel(channel))


def _names(account_id: int) -> dict[str, str]:
    """Keyed hash -> address, of those still on the list."""
    return dict(AllowedAddress.objects.filter(account_id=account_id).values_list("key", "address"))


def _view(
    rows: Iterable[SentTest], names: dict[str, str], *, repeated: bool = False, clock: Clock
) -> TestSend:
    rows = list(rows)
    return TestSend(
        key=rows[0].run,
        trigger_id=rows[0].trigger_id or 0,
        version_id=rows[0].version_id or 0,
        at=rows[0].at,
        repeated=repeated,
        lines=tuple(_line(row, names, clock) for row in rows),
    )


def _line(row: SentTest, names: dict[str, str], clock: Clock) -> Line:
    fate, answer = Fate(row.fate), row.answer
    if fate is Fate.WAITING and clock.system() - row.at > UNHEARD_AFTER:
        fate, answer = Fate.UNCERTAIN, "The provider's answer was not heard."
    return Line(
        id=row.pk, channel=row.channel, to=names.get(row.key, "an address no longer on the list"), fate=fate,
        answer=answer, note=row.note, done_at=row.done_at,
    )  # fmt: skip
