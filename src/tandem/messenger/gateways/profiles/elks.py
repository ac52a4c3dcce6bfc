"""Gateways that speak as 46elks does: `POST /a1/sms`, a form, Basic authentication, `whendelivered`.

https://46elks.com/docs/send-sms, .../docs/sms-delivery-reports, .../docs/receive-sms. Call-backs are not signed: what
makes them the gateway's is their address, which nobody else knows.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from tandem.messenger.gateways.domain import (
    Answer,
    Came,
    Flag,
    HttpCall,
    Incoming,
    Receipt,
    Setup,
    Sms,
    Verdict,
)
from tandem.messenger.gateways.profiles.answers import accepted, by_status, document_of, refused, said

URL = "https://api.46elks.com"
_CAME = {"delivered": Came.DELIVERED, "failed": Came.FAILED}


def build(setup: Setup, sms: Sms) -> HttpCall:
    """The form of one message."""
    fields = {"from": sms.sender, "to": sms.to, "message": sms.text}
    if sms.receipt_url:
        fields["whendelivered"] = sms.receipt_url
    return HttpCall(
        method="POST",
        url=f"{setup.url or URL}/a1/sms",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields, errors="replace").encode(),
        auth=(setup.user, setup.secret),
    )


def read_answer(setup: Setup, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """JSON when it was taken, plain text when not."""
    words = body[:200].decode("utf-8", "replace").lower() if status >= 400 else ""
    found = by_status(status, headers, "")
    if found is not None:
        bad = status == 400 and ("invalid to" in words or "to number" in words or '"to"' in words)
        return refused("400 the number is refused", Flag.BAD_NUMBER) if bad else found
    document = document_of(body)
    gateway_id = said(document, "id")
    if not gateway_id:
        return Answer(
            verdict=Verdict.UNCERTAIN, detail=f"{status} without the message's name, which cannot be read"
        )
    if said(document, "status") == "failed":
        return refused(f"{status} failed {gateway_id}")
    return accepted(gateway_id, status)


def read_receipt(setup: Setup, fields: Mapping[str, str]) -> Receipt | None:
    """A delivery report."""
    if not fields.get("id") or not fields.get("status"):
        return None
    return Receipt(
        gateway_id=fields["id"],
        came=_CAME.get(fields["status"], Came.ON_THE_WAY),
        detail=fields["status"][:200],
    )


def read_incoming(setup: Setup, fields: Mapping[str, str]) -> Incoming | None:
    """A received message."""
    if not fields.get("from") or "message" not in fields:
        return None
    return Incoming(
        sender=fields["from"],
        to=fields.get("to", ""),
        text=fields["message"],
        gateway_id=fields.get("id", ""),
    )


def signed(setup: Setup, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """There is no signature to check."""
    return True
