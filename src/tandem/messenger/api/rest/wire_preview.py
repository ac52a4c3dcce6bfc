"""A preview on the wire: our own addition."""

from collections.abc import Collection

from tandem.messenger.accounts.prices import Price
from tandem.messenger.api.rest.wire import Json
from tandem.messenger.projects.domain import Preview, SmsText


def preview(view: Preview, fall_back: Collection[str], price: Price | None) -> Json:
    """What one contact would get; `fallbacks` = missing, but something stands in its place."""
    return {
        "subject": view.subject,
        "from": view.sender,
        "html": view.html,
        "text": view.text,
        "sms": view.sms and _sms(view.sms, price),
        "missing": list(view.missing),
        "fallbacks": [name for name in view.missing if name in fall_back],
    }


def _sms(sms: SmsText, price: Price | None) -> Json:
    said: Json = {"text": sms.text, "encoding": sms.encoding, "parts": sms.parts}
    if price is not None:
        said |= {"cost": f"{price.of(sms.parts):f}", "currency": price.currency}
    return said
