"""What became of messages, told to webhooks: a click, an opening, a bounce, an end of a subscription, a sending's end.

For rooms above: `publish(account_id, EventType..., [Fact(...)], clock=...)` inside the transaction of the fact. One
statement however many facts there are; one look-up where nobody in the account wants the type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from tandem.kit.clock import Clock
from tandem.messenger.delivery.models import Sending
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import Event, EventType

_OF_MESSAGES = """
SELECT f.at, t.list_id, l.name, a.customer, a.contact_id, t.version_id, v.name, g.project_id, p.name, a.done_at,
       'CAMPAIGN', upper(s.channel), f.more
FROM jsonb_to_recordset(%(facts)s::jsonb) AS f (attempt bigint, at timestamptz, more jsonb)
JOIN messenger_delivery_attempt a ON a.account_id = %(account)s AND a.id = f.attempt
JOIN messenger_delivery_sending s ON s.account_id = a.account_id AND s.id = a.sending_id
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = a.account_id AND t.sending_id = a.sending_id AND t.template_id = a.template_id
JOIN messenger_projects_trigger g ON g.account_id = t.account_id AND g.id = t.template_id
JOIN messenger_projects_project p ON p.account_id = g.account_id AND p.id = g.project_id
JOIN messenger_projects_triggerversion v ON v.account_id = t.account_id AND v.id = t.version_id
LEFT JOIN messenger_contacts_contactlist l ON l.account_id = t.account_id AND l.id = t.list_id
"""
_OF_SENDING = """
SELECT %(at)s::timestamptz, t.list_id, l.name, NULL::text, NULL::bigint, t.version_id, v.name, g.project_id, p.name,
       s.started_at, 'CAMPAIGN', upper(s.channel), %(more)s::jsonb -> t.template_id::text
FROM messenger_delivery_sending s
JOIN messenger_delivery_sendingtemplate t ON t.account_id = s.account_id AND t.sending_id = s.id
JOIN messenger_projects_trigger g ON g.account_id = t.account_id AND g.id = t.template_id
JOIN messenger_projects_project p ON p.account_id = g.account_id AND p.id = g.project_id
JOIN messenger_projects_triggerversion v ON v.account_id = t.account_id AND v.id = t.version_id
LEFT JOIN messenger_contacts_contactlist l ON l.account_id = t.account_id AND l.id = t.list_id
WHERE s.account_id = %(account)s AND s.id = %(sending)s
"""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened to a message. attempt_id: its row in the ledger; at: business time.

    more: further fields of the body, as `linkTarget` of a click.
    """

    attempt_id: int
    at: datetime
    more: Mapping[str, object] = field(default_factory=dict)


def publish(account_id: int, event_type: EventType, facts: Sequence[Fact], *, clock: Clock) -> int:
    """Tell what happened to messages of an account; how many events anybody wants."""
    if not facts:
        return 0
    given = [{"attempt": one.attempt_id, "at": one.at, "more": dict(one.more)} for one in facts]
    named = {"facts": orjson.dumps(given).decode()}
    return webhooks.publish_selected(account_id, event_type, _OF_MESSAGES, named, clock=clock)


def sending_ended(sending: Sending, totals: Sequence[Mapping[str, Any]], *, clock: Clock) -> int:
    """Sendout summary: one event per template, as the vendor's body has one version."""
    more: dict[str, dict[str, object]] = {}
    for line in totals:
        sums = more.setdefault(str(line["template"]), {"sendoutId": sending.pk, "sendout": sending.name})
        for word in _summed(line["state"]):
            sums[word] = int(str(sums.get(word, 0))) + line["rows"]
    zeros = dict.fromkeys(("recipients", *_SUMS), 0)
    named = {
        "sending": sending.pk,
        "at": sending.finished_at,
        "more": orjson.dumps({key: {**zeros, **sums} for key, sums in more.items()}).decode(),
    }
    return webhooks.publish_selected(
        sending.account_id, EventType.SENDOUT_SUMMARY, _OF_SENDING, named, clock=clock
    )


_SUMS = {"sent": {10}, "rejected": {11, 22}, "uncertain": {12}, "notSent": {20, 21, 23, 24}}


def _summed(state: int) -> list[str]:
    return ["recipients", *(word for word, states in _SUMS.items() if state in states)]


__all__ = ["Event", "EventType", "Fact", "publish", "sending_ended"]
