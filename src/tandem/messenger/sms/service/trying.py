"""A gateway tried out: reached, let in, and a message handed over if a number is named."""

import asyncio

from django.conf import settings

from tandem.kit.clock import Clock
from tandem.kit.problems import Refused
from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.providers import choose
from tandem.messenger.delivery.providers.sms import SmsWay
from tandem.messenger.gateways import lines
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Profile
from tandem.messenger.gateways.errors import GatewayDown, NoGateway

SECONDS = 20.0


def send_test(account_id: int, to: str, *, actor: str, clock: Clock) -> Outcome:
    """Bind to an SMSC, or hand a test message over to the number; the caller knows that its owner agreed.

    to: '' only binds. Raises NoGateway, Refused.
    """
    setup = gateways.setup_of(account_id)
    if setup is None:
        raise NoGateway("This account has no SMS gateway.", "Set one up first.")
    if not choose.gateways_allowed(settings.TANDEM_SENDING):
        raise Refused("TANDEM_PROVIDER_LOCK lets nothing leave.", "Unset it where people may be reached.")
    accounts.record(
        account_id, actor=actor, action="SMS gateway tried", subject="message" if to else "", clock=clock
    )
    if to:
        return asyncio.run(_hand_over(account_id, to))
    if setup.profile is not Profile.SMPP:
        raise Refused("An HTTP gateway is tried by a message.", "Name a verified test number to send one to.")
    return asyncio.run(_bind(lines.SmppLine(setup, _ignore)))


async def _hand_over(account_id: int, to: str) -> Outcome:
    way = SmsWay(seconds=SECONDS)
    content = f"\r\n\r\nA test of the SMS gateway of account {account_id}.\r\n".encode()
    message = Message(
        attempt_id=0,
        account_id=account_id,
        sending_id=0,
        channel=Channel.SMS,
        sender="",
        recipient=to,
        content=content,
    )
    try:
        outcome = await way.hand_over(message, lambda: True)
    except OutboundStopped as stopped:
        return Outcome(state=AttemptState.DEFERRED, detail=stopped.detail)
    finally:
        await way.close()
    return outcome or Outcome(state=AttemptState.DEFERRED, detail="It was stopped.")


async def _bind(line: lines.SmppLine) -> Outcome:
    try:
        await line.session()
    except GatewayDown as down:
        return Outcome(state=AttemptState.DEFERRED, detail=f"{down.detail} {down.advice}".strip())
    finally:
        await line.close()
    return Outcome(state=AttemptState.ACCEPTED, detail="The SMSC let us in.")


async def _ignore(told: object) -> None:
    """What comes during a trial is not ours to take: refused, the SMSC tells it again."""
    raise GatewayDown("Only a trial.")
