"""A message shown again: its frozen version with its own values and, as far as they are the same, the contact's."""

from datetime import timedelta

from django.conf import settings

from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.contacts import queries as contacts
from tandem.messenger.contacts.service import finding
from tandem.messenger.delivery import holding, tokens
from tandem.messenger.delivery.composing import overlay
from tandem.messenger.delivery.models import Attempt, SendingTemplate
from tandem.messenger.messages.domain import Shown
from tandem.messenger.messages.errors import NoMessage
from tandem.messenger.messages.service.reading import LEFT
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.compiled import CompiledSms
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions.domain import filled


def show(token: str, *, clock: Clock) -> Shown:
    """The message behind a link. Raises BadToken, NoMessage.

    The values of a contact are not kept with each message: a contact that was changed since is shown with today's.
    """
    row = _row(token)
    recipient = contacts.recipients(row.account_id, [row.contact_id or 0]).get(row.contact_id or 0)
    if recipient is None:
        raise NoMessage("This message cannot be shown any more.", "Ask its sender.")
    version_id = SendingTemplate.objects.values_list("version_id", flat=True).get(
        account_id=row.account_id, sending_id=row.sending_id, template_id=row.template_id
    )
    added = holding.added_values(row.account_id, row.sending_id, [row.customer]).get(row.customer)
    values = {**recipient.values, **overlay(row.sending.values), **overlay(added)}
    unsubscribe = tokens.make(settings.SECRET_KEY, tokens.UNSUBSCRIBE, row.sending_id, row.id)
    link = f"{settings.TANDEM_TRACKING_URL}/u/{unsubscribe}"
    if elsewhere := subscriptions.pages_elsewhere(row.account_id, [row.template_id]).get(row.template_id):
        link = filled(
            elsewhere, original_id=recipient.original_id, list_id=recipient.list_id, unsubscribe_url=link
        )
    exact = _unchanged(row, clock)
    try:
        compiled = projects.compiled_version(row.account_id, version_id)
        if isinstance(compiled, CompiledSms):
            text = compiled.render(values, unsubscribe_url=link).text
            return Shown(subject="", html="", text=text, exact=exact)
        html, text = compiled.readable(values, link)
        return Shown(subject=compiled.subject_of(values), html=html, text=text, exact=exact)
    except Problem as problem:  # today's values do not fit
        raise NoMessage("This message cannot be shown any more.", "Ask its sender.") from problem


def _row(token: str) -> Attempt:
    sending_id, attempt_id = tokens.read(settings.SECRET_KEY, tokens.VIEW, token)
    # all accounts: the signed token names the message
    row = Attempt.objects.select_related("sending").filter(id=attempt_id, sending_id=sending_id).first()
    if row is None or row.state not in LEFT:
        raise NoMessage("This message was not sent, or is not kept any more.", "Ask its sender.")
    return row


def _unchanged(row: Attempt, clock: Clock) -> bool:
    """Whether the contact is as it was when the message left. Its changes are dated in machine time."""
    changed_at = finding.changed_at(row.account_id, row.contact_id or 0)
    ahead: timedelta = clock.business() - clock.system()
    return bool(changed_at and row.done_at and changed_at <= row.done_at - ahead)
