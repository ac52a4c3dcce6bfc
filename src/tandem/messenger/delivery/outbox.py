"""Reading the built-in outbox: a page of it, one message, how many there are."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from pathlib import Path

from django.conf import settings

from tandem.messenger.delivery.domain import Channel, OutboxMessage
from tandem.messenger.delivery.errors import SendingNotFound
from tandem.messenger.delivery.models import Sending
from tandem.messenger.delivery.providers import file


def outbox(
    account_id: int,
    channel: str | None = None,
    limit: int = 50,
    before: str | None = None,
    *,
    root: Path | None = None,
) -> list[OutboxMessage]:
    """Messages of the latest sendings first; `before` = name of the last one shown. Only those shown are opened.

    root: another outbox than that of sendings.
    """
    found: list[tuple[tuple[int, int], Path, Channel]] = []
    for each in [Channel(channel)] if channel else list(Channel):
        box = file.folder(root or _root(), account_id, each)
        found += [(file.order(path.name), path, each) for path in file.newest(box, limit, before)]
    found.sort(key=lambda one: one[0], reverse=True)
    return [_read(path, each, whole=False) for _, path, each in found[:limit]]


def outbox_message(account_id: int, channel: str, name: str, *, root: Path | None = None) -> OutboxMessage:
    """One message with its content. Raises SendingNotFound."""
    path = file.find(file.folder(root or _root(), account_id, channel), name)
    if path is None:
        raise SendingNotFound("There is no such message in the outbox.", "Go back to the outbox.")
    return _read(path, Channel(channel), whole=True)


def outbox_count(account_id: int, campaign_id: int | None = None, channel: str | None = None) -> int:
    """Distinct messages (by Message-ID) read back from the outbox; opens every file of the campaign."""
    channels = [Channel(channel)] if channel else list(Channel)
    sendings = None
    if campaign_id is not None:
        rows = Sending.objects.filter(account_id=account_id, campaign_id=campaign_id)
        sendings = list(rows.values_list("pk", flat=True))
    return sum(file.distinct(file.folder(_root(), account_id, each), sendings) for each in channels)


def outbox_sizes(account_id: int) -> dict[str, int]:
    """Files per channel; opens none."""
    return {each.value: file.size(file.folder(_root(), account_id, each)) for each in Channel}


def _root() -> Path:
    return Path(settings.TANDEM_HOME) / "outbox"


def _read(path: Path, channel: Channel, *, whole: bool) -> OutboxMessage:
    raw = path.read_bytes()
    message = message_from_bytes(raw, policy=policy.compat32)
    return OutboxMessage(
        name=path.name.split(":")[0],
        channel=channel,
        at=file.written_at(path),
        to=_header(message, "To"),
        sender=_header(message, "From"),
        subject=_header(message, "Subject"),
        campaign_id=_header(message, "X-Tandem-Campaign"),
        message_id=_header(message, "Message-ID"),
        raw=raw if whole else b"",
        html=_part(message, "text/html") if whole else "",
        text=_part(message, "text/plain") if whole or channel is Channel.SMS else "",
    )


def _header(message: Message, name: str) -> str:
    return str(make_header(decode_header(message.get(name, ""))))


def _part(message: Message | EmailMessage, kind: str) -> str:
    for part in message.walk():
        if part.get_content_type() == kind:
            payload = part.get_payload(decode=True)
            return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return ""
