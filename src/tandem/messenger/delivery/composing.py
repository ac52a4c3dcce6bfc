"""Ledger rows become messages: contact values into the frozen version of the row's template."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime

from django.conf import settings

from tandem.kit.problems import Problem
from tandem.messenger.contacts import queries as contacts
from tandem.messenger.contacts.domain import Recipient
from tandem.messenger.delivery import holding, tokens
from tandem.messenger.delivery.claims import Claim
from tandem.messenger.delivery.dkim import service as dkim
from tandem.messenger.delivery.dkim.signing import Signer
from tandem.messenger.delivery.domain import AttemptState, Channel, Message, Outcome
from tandem.messenger.delivery.models import Sending, SendingTemplate
from tandem.messenger.delivery.rows import Row
from tandem.messenger.delivery.stationery import Names, Stationery
from tandem.messenger.projects import quoted
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.compiled import CompiledEmail, CompiledSms
from tandem.messenger.projects.parts import escape
from tandem.messenger.projects.shortening import NUMBERS, PATH, Short
from tandem.messenger.projects.tags import MESSAGE_PREFIX
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions.domain import filled


def overlay(values: Mapping[str, str] | None) -> dict[str, str]:
    """A message's own values as templates name them: in the place of the contact's, and by their own names."""
    own = values or {}
    return {**own, **{MESSAGE_PREFIX + name: value for name, value in own.items()}}


class Composer:
    """Renders the rows of one sending; keeps its compiled versions."""

    def __init__(self, claim: Claim, *, key: str, tracking_url: str) -> None:
        self._claim = claim
        self._key = key
        self._tracking_url = tracking_url
        self._bounce_domain: str = settings.TANDEM_BOUNCE_DOMAIN
        sending = Sending.objects.get(account_id=claim.account, id=claim.sending)
        self.channel = Channel(sending.channel)
        self._is_email = self.channel is Channel.EMAIL
        self._campaign_id = sending.campaign_id
        self.first_due = sending.due_at
        self._gated = sending.gate_id is not None
        self._dated = (0, "")
        named = sending.campaign_id or sending.campaign_key or sending.source_key
        self._headers = (("X-Tandem-Campaign", str(named)),)
        self._papers: dict[int, Stationery] = {}
        self._stream = f"{sending.kind}:{claim.account}:tandem{claim.account}"
        self._values = overlay(sending.values)
        templates = SendingTemplate.objects.filter(account_id=claim.account, sending_id=claim.sending)
        self._versions = {template.template_id: template.version_id for template in templates}
        self._pages = subscriptions.pages_elsewhere(claim.account, self._versions)
        self._compiled = {
            template: projects.compiled_version(claim.account, version)
            for template, version in self._versions.items()
        }
        wanted = {name for version in self._compiled.values() for name in version.names}
        self._reader = contacts.RecipientReader(claim.account, wanted)
        #: read here, in the database thread: messages are composed where no database is at hand
        self._signers: dict[str, Signer] = {
            version.sender: dkim.signer_for(claim.account, version.sender)
            for version in self._compiled.values()
            if isinstance(version, CompiledEmail)
        }

    @property
    def sent_by(self) -> str:
        """Whom its messages come from, as limits of pace name it: the domain of the sender, or its number."""
        first = next(iter(self._compiled.values()), None)
        return first.sender.rpartition("@")[2].lower() if first else ""

    @property
    def cells(self) -> str:
        """SQL of what `recipients` needs of a contact `c`."""
        return self._reader.cells

    def recipients(self, rows: Sequence[Row]) -> Mapping[int, Recipient]:
        """The contacts of a sub-block, by contact id."""
        found = self._reader.made([row.contact for row in rows])
        return self._with_added(found, rows) if self._gated else found

    def _with_added(self, found: Mapping[int, Recipient], rows: Sequence[Row]) -> Mapping[int, Recipient]:
        """The contacts with what a Send Gate added for them."""
        added = holding.added_values(self._claim.account, self._claim.sending, [row.customer for row in rows])
        more = {row.contact_id: overlay(added[row.customer]) for row in rows if row.customer in added}
        return {
            id_: one._replace(values={**one.values, **more[id_]}) if id_ in more else one
            for id_, one in found.items()
        }

    def compose(self, row: Row, recipient: Recipient | None, now: datetime) -> Message | Outcome:
        """The message, or why there is none; one recipient's error is never another's."""
        if recipient is None:
            return Outcome(state=AttemptState.SKIPPED, detail="no contact")
        try:
            version = self._compiled[row.template_id]
            if isinstance(version, CompiledEmail):
                return self._email(version, row, recipient, now)
            return self._sms(version, row, recipient, now)
        except Problem as problem:
            return Outcome(state=AttemptState.RENDER_ERROR, detail=f"{problem.title}: {problem.detail}"[:200])

    def _email(self, version: CompiledEmail, row: Row, recipient: Recipient, now: datetime) -> Message:
        paper = self._papers.get(row.template_id) or self._paper(row.template_id, version)
        token = paper.unsubscribe_token(row.id)
        content = version.put_together(
            self._values_of(recipient),
            to=recipient.email,
            lines=paper.lines(row.id, token, now),
            slots=paper.slots(token)
            if row.template_id not in self._pages
            else self._elsewhere(row, recipient),
            counts=paper.counting(row.id, recipient.counted),
        )
        signer = self._signers[version.sender]
        if signer.has_key:
            content = signer.sign(content, int(now.timestamp()))
        returns_to = paper.own_address("b", tokens.BOUNCE, row.id) or version.sender
        return self._message(row, returns_to, recipient.email, content)

    def _paper(self, template_id: int, version: CompiledEmail) -> Stationery:
        """What the template's messages have in common.

        Feedback-ID: what mailbox providers sum complaints by: campaign or template, stream, account, sender; never a
        person.
        """
        names = Names(
            key=self._key,
            sending_id=self._claim.sending,
            version_id=self._versions[template_id],
            tracking_url=self._tracking_url,
            bounce_domain=self._bounce_domain,
        )
        feedback = f"{self._campaign_id or f't{template_id}'}:{self._stream}"
        paper = Stationery(version, names, (*self._headers, ("Feedback-ID", feedback)))
        self._papers[template_id] = paper
        return paper

    def _elsewhere(self, row: Row, recipient: Recipient) -> tuple[bytes, bytes]:
        """The address of an unsubscribe page of the sender's own, as text and as HTML show it."""
        page = self._page_url(row, recipient, self._unsubscribe_url(row))
        return quoted.encode(page), quoted.encode(escape(page))

    def _sms(self, version: CompiledSms, row: Row, recipient: Recipient, now: datetime) -> Message:
        text = version.render(
            self._values_of(recipient),
            unsubscribe_url=self._page_url(row, recipient, self._unsubscribe_url(row)),
            short=self._short(version, row, recipient),
        )
        head = (
            f"From: {version.sender}\r\nTo: {recipient.mobile}\r\nDate: {self._date(now)}\r\n"
            f"Message-ID: <{self._message_id(row)}>\r\n{self._headers[0][0]}: {self._headers[0][1]}\r\n"
            f"X-Tandem-Encoding: {text.encoding}\r\nX-Tandem-Parts: {text.parts}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
        body = text.text.replace("\r\n", "\n").replace("\n", "\r\n")
        return self._message(row, version.sender, recipient.mobile, (head + body + "\r\n").encode())

    def _short(self, version: CompiledSms, row: Row, recipient: Recipient) -> Short | None:
        """The short addresses of this message's links; None where clicks are not counted."""
        version_id = self._versions[row.template_id]
        if not (version.counts_links and recipient.counted.clicks):
            return None
        if not tokens.make_short(self._key, version_id, row.id, NUMBERS[0]):
            return None
        begin = f"{self._tracking_url}{PATH}"
        return lambda n: begin + tokens.make_short(self._key, version_id, row.id, NUMBERS[n - 1])

    def _values_of(self, recipient: Recipient) -> Mapping[str, str]:
        return {**recipient.values, **self._values} if self._values else recipient.values

    def _message(self, row: Row, sender: str, recipient: str, content: bytes) -> Message:
        return Message(
            row.id,
            self._claim.account,
            self._claim.sending,
            self.channel,
            sender,
            recipient,
            content,
            self._campaign_id,
            "",
            self._is_email,
        )

    def _date(self, now: datetime) -> str:
        """The Date header, made once a second."""
        second = int(now.timestamp())
        if second != self._dated[0]:
            self._dated = (second, format_datetime(now))
        return self._dated[1]

    def _message_id(self, row: Row) -> str:
        """The same on every try."""
        return f"{tokens.make(self._key, tokens.MESSAGE_ID, self._claim.sending, row.id)}@sms.invalid"

    def _unsubscribe_url(self, row: Row) -> str:
        token = tokens.make(self._key, tokens.UNSUBSCRIBE, self._claim.sending, row.id)
        return f"{self._tracking_url}/u/{token}"

    def _page_url(self, row: Row, recipient: Recipient, ours: str) -> str:
        """Where the link in the text leads: our page, or the sender's own elsewhere."""
        elsewhere = self._pages.get(row.template_id)
        if elsewhere is None:
            return ours
        return filled(
            elsewhere, original_id=recipient.original_id, list_id=recipient.list_id, unsubscribe_url=ours
        )
