"""A message that came in: kept, told to webhooks; a keyword is done at once and answered."""

from collections.abc import Sequence

from tandem.kit.clock import Clock
from tandem.messenger.contacts.keys import mobile_key
from tandem.messenger.contacts.models import Contact
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.contacts.service import numbers
from tandem.messenger.gateways.inbox import Told
from tandem.messenger.sms.domain import Acted, Keyword, keyword_of
from tandem.messenger.sms.models import IncomingSms
from tandem.messenger.sms.service import answering
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import Event, EventType

_ACTED = {Keyword.STOP: Acted.UNSUBSCRIBED, Keyword.START: Acted.SUBSCRIBED, Keyword.HELP: Acted.ANSWERED}


def take(told: Told, *, clock: Clock) -> str:
    """Keep it and do what it asks for; in the caller's transaction."""
    account_id, said = told.account_id, told.said
    number = numbers.full_number(said["sender"]) or said["sender"].strip()
    keyword = keyword_of(said["text"])
    row, made = IncomingSms.objects.get_or_create(
        account_id=account_id,
        call_back=told.id,
        defaults={
            "number": number[:40],
            "number_key": mobile_key(account_id, number),
            "to": said["to"].strip()[:40],
            "text": said["text"],
            "keyword": keyword.value,
            "came_at": told.came_at,
            "acted": _ACTED.get(keyword, Acted.NOTHING).value,
            "acted_at": told.came_at if keyword else None,
        },
    )
    if not made:
        return "known"
    people = numbers.contacts_with(account_id, number)
    _tell(row, people, clock)
    obey(account_id, number, keyword, proof=proof_of(row), clock=clock)
    if keyword:
        answering.make(account_id, number, keyword, sender=row.to, clock=clock)
    return keyword.value or "kept"


def obey(account_id: int, number: str, keyword: Keyword, *, proof: Proof, clock: Clock) -> None:
    """STOP and START; nothing of any other word."""
    if keyword is Keyword.STOP:
        numbers.stop_sms(account_id, number, proof=proof, clock=clock)
    elif keyword is Keyword.START:
        numbers.start_sms(account_id, number, proof=proof, clock=clock)


def proof_of(row: IncomingSms, actor: str = "") -> Proof:
    """The message itself, its own words in it."""
    words = f"Message {row.pk} to {row.to or 'us'}, {row.came_at:%Y-%m-%d %H:%M:%S} UTC: {row.text[:160]}"
    return Proof(door=Door.OPERATOR if actor else Door.KEYWORD, actor=actor, detail=words)


def _tell(row: IncomingSms, people: Sequence[Contact], clock: Clock) -> None:
    """One event per contact of the number, as the vendor's body has one; one without, where nobody has it."""
    if not webhooks.is_wanted(row.account_id, EventType.SMS_INBOX):
        return
    more = {"message": row.text, "from": row.number, "to": row.to}
    told = [
        Event(
            at=clock.business(), contact=one.original_id, contact_id=one.pk, list_id=one.list_id,
            list_name=one.list.name, channel="SMS", module="SMS", more=more,
        )
        for one in people
    ]  # fmt: skip
    alone = Event(at=clock.business(), channel="SMS", module="SMS", more=more)
    webhooks.publish(row.account_id, EventType.SMS_INBOX, told or [alone], clock=clock)
