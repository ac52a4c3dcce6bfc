"""A version becomes a test message: marked, with links that unsubscribe nobody."""

from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from tandem.kit.secrets import new_token
from tandem.messenger.delivery.dkim import service as dkim
from tandem.messenger.delivery.domain import Channel, Message
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.compiled import Compiled, CompiledEmail, CompiledSms
from tandem.messenger.testsends.domain import CODE_HOLDS, MARK
from tandem.messenger.testsends.errors import BadTest

#: the unsubscribe address of a test: whoever it was rendered as stays subscribed
NOWHERE = "https://unsubscribe.invalid/test"
HEADER = ("X-Tandem-Test", "yes")


def letter(
    account_id: int, row: int, compiled: Compiled, values: Mapping[str, str], to: str, now: datetime
) -> Message:
    """The test for one address. Raises RenderError."""
    if isinstance(compiled, CompiledSms):
        text = compiled.render(values, unsubscribe_url=NOWHERE)
        more = f"X-Tandem-Encoding: {text.encoding}\r\nX-Tandem-Parts: {text.parts}\r\n"
        content = _sms(compiled.sender, to, text.text, now, more)
        return _message(account_id, row, Channel.SMS, compiled.sender, to, content)
    content = compiled.render(
        values, to=to, message_id=_message_id(compiled), unsubscribe_url=NOWHERE, date=now, headers=[HEADER],
        mark=MARK,
    )  # fmt: skip
    content = dkim.signer_for(account_id, compiled.sender).sign(content, int(now.timestamp()))
    return _message(account_id, row, Channel.EMAIL, compiled.sender, to, content)


def code_letter(account_id: int, row: int, channel: Channel, to: str, code: str, now: datetime) -> Message:
    """The message with a code, from the sender of the account's first project. Raises BadTest without one."""
    minutes = int(CODE_HOLDS.total_seconds() // 60)
    words = f"{code} is the code that lets test messages go to you. It holds for {minutes} minutes."
    sender = sender_of(account_id, channel)
    if channel is Channel.SMS:
        return _message(account_id, row, channel, sender, to, _sms(sender, to, words, now))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, f"Your code is {code}"
    mail["Date"], mail["Message-ID"] = now, f"<{new_token()}@{sender.rpartition('@')[2]}>"
    mail[HEADER[0]] = HEADER[1]
    mail.set_content(f"{words}\n\nIf you do not know about this, leave it: nothing will be sent to you.\n")
    content = dkim.signer_for(account_id, sender).sign(
        mail.as_bytes(policy=policy.SMTP), int(now.timestamp())
    )
    return _message(account_id, row, channel, sender, to, content)


def sender_of(account_id: int, channel: Channel) -> str:
    """Who codes come from."""
    for project in projects.list_projects(account_id):
        found = project.sms_sender if channel is Channel.SMS else project.from_address
        if found:
            return found
    raise BadTest(
        "No project has a sender for this channel, so no code can be sent.",
        "Make a project with one first.",
        field="address",
    )


def _message_id(compiled: CompiledEmail) -> str:
    return f"{new_token()}@{compiled.sender.rpartition('@')[2]}"


def _message(account_id: int, row: int, channel: Channel, sender: str, to: str, content: bytes) -> Message:
    return Message(
        attempt_id=row, account_id=account_id, sending_id=0, channel=channel, sender=sender, recipient=to,
        content=content,
    )  # fmt: skip


def _sms(sender: str, to: str, text: str, now: datetime, more: str = "") -> bytes:
    head = (
        f"From: {sender}\r\nTo: {to}\r\nDate: {format_datetime(now)}\r\nMessage-ID: <{new_token()}@sms.invalid>\r\n"
        f"{HEADER[0]}: {HEADER[1]}\r\n{more}MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return (head + text.replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n").encode()
