"""The peer, a Django send loop as one writes it: templates, EmailMultiAlternatives, one connection, UPDATE per row."""

import time
from typing import Any

from benchmarks import letters
from benchmarks.details import _database_cpu as database_cpu

#: of the letter that are counted
LINKS = 14


def measured(account_id: int, n: int, relay: Any) -> dict[str, float]:
    """CPU microseconds per message, sender and database together, and messages a second."""
    from django.core.mail import get_connection
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE peer (id BIGINT PRIMARY KEY, status TEXT, sent_at TIMESTAMPTZ)"
        )
        cursor.execute(
            "INSERT INTO peer SELECT id, 'new', NULL FROM messenger_contacts_contact WHERE account_id = %s "
            "ORDER BY id LIMIT %s",
            [account_id, n],
        )
    html, text = _templates()
    with relay() as sink:
        mail = get_connection(
            "django.core.mail.backends.smtp.EmailBackend",
            host="127.0.0.1",
            port=sink.port,
            use_tls=False,
        )
        database, used, wall = database_cpu(), time.process_time(), time.perf_counter()
        mail.open()
        for number, values in enumerate(_people(account_id, n)):
            _send_one(mail, html, text, number, values)
        mail.close()
        wall = time.perf_counter() - wall
        used, database = time.process_time() - used, database_cpu() - database
    if len(sink.taken) != n:
        raise SystemExit(f"Django sent {n}, the relay took {len(sink.taken)}.")
    return {"us": (used + database) / n * 1e6, "per_s": n / wall}


def _templates() -> tuple[Any, Any]:
    """The letter in Django's language; the text part is the same words without their tags."""
    from django.template import engines
    from django.utils.html import strip_tags

    source = letters.HTML.replace("code={{contact.code}}", "code={{ contact.code|urlencode:'' }}")
    for name, label in letters.NAMES.items():
        source = source.replace(f"{{{{contact.{label}}}}}", f"{{{{ contact.{name} }}}}")
    source = source.replace("{{message.unsubscribeUrl}}", "{{ link }}")
    head, *links = source.split('href="https://shop.example/')
    for number, rest in enumerate(links):
        head += f'href="{{{{ click.{number} }}}}?to=https://shop.example/{rest}'
    source = head.replace("</body>", '<img src="{{ link }}.gif" alt=""></body>')
    engine = engines["django"]
    return engine.from_string(source), engine.from_string(strip_tags(source))


def _people(account_id: int, n: int) -> Any:
    from tandem.messenger.contacts.models import Contact

    peer = _peer()
    rows = Contact.objects.filter(account_id=account_id).order_by("id")[:n]
    for row in rows.iterator(chunk_size=500):
        yield peer(pk=row.pk), {
            "firstname": row.first_name, "lastname": row.last_name, "city": row.city, "country": row.country,
            "emailaddress": row.email, "originalid": row.original_id, "zipcode": row.zip_code,
            "level": "gold", "code": "WEEK",
        }  # fmt: skip


def _peer() -> Any:
    """A model of the table of rows that are sent to."""
    from django.db import models

    class Peer(models.Model):
        id = models.BigIntegerField(primary_key=True)
        status = models.TextField()
        sent_at = models.DateTimeField(null=True)

        class Meta:
            app_label, managed, db_table = "messenger_delivery", False, "peer"

    return Peer


def _send_one(mail: Any, html: Any, text: Any, number: int, person: Any) -> None:
    from django.core import signing
    from django.core.mail import EmailMultiAlternatives
    from django.utils import timezone

    row, values = person
    context = {
        "contact": values,
        "link": f"https://tracking.example/u/{signing.Signer().sign(str(number))}",
        "click": [
            f"https://tracking.example/c/{signing.Signer().sign(f'{number}:{k}')}" for k in range(LINKS)
        ],
    }
    message = EmailMultiAlternatives(
        f"{values['firstname']}, your week in {values['city']}",
        text.render(context),
        letters.SENDER[1],
        [values["emailaddress"]],
        connection=mail,
        headers={"List-Unsubscribe": f"<{context['link']}>"},
    )
    message.attach_alternative(html.render(context), "text/html")
    message.send()
    row.status, row.sent_at = "sent", timezone.now()
    row.save(update_fields=["status", "sent_at"])
