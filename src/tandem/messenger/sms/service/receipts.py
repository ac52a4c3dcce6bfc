"""A receipt finds its message: an event of it, an uncertain row settled, a number that is none marked."""

from typing import Any

from django.conf import settings

from tandem.kit.clock import Clock
from tandem.messenger.contacts.proofs import Door, Proof
from tandem.messenger.contacts.service import numbers
from tandem.messenger.delivery import events, resolving, tokens
from tandem.messenger.delivery.errors import BadToken
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Happened, Kind, Recorded
from tandem.messenger.gateways import inbox
from tandem.messenger.gateways.domain import Came, Flag
from tandem.messenger.gateways.inbox import Told

_KINDS = {Came.DELIVERED: Kind.DELIVERED, Came.FAILED: Kind.FAILED}


def take(told: Told, *, clock: Clock) -> str | None:
    """What came of it; None if its message is not known, which may only be early. In the caller's transaction."""
    said, came = told.said, Came(told.said["came"])
    if came not in _KINDS:
        return "on the way"
    attempt_id = _attempt_behind(told.account_id, said)
    if attempt_id is None:
        return None
    if attempt_id == 0:
        return "nothing of a sending, yet"
    happened = Happened(
        account_id=told.account_id,
        attempt_id=attempt_id,
        kind=_KINDS[came],
        at=clock.business(),
        source="receipt",
        detail=said["detail"],
    )
    resolving.prove_accepted(told.account_id, [attempt_id], why=f"{said['gateway_id']} {came}".strip())
    for new in engagement.record([happened], clock=clock):
        _follow(new, Flag(said["flag"]), said["detail"], clock)
    return came.value


def _attempt_behind(account_id: int, said: dict[str, Any]) -> int | None:
    """The message's row; 0 = not all of its parts are known yet, or it is of no sending: an answer, a test."""
    if said["mark"]:
        try:
            return tokens.read(settings.SECRET_KEY, tokens.RECEIPT, said["mark"])[1]
        except BadToken:
            return None
    found = inbox.message_behind(account_id, said["gateway_id"], Came(said["came"]))
    if found is None:
        return None
    whole = found.complete in (Came.FAILED, Came(said["came"]))
    return found.attempt_id if found.sending_id and whole else 0


def _follow(new: Recorded, flag: Flag, detail: str, clock: Clock) -> None:
    if new.kind is not Kind.FAILED:
        return
    kind = "HARD" if flag is Flag.BAD_NUMBER else "SOFT"
    fact = events.Fact(
        attempt_id=new.attempt_id, at=new.at, more={"bounceType": kind, "dsnDiagnosis": detail}
    )
    events.publish(new.account_id, events.EventType.BOUNCE, [fact], clock=clock)
    if flag is not Flag.NONE and new.contact_id is not None:
        number = numbers.numbers_of(new.account_id, [new.contact_id]).get(new.contact_id, "")
        flag_number(new.account_id, {"number": number, "flag": flag.value}, clock=clock)


def flag_number(account_id: int, said: dict[str, Any], *, clock: Clock) -> str:
    """What a gateway said about a number itself: that its person opted out there, or that it is none."""
    number = numbers.full_number(said["number"]) or said["number"]
    if not number:
        return "no number"
    if said["flag"] == Flag.OPTED_OUT:
        proof = Proof(door=Door.KEYWORD, detail="The gateway has a STOP of this number.")
        numbers.stop_sms(account_id, number, proof=proof, clock=clock)
    else:
        numbers.mark_mobile_bounced(account_id, number, clock=clock)
    return str(said["flag"])
