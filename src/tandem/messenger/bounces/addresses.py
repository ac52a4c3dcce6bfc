"""Our own addresses at the bounce domain: one per message for bounces, one for its unsubscribe, and abuse."""

from dataclasses import dataclass

from django.conf import settings

from tandem.messenger.bounces.errors import NotOurs
from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.errors import BadToken

#: RFC 2142: what a mail domain must take
COMMON = frozenset({"abuse", "postmaster"})
_PURPOSES = {"b": tokens.BOUNCE, "u": tokens.UNSUBSCRIBE_MAIL}


@dataclass(frozen=True, kw_only=True)
class Ours:
    """An address of ours: kind b, u or common; message = (sending, attempt), None of a common one."""

    kind: str
    message: tuple[int, int] | None = None


def understood(recipient: str) -> Ours:
    """What an address of ours means; its signature is checked, the ledger is not asked. Raises NotOurs."""
    local, _, domain = recipient.strip().strip("<>").rpartition("@")
    if not settings.TANDEM_BOUNCE_DOMAIN or domain.lower() != settings.TANDEM_BOUNCE_DOMAIN:
        raise NotOurs("This server takes mail for its bounce domain only.", "Nothing is relayed.")
    if local.lower() in COMMON:
        return Ours(kind="common")
    kind, plus, token = local.partition("+")
    purpose = _PURPOSES.get(kind.lower())
    if not plus or purpose is None:
        raise NotOurs("There is no such address here.")
    try:
        return Ours(kind=kind.lower(), message=tokens.read_local(settings.SECRET_KEY, purpose, token))
    except BadToken:
        raise NotOurs("There is no such address here.") from None


def message_of_id(message_id: str) -> tuple[int, int] | None:
    """(sending, attempt) of a Message-ID that this messenger made; None of any other."""
    token = message_id.strip().strip("<>").partition("@")[0]
    try:
        return tokens.read(settings.SECRET_KEY, tokens.MESSAGE_ID, token)
    except BadToken:
        return None
