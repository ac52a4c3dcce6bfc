"""A stamp in a form: it was on one of our pages, for this link, not long ago. Without it nobody is subscribed."""

import hashlib
import hmac

from django.conf import settings

from tandem.kit.clock import Clock

GOOD_FOR_SECONDS = 24 * 3600


def stamp(token: str, *, clock: Clock) -> str:
    """The stamp for a page that is shown now."""
    until = int(clock.system().timestamp()) + GOOD_FOR_SECONDS
    return f"{until}.{_mac(token, until)}"


def is_fresh(token: str, said: str, *, clock: Clock) -> bool:
    """Whether a form's stamp is ours, of this link, and not too old."""
    until, _, mac = said.partition(".")
    if not (until.isascii() and until.isdecimal() and len(until) < 12 and mac.isascii()):
        return False
    right = hmac.compare_digest(mac, _mac(token, int(until)))
    return right and int(until) >= clock.system().timestamp()


def _mac(token: str, until: int) -> str:
    said = f"tandem subscribe {until} {token}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).hexdigest()
