"""Mails that wait are read, each in a savepoint; what cannot be understood is put aside, and the next one is read."""

import logging
import time
from collections.abc import Iterable

from django.db import OperationalError, transaction

from tandem.kit.clock import Clock
from tandem.kit.failpoints import failpoint
from tandem.messenger.bounces import addresses, spool
from tandem.messenger.bounces.addresses import Ours
from tandem.messenger.bounces.answers import REPLY_KEPT
from tandem.messenger.bounces.domain import RAW_KEPT, Mail, MailState, What
from tandem.messenger.bounces.errors import NotOurs
from tandem.messenger.bounces.mime import MOST_BYTES
from tandem.messenger.bounces.models import InboundMail
from tandem.messenger.bounces.reading import read
from tandem.messenger.bounces.service import judging, replies
from tandem.messenger.bounces.service.facts import Known, known

log = logging.getLogger("tandem.bounces")
MOST_TRIES = 5
#: mails in one commit: a commit takes longer than a mail
AT_ONCE = 50
ROWS_KEPT = 4 * RAW_KEPT


def work_due(*, clock: Clock, seconds: float = 20.0) -> int:
    """Work off what waits, for at most so long; how many mails."""
    until, done, last = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        # all accounts: it is not known yet whose a mail is
        waiting = InboundMail.objects.filter(state=MailState.WAITING.value, pk__gt=last)
        ids = list(waiting.order_by("id").values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            return done
        last = ids[-1]
        done += _work_some(ids, clock)
    return done


def _work_some(ids: list[int], clock: Clock) -> int:
    """A few mails, committed together; their contents are deleted after. How many were worked off."""
    with transaction.atomic():
        worked = [_work(mail_id, clock) for mail_id in ids]
        failpoint("b3")
    for digest in filter(None, worked):
        spool.remove(digest)
    return sum(digest is not None for digest in worked)


def _work(mail_id: int, clock: Clock) -> str | None:
    """One mail, whose error is its own: the digest of content to delete, '' for none; None if it was not worked off."""
    try:
        with transaction.atomic():
            # all accounts: it is not known yet whose a mail is
            rows = InboundMail.objects.select_for_update(skip_locked=True, of=("self",))
            row = rows.filter(pk=mail_id, state=MailState.WAITING.value).first()
            if row is None:
                return None
            return "" if _settle(row, clock) else row.digest
    except OperationalError:
        raise
    except Exception:
        log.exception("bounces.mail.failed mail=%s", mail_id)
        _tried(mail_id, clock)
        return None


def _settle(row: InboundMail, clock: Clock) -> bool:
    """Read a mail and do what it asks; whether its content is kept."""
    content = spool.read(row.digest, MOST_BYTES)
    if content is None:
        return _end(
            row, MailState.QUARANTINED, clock, why="Its content is missing from the spool.", kept=False
        )
    try:
        ours = addresses.understood(row.recipient)
    except NotOurs as problem:
        return _end(row, MailState.QUARANTINED, clock, why=problem.detail)
    mail = read(content, null_sender=row.null_sender)
    message = known(_named(ours, mail))
    row.account_id = message.account_id if message else None
    why = _refusal(mail, message) or judging.apply(ours, mail, message, clock=clock)
    if why:
        return _end(row, MailState.QUARANTINED, clock, why=why)
    if mail.what is What.REPLY and ours.kind == "b" and message is not None:
        replies.keep(row, message, content, clock=clock)
        return _end(row, MailState.REPLY, clock)
    return _end(row, MailState.DONE, clock, kept=False)


def _named(ours: Ours, mail: Mail) -> Iterable[tuple[int, int]]:
    """The messages that a mail is about, what is surest first: the address it came to, then what it returns."""
    if ours.message:
        yield ours.message
    for message_id in mail.message_ids:
        found = addresses.message_of_id(message_id)
        if found:
            yield found


def _refusal(mail: Mail, message: Known | None) -> str:
    if mail.what is What.UNREADABLE:
        return mail.why
    if message is None:
        return "It names no message that is known here."
    return ""


def _end(row: InboundMail, state: MailState, clock: Clock, *, why: str = "", kept: bool = True) -> bool:
    row.state, row.why, row.kept, row.done_at = state.value, why[:300], kept, clock.system()
    row.save(update_fields=["account", "state", "why", "kept", "done_at"])
    return kept


def _tried(mail_id: int, clock: Clock) -> None:
    with transaction.atomic():
        # all accounts: it is not known yet whose a mail is
        row = InboundMail.objects.select_for_update(of=("self",)).get(pk=mail_id)
        row.tries += 1
        row.save(update_fields=["tries"])
        if row.tries >= MOST_TRIES:
            _end(row, MailState.QUARANTINED, clock, why="It could not be worked off; the log says why.")


def clear_old(*, clock: Clock) -> int:
    """Delete contents after their time, and files that no row knows; how many rows' contents."""
    now = clock.system()
    # all accounts: it is not known whose the mails are
    old = InboundMail.objects.filter(kept=True, arrived_at__lt=now - RAW_KEPT).exclude(
        state__in=[MailState.WAITING.value, MailState.REPLY.value]
    )
    # all accounts: replies of every account are kept as long
    told = InboundMail.objects.filter(state=MailState.REPLY.value, arrived_at__lt=now - REPLY_KEPT)
    digests = list(old.values_list("digest", flat=True)[:10_000])
    digests += told.values_list("digest", flat=True)[:10_000]
    for digest in digests:
        spool.remove(digest)
    # all accounts: it is not known whose the mails are
    InboundMail.objects.filter(digest__in=digests).update(kept=False)
    told.filter(kept=False).delete()
    # all accounts: it is not known whose the mails are
    InboundMail.objects.filter(state=MailState.DONE.value, arrived_at__lt=now - ROWS_KEPT).delete()
    _clear_files(now.timestamp())
    return len(digests)


def _clear_files(now: float) -> None:
    """Files that a killed process left: a day old and wanted by no row."""
    for path in spool.files():
        if now - path.stat().st_mtime < 86_400:
            continue
        # all accounts: it is not known whose the mails are
        if not InboundMail.objects.filter(digest=path.name.split(".")[0], kept=True).exists():
            path.unlink(missing_ok=True)
