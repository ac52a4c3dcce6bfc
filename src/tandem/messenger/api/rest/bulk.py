"""DTOs of generation jobs and exports."""

from collections.abc import Iterator
from datetime import UTC, datetime

from tandem.messenger.api.rest import wire, wire_messages
from tandem.messenger.api.rest.wire import Json, ms
from tandem.messenger.contacts.domain import ListView
from tandem.messenger.exports.domain import Event, ExportType, ExportView
from tandem.messenger.exports.service import Record
from tandem.messenger.jobs.domain import Entry, JobState, JobView
from tandem.messenger.messages.domain import MessageView
from tandem.messenger.projects.domain import ProjectView

#: the kind of event, and the same in the words of the older form
_WORDS = {
    ExportType.SENT: ("SENT", "MailSent"),
    ExportType.OPENS: ("OPENED", "MailOpened"),
    ExportType.CLICKS: ("CLICKED", "ClickedLink"),
    ExportType.HARD_BOUNCES: ("HARD_BOUNCE", "HardBounce"),
    ExportType.SOFT_BOUNCES: ("SOFT_BOUNCE", "SoftBounce"),
    ExportType.OPTOUTS: ("OPTOUT", "OptOut"),
}


def job(view: JobView) -> Json:
    """JobDto; what follows the feedback is our own addition."""
    return {
        "id": view.id,
        "campaignId": view.version_id,
        "listId": view.list_id,
        "contentUploaded": view.state is not JobState.WAITING,
        "feedback": [_entry(one) for one in view.entries],
        "type": view.kind.value,
        "triggerId": view.trigger_id,
        "deliveryTime": ms(view.deliver_at),
        "recipients": view.recipients,
        "sendingId": view.sending_id or 0,
    }


def _entry(entry: Entry) -> Json:
    dto = {"feedback": entry.said, "severity": entry.severity.value, "timestamp": ms(entry.at)}
    return {**dto, "detail": entry.detail} if entry.detail else dto


def export(view: ExportView, account_id: int) -> Json:
    """BatchDto of an export."""
    return {
        "id": view.id,
        "type": "STAT_EXPORT",
        "customerId": account_id,
        "startTime": ms(view.started_at),
        "endTime": ms(view.finished_at),
        "affected": view.total,
        "processed": view.total,
        "total": view.total,
        "status": view.status,
        "exportType": view.type.value,
    }


def exported(record: Record) -> Iterator[Json]:
    """A record of a result: things as they are elsewhere in this API, events in the words of webhooks."""
    if isinstance(record, Event):
        yield _event(record)
    elif isinstance(record, MessageView):
        yield wire_messages.message(record)
    elif isinstance(record, ListView):
        yield wire.contact_list(record)
    elif isinstance(record, ProjectView):
        yield wire.project(record)
    else:
        of = {"triggerId": record.id, "projectId": record.project_id, "listId": record.list_id}
        yield from ({**version, **of} for version in wire.trigger(record)["campaignVersions"])


def _event(event: Event) -> Json:
    kind, description = _WORDS[event.type]
    dto = {
        "module": "CAMPAIGN",
        "channel": event.channel.upper(),
        "messageType": kind,
        "description": description,
        "eventId": event.id,
        "listId": event.list_id,
        "list": event.list_name,
        "contactId": event.original_id,
        "carmaContactId": event.contact_id,
        "timestamp": _iso(event.at),
    }
    if event.link_target:
        dto["linkTarget"] = event.link_target
    if event.version_id is None or event.sent_at is None:
        return dto
    return {
        **dto,
        "campaignId": event.version_id,
        "campaign": event.trigger,
        "projectId": event.project_id,
        "project": event.project,
        "sentTimestamp": _iso(event.sent_at),
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
