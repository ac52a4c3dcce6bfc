"""Proof of consent: the words a person saw, each change with its circumstances, and all of it read back."""

import hashlib
from dataclasses import asdict, fields

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts.keys import customer_key
from tandem.messenger.contacts.models import ConsentEvent, ConsentText, Contact
from tandem.messenger.contacts.proofs import Proof, ProofView

LIST, ACCOUNT = "list", "account"
PROOF_COLUMNS = tuple(field.name for field in fields(ProofView))
_LOCK = 0x636F6E73


def keep_text(account_id: int, kind: str, language: str, words: str, *, clock: Clock) -> int:
    """The id of these exact words; the same words have one version, others the next."""
    digest = hashlib.sha256(f"{kind}\n{language}\n{words}".encode()).hexdigest()
    rows = ConsentText.objects.filter(account_id=account_id)
    found = rows.filter(digest=digest).values_list("pk", flat=True).first()
    if found is not None:
        return found
    with transaction.atomic():
        with connection.cursor() as cursor:  # one at a time per account: versions have no gaps and no twins
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, account_id % (1 << 31)])
        if twin := rows.filter(digest=digest).first():
            return twin.pk
        of_kind = rows.filter(kind=kind, language=language)
        last = of_kind.order_by("-version").values_list("version", flat=True).first() or 0
        made = ConsentText.objects.create(
            account_id=account_id, kind=kind, language=language, version=last + 1, words=words, digest=digest,
            made_at=clock.system(),
        )  # fmt: skip
    return made.pk


def record(
    contact: Contact, channel: str, change: str, *, source: str, proof: Proof, clock: Clock, scope: str = LIST
) -> None:
    """Write one change of consent; in the transaction of the change itself."""
    ConsentEvent.objects.create(
        account_id=contact.account_id,
        list_id=contact.list_id,
        contact=contact,
        customer_key=contact.customer_key,
        channel=channel,
        change=change,
        source=source[:60],
        at=clock.system(),
        business_at=clock.business(),
        scope=scope,
        door=proof.door,
        actor=proof.actor[:150],
        url=proof.url[:500],
        language=proof.language[:12],
        text_id=proof.text_id,
        sending_id=proof.sending_id,
        attempt_id=proof.attempt_id,
        detail=proof.detail[:500],
    )


def proofs_of(account_id: int, original_id: str) -> tuple[ProofView, ...]:
    """Every change of the customer's consent in every list, newest first; also after the customer was forgotten."""
    rows = ConsentEvent.objects.filter(
        account_id=account_id, customer_key=customer_key(account_id, original_id)
    )
    return tuple(_view(row) for row in rows.select_related("list", "text").order_by("-id"))


def proof_line(view: ProofView) -> dict[str, object]:
    """One change as plain data, for exports."""
    line = asdict(view)
    line["at"] = view.at.isoformat()
    line["business_at"] = view.business_at.isoformat() if view.business_at else None
    return line


def _view(row: ConsentEvent) -> ProofView:
    return ProofView(
        id=row.pk, at=row.at, business_at=row.business_at, list_id=row.list_id, list_name=row.list.name,
        channel=row.channel, change=row.change, scope=row.scope, door=row.door, source=row.source, actor=row.actor,
        url=row.url, language=row.language, text=row.text.words if row.text else "",
        text_version=row.text.version if row.text else None, sending_id=row.sending_id, attempt_id=row.attempt_id,
        detail=row.detail,
    )  # fmt: skip
