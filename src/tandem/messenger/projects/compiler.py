"""Compiles a source into plain data that `compiled.load` renders; every fault at once, with line and column."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tandem.messenger.projects import layout, quoted
from tandem.messenger.projects.compiled import FORMAT
from tandem.messenger.projects.domain import EmailSource, Fault, Sender, SmsSource, Source, count_sms
from tandem.messenger.projects.emit import Emitter, Placed, place_plain
from tandem.messenger.projects.errors import TemplateWrong
from tandem.messenger.projects.handlebars import Names, Piece, Reader, Tag

LARGEST_SOURCE = 512 * 1024
LONGEST_SMS = 1600


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a compilation gives: the stored data and remarks that stop nothing."""

    data: dict[str, Any]
    warnings: tuple[str, ...]


def compile_source(source: Source, *, names: Mapping[str, str], sender: Sender) -> Made:
    """Compile. names: lower-case attribute -> its spelling. Raises TemplateWrong with every fault found."""
    known = Names(names)
    if isinstance(source, SmsSource):
        return _sms(source, known, sender)
    return _email(source, known, sender)


def _sms(source: SmsSource, names: Names, sender: Sender) -> Made:
    reader = _reader("Text", source.text, names)
    pieces = reader.read()
    if not source.text.strip():
        reader.fault(0, "The message is empty. Write a text.")
    if len(source.text) > LONGEST_SMS:
        reader.fault(LONGEST_SMS, f"The text is longer than {LONGEST_SMS} characters. Shorten it.")
    _stop(reader.faults)
    part = Emitter(html=False, chunked=False).emit(place_plain(pieces))
    literal = "".join(piece for piece in pieces if isinstance(piece, str))
    warnings = () if count_sms(literal).encoding == "GSM-7" else (_ucs2_words(literal),)
    data = {"format": FORMAT, "kind": "sms", "text": part, "sender": asdict(sender)}
    return Made(data=data, warnings=warnings)


def _ucs2_words(text: str) -> str:
    odd = next((c for c in text if count_sms(c).encoding != "GSM-7"), "")
    return f"The character {odd!r} makes every part hold 70 instead of 160 characters."


def _email(source: EmailSource, names: Names, sender: Sender) -> Made:
    subject = _reader("Subject", source.subject, names)
    body = _reader("MJML" if source.mjml else "HTML", source.mjml or source.html, names)
    text = _reader("Text", source.text, names)
    readers = (subject, body, text)
    pieces = [reader.read() for reader in readers]
    _check_email(source, subject, body, pieces[0])
    _stop([fault for reader in readers for fault in reader.faults])
    shield = layout.Shield(pieces[1])

    def say(tag: Tag | None, words: str) -> None:
        body.fault(tag.at if tag else 0, words)

    html = layout.to_html(shield.text, shield, is_mjml=bool(source.mjml), say=say)
    placed = layout.place_html(html, shield, say)
    plain = place_plain(pieces[2]) if source.text.strip() else layout.text_alternative(html, shield)
    for items, part in ((placed, "the layout"), (plain, "the text version")):
        if not _is_balanced(items):
            say(None, f"A block was torn apart in {part}. Keep each block inside one paragraph or cell.")
    _stop(body.faults)
    data = {
        "format": FORMAT,
        "kind": "email",
        "subject": Emitter(html=False, chunked=False).emit(place_plain(pieces[0])),
        "html": Emitter(html=True, chunked=True).emit(placed),
        "text": Emitter(html=False, chunked=True).emit(plain),
        "sender": asdict(sender),
    }
    return Made(data=data, warnings=_remarks(placed))


def _check_email(source: EmailSource, subject: Reader, body: Reader, pieces: list[Piece]) -> None:
    if not source.subject.strip():
        subject.fault(0, "The subject is empty. Write one.")
    for at, character in enumerate(source.subject):
        if character in "\r\n\x85\u2028\u2029":
            subject.fault(at, "The subject must be one line.")
            break
    for piece in pieces:
        if isinstance(piece, Tag) and piece.kind == "unsubscribe":
            subject.fault(piece.at, "The unsubscribe address does not belong in a subject.")
    if not (source.mjml or source.html).strip():
        body.fault(0, "The email has no content. Write MJML or HTML.")
    if source.mjml and source.html:
        body.fault(0, "There are both MJML and HTML. Keep one of them.")
    if len(body.source) > LARGEST_SOURCE:
        body.fault(0, f"The content is larger than {LARGEST_SOURCE // 1024} kB. Shorten it.")


def _remarks(items: list[Placed]) -> tuple[str, ...]:
    remarks = []
    tags = [item for item in items if not isinstance(item, str)]
    if not any(tag.kind == "unsubscribe" for tag, _ in tags):
        remarks.append("There is no unsubscribe link in the text. Add {{message.unsubscribeUrl}} as a link.")
    for tag, place in tags:
        if place == "link start" and tag.kind == "value" and not tag.helper:
            remarks.append(
                f"The link from {tag.name!r} is URL-encoded as a whole. Write {{{{noEncode contact.{tag.name}}}}}."
            )
    return tuple(dict.fromkeys(remarks))


def _reader(part: str, source: str, names: Names) -> Reader:
    return Reader(part, source.replace("\r\n", "\n").replace("\r", "\n"), names)


def _is_balanced(items: list[Placed]) -> bool:
    stack: list[str] = []
    for item in items:
        if isinstance(item, str) or not item[0].is_block:
            continue
        if item[0].kind == "open":
            stack.append(item[0].helper)
        elif not stack or stack.pop() != item[0].helper:
            return False
    return not stack


def _stop(faults: list[Fault]) -> None:
    if faults:
        raise TemplateWrong(sorted(set(faults), key=lambda fault: (fault.part, fault.line, fault.column)))


def check_sender(sender: Sender) -> None:
    """ValueError when messages could not carry this sender."""
    quoted.mailbox(sender.name, sender.address)
    if sender.reply_to:
        quoted.address(sender.reply_to)
