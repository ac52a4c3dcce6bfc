"""Gateways that speak as Twilio does: `POST /2010-04-01/Accounts/<sid>/Messages.json`, a form, Basic authentication.

https://www.twilio.com/docs/messaging/api/message-resource, .../docs/api/errors, .../docs/usage/security
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

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
from tandem.messenger.gateways.profiles.answers import (
    PAUSE,
    accepted,
    by_status,
    document_of,
    refused,
    retry_after,
    said,
)

URL = "https://api.twilio.com"
_OPTED_OUT = {21610}
#: not a number, not a mobile one, not one that can be reached: for good
_BAD_NUMBER = {21211, 21217, 21401, 21407, 21421, 21614}
#: its own queue is full, too many at once, too many of this sender
_LATER = {14107, 20429, 21611, 63038, 30001, 30022}
#: the account's own trouble: credentials, funds, suspension
_OURS = {20003, 20005, 21606, 21659, 30002, 63051}
_FAILED_NUMBER = {30005, 30006}
_CAME = {
    "delivered": Came.DELIVERED,
    "read": Came.DELIVERED,
    "failed": Came.FAILED,
    "undelivered": Came.FAILED,
    "canceled": Came.FAILED,
}


def build(setup: Setup, sms: Sms) -> HttpCall:
    """The form of one message. A messaging service (MG...) takes the place of a sender."""
    fields = {"To": sms.to, "Body": sms.text}
    fields["MessagingServiceSid" if sms.sender.startswith("MG") else "From"] = sms.sender
    if sms.receipt_url:
        fields["StatusCallback"] = sms.receipt_url
    return HttpCall(
        method="POST",
        url=f"{setup.url or URL}/2010-04-01/Accounts/{quote(setup.user, safe='')}/Messages.json",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields, errors="replace").encode(),
        auth=(setup.user, setup.secret),
    )


def read_answer(setup: Setup, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """By the error code, which says more than the status."""
    document = document_of(body)
    code = said(document, "code") or said(document, "error_code")
    number = int(code) if code.isascii() and code.isdigit() else 0
    words = said(document, "message") if status >= 400 else said(document, "error_message")
    known = _by_code(number, headers, f"{status} {number} {_plain(words)}") if status < 500 else None
    if known is not None:
        return known
    found = by_status(status, headers, f"{number} {_plain(words)}" if number else "")
    if found is not None:
        return found
    sid = said(document, "sid")
    if not sid:
        return Answer(
            verdict=Verdict.UNCERTAIN, detail=f"{status} without the message's name, which cannot be read"
        )
    if said(document, "status") in ("failed", "undelivered"):
        return refused(f"{status} {number} {_plain(words)}")
    return accepted(sid, status)


def _by_code(code: int, headers: Mapping[str, str], detail: str) -> Answer | None:
    if code in _OPTED_OUT:
        return refused(detail, Flag.OPTED_OUT)
    if code in _BAD_NUMBER:
        return refused(detail, Flag.BAD_NUMBER)
    if code in _LATER:
        return Answer(verdict=Verdict.DEFERRED, detail=detail[:200], pause=retry_after(headers))
    if code in _OURS:
        return Answer(verdict=Verdict.DEFERRED, detail=detail[:200], pause=PAUSE * 6)
    return None


def _plain(words: str) -> str:
    """The words without the number they may name."""
    return "".join("#" if one.isdigit() else one for one in words)[:120]


def read_receipt(setup: Setup, fields: Mapping[str, str]) -> Receipt | None:
    """A StatusCallback."""
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    if not sid or not status or status == "received":
        return None
    code = fields.get("ErrorCode", "")
    number = int(code) if code.isascii() and code.isdigit() else 0
    flag = Flag.BAD_NUMBER if number in _FAILED_NUMBER | _BAD_NUMBER else Flag.NONE
    return Receipt(
        gateway_id=sid,
        came=_CAME.get(status, Came.ON_THE_WAY),
        detail=f"{status} {code}".strip()[:200],
        flag=Flag.OPTED_OUT if number in _OPTED_OUT else flag,
    )


def read_incoming(setup: Setup, fields: Mapping[str, str]) -> Incoming | None:
    """A message webhook."""
    if not fields.get("From") or "Body" not in fields:
        return None
    return Incoming(
        sender=fields["From"],
        to=fields.get("To", ""),
        text=fields["Body"],
        gateway_id=fields.get("MessageSid") or fields.get("SmsSid", ""),
    )


def signed(setup: Setup, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """X-Twilio-Signature: HMAC-SHA1 under the token over the address and the sorted fields."""
    return hmac.compare_digest(
        signature(setup.secret, url, fields).encode(),
        headers.get("x-twilio-signature", "").encode("utf-8", "replace"),
    )


def signature(secret: str, url: str, fields: Mapping[str, str]) -> str:
    """The signature of a call-back."""
    content = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(secret.encode(), content.encode("utf-8", "replace"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
