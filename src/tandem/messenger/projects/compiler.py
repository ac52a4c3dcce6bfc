"""Compiles a source into plain data that `compiled.load` renders; every fault at once, with line and column."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tandem.messenger.projects import layout, mjml, quoted, shortening
from tandem.messenger.projects.alternative import Link, alternative
from tandem.messenger.projects.blocks import Structure
from tandem.messenger.projects.compiled import FORMAT
from tandem.messenger.projects.domain import (
    EmailSource,
    Fault,
    Sender,
    SmsSource,
    Source,
    count_sms,
    forcing_ucs2,
)
from tandem.messenger.projects.emit import Emitter, Placed, place_plain
from tandem.messenger.projects.errors import TemplateWrong
from tandem.messenger.projects.handlebars import MOST_FAULTS, Reader, tags_of
from tandem.messenger.projects.links import Table, hidden_link, with_end
from tandem.messenger.projects.marks import in_text
from tandem.messenger.projects.slots import PIXEL
from tandem.messenger.projects.tags import Names, Piece, Tag

LONGEST_SMS = 1600
LONGEST_SUBJECT = 998


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a compilation gives: the stored data, remarks that stop nothing, the email's links."""

    data: dict[str, Any]
    warnings: tuple[str, ...]
    links: tuple[Link, ...] = ()


def compile_source(
    source: Source,
    *,
    names: Mapping[str, str],
    sender: Sender,
    snippets: Mapping[str, str] | None = None,
) -> Made:
    """Compile. names: lower-case attribute -> its spelling. Raises TemplateWrong with every fault found."""
    known = Names(names, snippets)
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
    remarks = (*reader.remarks, *((_ucs2_words(literal),) if forcing_ucs2(literal) else ()))
    data: dict[str, Any] = {"format": FORMAT, "kind": "sms", "text": part, "sender": asdict(sender)}
    links: list[Link] = []
    if source.count_links:
        counted, links = shortening.with_slots(pieces)
        text = Emitter(html=False, chunked=False).emit(place_plain(counted))
        data["counting"] = {"text": text, "targets": [[link.target, False] for link in links]}
        remarks = (*remarks, *(() if links else (_NO_LINKS,)))
    return Made(data=data, warnings=tuple(dict.fromkeys(remarks)), links=tuple(links))


_NO_LINKS = (
    "No link of this text can be counted: a link that is the same for everybody, ended by a blank, can be."
)


def _ucs2_words(text: str) -> str:
    odd = " ".join(repr(character) for character in forcing_ucs2(text)[:8])
    return f"The characters {odd} make every part hold 70 instead of 160 characters ({count_sms(text).parts} parts)."


def _email(source: EmailSource, names: Names, sender: Sender) -> Made:
    subject = _reader("Subject", source.subject, names)
    body = _reader("MJML" if source.mjml else "HTML", source.mjml or source.html, names)
    text = _reader("Text", source.text, names)
    readers = (subject, body, text)
    pieces = [reader.read() for reader in readers]
    _check_email(source, subject, body, pieces[0])
    _stop([fault for reader in readers for fault in reader.faults])
    shield = layout.Shield(pieces[1])
    html, placed = _laid_out(shield, body, is_mjml=bool(source.mjml))
    plain, links = alternative(html, shield)
    if source.text.strip():
        plain = in_text(place_plain(pieces[2]))
    for items, part in ((placed, "the layout"), (plain, "the text version")):
        if not _is_whole(items):
            body.fault(0, f"A block was torn apart in {part}. Keep each block inside one paragraph or cell.")
    _stop(body.faults)
    table = Table(list(links))
    data: dict[str, Any] = {
        "format": FORMAT,
        "kind": "email",
        "subject": Emitter(html=False, chunked=False).emit(place_plain(pieces[0])),
        "html": Emitter(html=True, chunked=True).emit(with_end(placed, PIXEL.decode())),
        "text": Emitter(html=False, chunked=True).emit(plain),
        "counting": {
            "html": Emitter(html=True, chunked=True).emit(
                with_end(table.counted(placed, is_html=True), hidden_link() + PIXEL.decode())
            ),
            "text": Emitter(html=False, chunked=True).emit(table.counted(plain, is_html=False)),
        },
        "sender": asdict(sender),
    }
    data["counting"]["targets"] = table.targets
    remarks = [*(remark for reader in readers for remark in reader.remarks), *_remarks(placed)]
    return Made(data=data, warnings=tuple(dict.fromkeys(remarks)), links=tuple(table.links))


def _laid_out(shield: layout.Shield, body: Reader, *, is_mjml: bool) -> tuple[str, list[Placed]]:
    """Shielded HTML, and the same with places. Raises TemplateWrong."""

    def say(tag: Tag | None, words: str) -> None:
        body.faults.append(tag.spot.fault(words)) if tag else body.fault(0, words)

    if is_mjml:
        mjml.check(shield, lambda at, words: body.faults.append(shield.spot(at).fault(words)))
        _stop(body.faults)
    html = layout.to_html(shield.text, shield, is_mjml=is_mjml, say=say)
    placed = layout.place_html(html, shield, say)
    _stop(body.faults)
    return html, placed


def _check_email(source: EmailSource, subject: Reader, body: Reader, pieces: list[Piece]) -> None:
    if not source.subject.strip():
        subject.fault(0, "The subject is empty. Write one.")
    if len(source.subject) > LONGEST_SUBJECT:
        subject.fault(
            LONGEST_SUBJECT, f"The subject is longer than {LONGEST_SUBJECT} characters. Shorten it."
        )
    for at, character in enumerate(source.subject):
        if character in "\r\n\x85\u2028\u2029":
            subject.fault(at, "The subject must be one line.")
            break
    for tag in tags_of(pieces):
        if tag.kind == "unsubscribe":
            subject.faults.append(tag.spot.fault("The unsubscribe address does not belong in a subject."))
    if not (source.mjml or source.html).strip():
        body.fault(0, "The email has no content. Write MJML or HTML.")
    if source.mjml and source.html:
        body.fault(0, "There are both MJML and HTML. Keep one of them.")


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


def _is_whole(items: list[Placed]) -> bool:
    return Structure().walk(item if isinstance(item, str) else item[0] for item in items).wrong is None


def _stop(faults: list[Fault]) -> None:
    if faults:
        known = sorted(set(faults), key=lambda fault: (fault.part, fault.line, fault.column))
        raise TemplateWrong(known[:MOST_FAULTS])


def check_sender(sender: Sender) -> None:
    """ValueError when messages could not carry this sender."""
    quoted.mailbox(sender.name, sender.address)
    if sender.reply_to:
        quoted.address(sender.reply_to)
