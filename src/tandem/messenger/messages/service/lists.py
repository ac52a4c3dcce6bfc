"""The address where a list says how one leaves it: no one can be unsubscribed there but by a message's own link."""

from django.conf import settings

from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import tokens
from tandem.messenger.subscriptions import service as subscriptions


def unsubscribe_url(account_id: int, list_id: int) -> str:
    """The list's page: the sender's own elsewhere as it was written, or ours. Raises UnknownList."""
    finding.check_list(account_id, list_id)
    ours = f"{settings.TANDEM_TRACKING_URL}/l/{tokens.make(settings.SECRET_KEY, tokens.LIST, 0, list_id)}"
    return subscriptions.page_for(account_id, project_id=None, list_id=list_id).external_url or ours


def list_name(token: str) -> str:
    """The name of the list behind such an address. Raises BadToken, UnknownList."""
    _, list_id = tokens.read(settings.SECRET_KEY, tokens.LIST, token)
    return finding.name_of_list(list_id)
