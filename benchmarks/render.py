"""One compiled email rendered for n contacts (at most 20 000): HTML, text part, headers, as complete message bytes."""

import os
import time
from email import message_from_bytes, policy
from typing import Any

from benchmarks import letters, measure

HALF = "messenger"
MOST = 20_000
SAMPLE = 200
PEERS = 200
LINK = "https://tracking.example/u/abcdefghijklmnopqrstuvwxyz012345"
DATE = "Mon, 01 Jan 2029 09:00:00 +0000"


def run(n: int) -> dict[str, Any]:
    """Render, then compare messages with a plain replacement; Django's templates and mail do the same beside it."""
    compiled, people = _compiled(), letters.people(min(n, MOST))
    _rendered(compiled, people[0])
    _rendered(compiled, people[0], _counted)
    with measure.part():
        spent = _spent(compiled, people, None)
    counted = _spent(compiled, people, _counted)
    size = max(_checked(compiled, values) for values in people[:SAMPLE])
    peer = _peer(people[:PEERS])
    own = spent / len(people) * 1e6
    return {
        "messages": len(people),
        "cpu_us_per_message": round(own, 1),
        "cpu_us_with_counting": round(counted / len(people) * 1e6, 1),
        "message_bytes": size,
        "load": round(os.getloadavg()[0], 1),
        "peer": f"Django templates and EmailMultiAlternatives: {peer:.0f} us per message, {peer / own:.0f} times ours",
        "checked": f"{SAMPLE} messages parsed by the standard library: HTML equals a replacement, text has all values",
    }


def _spent(compiled: Any, people: list[dict[str, str]], counts: Any) -> float:
    """CPU seconds of all messages. counts: with the picture and counted links, thirteen of which have values."""
    before = time.process_time()
    for values in people:
        _rendered(compiled, values, counts)
    return time.process_time() - before


def _compiled() -> Any:
    from tandem.messenger.projects.compiled import load
    from tandem.messenger.projects.domain import EmailSource, Sender
    from tandem.messenger.projects.trial import make

    name, address = letters.SENDER
    sender = Sender(name=name, address=address, reply_to="", sms="")
    return load(
        make(EmailSource(subject=letters.SUBJECT, html=letters.HTML), names=letters.NAMES, sender=sender).data
    )


def _rendered(compiled: Any, values: dict[str, str], counts: Any = None) -> bytes:
    made: bytes = compiled.render(
        values,
        to=values["emailaddress"],
        message_id=f"{values['originalid']}@shop.example",
        unsubscribe_url=LINK,
        date=DATE,
        headers=(("X-Tandem-Campaign", "1"),),
        **({} if counts is None else {"counts": counts()}),
    )
    return made


def _counted() -> Any:
    """One message's counting addresses."""
    from tandem.messenger.delivery import tokens
    from tandem.messenger.projects.parts import Counting

    token = tokens.make("key", tokens.TRACK, 7, 7)
    url = f"https://tracking.example/c/{token}/"
    pixel = f"https://tracking.example/o/{token}.gif"
    return Counting(url=url, pixel_url=pixel, sign=tokens.signer("key", token))


def _checked(compiled: Any, values: dict[str, str]) -> int:
    raw = _rendered(compiled, values)
    message = message_from_bytes(raw, policy=policy.default)
    html, text = (message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("html", "plain"))
    wanted = letters.filled(letters.HTML, values, LINK)
    if _words(html) != _words(wanted) or any(values[name] not in text for name in values if name != "code"):
        raise SystemExit(f"The message of {values['originalid']} is not what its template says.")
    return len(raw)


def _words(html: str) -> list[str]:
    """The HTML without what a parser may write in another way: blanks and named signs."""
    return (
        html.lower()
        .replace("<tbody>", "")
        .replace("</tbody>", "")
        .replace("&euro;", "€")
        .replace("&#x27;", "'")
        .replace(">", "> ")
        .replace("<", " <")
        .split()
    )


def _peer(people: list[dict[str, str]]) -> float:
    """CPU microseconds per message of Django's own way, its templates compiled before."""
    from django.core.mail import EmailMultiAlternatives
    from django.template import engines

    engine = engines["django"]
    source = letters.HTML.replace("code={{contact.code}}", "code={{ contact.code|urlencode:'' }}")
    for name, label in letters.NAMES.items():
        source = source.replace(f"{{{{contact.{label}}}}}", f"{{{{ contact.{name} }}}}")
    source = source.replace("{{message.unsubscribeUrl}}", "{{ link }}")
    html, text = engine.from_string(source), engine.from_string(source)
    before = time.process_time()
    for values in people:
        context = {"contact": values, "link": LINK}
        mail = EmailMultiAlternatives(
            f"{values['firstname']}, your week",
            text.render(context),
            letters.SENDER[1],
            [values["emailaddress"]],
        )
        mail.attach_alternative(html.render(context), "text/html")
        mail.message().as_bytes()
    return (time.process_time() - before) / len(people) * 1e6
