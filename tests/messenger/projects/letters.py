"""What tests of templates share: names, a sender, a message rendered and parsed by the standard library."""

import email
import email.policy
import re

from tandem.messenger.projects import compiled
from tandem.messenger.projects.compiler import compile_source
from tandem.messenger.projects.domain import EmailSource, Sender, SmsSource
from tandem.messenger.projects.errors import TemplateWrong
from tandem.messenger.projects.parts import NOTHING_COUNTED

NAMES = {
    name.lower(): name for name in ("firstName", "city", "link", "dateOfBirth", "bonusLevel", "linkTarget")
}
SENDER = Sender(name="Åsas Shop", address="news@shop.example", reply_to="help@shop.example", sms="Shop")
LINK = "https://tracking.example/u/abcdefghijklmnopqrstuvwxyz012345"


def made(source, **more):
    return compile_source(source, names=NAMES, sender=SENDER, **more)


def letter(source, values=None, counts=NOTHING_COUNTED, **more):
    """One parsed message."""
    raw = compiled.load(made(source, **more).data).render(
        values or {},
        to="person@example.com",
        message_id="m.1@shop.example",
        unsubscribe_url=LINK,
        date="Mon, 01 Jan 2029 09:00:00 +0000",
        counts=counts,
    )
    assert max(map(len, raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r\n." not in raw and raw[:1] != b"."
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def html_of(message):
    return message.get_body(("html",)).get_content().replace("\r\n", "\n")


def text_of(message):
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def body_of(written, values=None, **more):
    """What stands in a paragraph of an email."""
    shown = html_of(
        letter(EmailSource(subject="x", html=f"<html><body><p>{written}</p></body></html>"), values, **more)
    )
    return re.search("<p>(.*)</p>", shown, re.DOTALL)[1]


def sms_of(text, values=None, **more):
    return (
        compiled.load(made(SmsSource(text=text), **more).data).render(values or {}, unsubscribe_url=LINK).text
    )


def faults_of(source, **more):
    """part, line, column, words of each fault."""
    try:
        made(source, **more)
    except TemplateWrong as wrong:
        return [(fault.part, fault.line, fault.column, fault.words) for fault in wrong.problems]
    return []
