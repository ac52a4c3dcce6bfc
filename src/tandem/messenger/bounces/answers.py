"""What a person wrote back: its words, whether they ask to be left alone, whether it may be passed on. Pure rules."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import decode_header, make_header
from email.utils import parseaddr
from enum import StrEnum
from html import unescape

from tandem.messenger.bounces import mime

REPLY_KEPT = timedelta(days=30)
#: what is passed on with the mail itself; of a larger one only its beginning
LARGEST_FORWARDED = 2**20
LONGEST_WORDS = 4000
#: of one message, and of one account in an hour; more are shown here only
MOST_OF_MESSAGE = 5
MOST_IN_AN_HOUR = 200
MOST_TRIES = 5
#: marks what was passed on from here
LOOP_HEADER = "X-Tandem-Forwarded"
_STOP = re.compile(
    r"\b(?:unsubscribe|un-?subscribe me|opt[ -]?out|remove me|take me off|stop (?:sending|emailing|mailing|writing)|"
    r"avregistrera|avprenumerera|avanmäl|avbeställ|afmeld|avmeld|abmelden|abbestellen|austragen|désabonner|désinscrire|"
    r"uitschrijven|darme de baja|cancelar (?:la )?suscripción|cancella(?:re|mi)|disiscriv\w+|wypisz)\b",
    re.IGNORECASE,
)
_STOP_ALONE = re.compile(r"\W*(?:stop|stopp|remove|no more|sluta)\W*", re.IGNORECASE)
_QUOTED = re.compile(
    r"^(?:>|-----\s*original|________________|from:\s|från:\s|von:\s|de\s?:\s|on .{5,200} wrote:|"
    r"den .{5,200} skrev|am .{5,200} schrieb|le .{5,200} a écrit)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]{0,500}>")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,250}")


class Forward(StrEnum):
    """Where a reply stands on its way to a person. SHOWN: kept here and passed on to nobody."""

    SHOWN = "shown"
    WAITING = "waiting"
    SENDING = "sending"
    FORWARDED = "forwarded"
    FAILED = "failed"
    UNHEARD = "unheard"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A mail by a person, read. writer: an address to write to, or ''; loops: why it is passed on to nobody."""

    writer: str
    subject: str
    words: str
    asks_to_stop: bool
    loops: str


@dataclass(frozen=True, kw_only=True)
class ReplyView:
    """A reply as pages and programs see it; words: '' once they are no longer kept."""

    id: int
    customer: str
    sending_id: int
    template_id: int
    asks_to_stop: bool
    forward: Forward
    why: str
    arrived_at: datetime
    size: int
    writer: str = ""
    subject: str = ""
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class ReplyAddress:
    """To whom replies go: to those of one sender, or '' of every other."""

    sender: str
    address: str


def read(raw: bytes) -> Answer:
    """What it says; nothing in it is trusted, nothing raises."""
    head = mime.headers(mime.split(raw)[0])
    writer = parseaddr(head.get("reply-to") or head.get("from", ""))[1]
    words = _words(raw)
    own = own_words(words)
    subject = _shown(head.get("subject", ""))[:200]
    stops = bool(_STOP.search(own[:1000]) or _STOP.search(subject)) or bool(
        _STOP_ALONE.fullmatch(own[:100]) or _STOP_ALONE.fullmatch(subject)
    )
    return Answer(
        writer=writer if is_mailbox(writer) else "",
        subject=subject,
        words=words[:LONGEST_WORDS],
        asks_to_stop=stops,
        loops=_loops(head),
    )


def is_mailbox(address: str) -> bool:
    """Whether mail can go there."""
    return len(address) <= 254 and bool(_MAILBOX.fullmatch(address))


def own_words(words: str) -> str:
    """What stands above what is quoted."""
    lines = []
    for line in words.splitlines()[:400]:
        if _QUOTED.match(line.strip()[:250]):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def _loops(head: dict[str, str]) -> str:
    """Why nobody is written to about it (RFC 3834, and what lists write)."""
    if LOOP_HEADER.lower() in head or "x-loop" in head:
        return "It was passed on already."
    if head.get("auto-submitted", "no").strip().lower() not in ("no", ""):
        return "A machine wrote it."
    if head.get("precedence", "").strip().lower() in ("bulk", "list", "junk") or "list-id" in head:
        return "It came from a list."
    return ""


def _words(raw: bytes) -> str:
    parts = list(mime.leaves(raw))
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.type == kind:
                text = part.decoded().decode(_charset(part.head), "replace").replace("\r\n", "\n")
                text = unescape(_TAG.sub(" ", text)) if kind == "text/html" else text
                return "".join(one for one in text if one == "\n" or one == "\t" or one.isprintable()).strip()
    return ""


def _charset(head: dict[str, str]) -> str:
    found = re.search(
        r"charset\s{0,9}=\s{0,9}\"?([\w.:-]{1,40})", head.get("content-type", ""), re.IGNORECASE
    )
    name = found[1] if found else "utf-8"
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return "latin-1"
    return name


def _shown(value: str) -> str:
    try:
        text = str(make_header(decode_header(value[:1000])))
    except Exception:  # noqa: BLE001 - whatever strangers send
        text = value
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
