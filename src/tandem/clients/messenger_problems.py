"""What can go wrong when a messenger is asked."""

import orjson

from tandem.kit.http import Answer
from tandem.kit.problems import NotFound, OtherSideFailed

#: seconds to wait where a 429 names none
WAIT = 60.0
MOST_WAIT = 3600.0


class MessengerUnreachable(OtherSideFailed):
    """Nothing answered at the address. sent: whether the request may have reached the messenger."""

    title = "The messenger did not answer"
    sent = False


class MessengerRefusedPassword(OtherSideFailed):
    """401: user name, password or token."""

    title = "The messenger refused the password"


class MessengerRefusedCustomer(OtherSideFailed):
    """403: these credentials belong to another customer."""

    title = "The messenger refused the customer ID"


class MessengerAnsweredHtml(OtherSideFailed):
    """A web page instead of the API."""

    title = "The address is not Symplify's API"


class MessengerBroken(OtherSideFailed):
    """A 5xx, or an answer that is cut or of another shape."""

    title = "The messenger's answer could not be used"


class MessengerBusy(OtherSideFailed):
    """429. seconds: how long to wait."""

    title = "The messenger asks us to wait"
    seconds = WAIT


class MessengerRefused(OtherSideFailed):
    """Another 4xx: the messenger would not do this."""

    title = "The messenger refused this"


class MessengerCannot(MessengerRefused):
    """501, or a 405: the messenger has no such call."""

    title = "The messenger does not offer this"


class MessengerHasNot(NotFound):
    """404: the messenger does not know the thing, or the address. page: whether a web page said so."""

    title = "The messenger does not know this"
    page = False


class NoPreview(OtherSideFailed):
    """The server has no preview."""

    title = "This messenger offers no preview"


def explain(answer: Answer) -> None:
    """Raise what the status of an answer that is no success means."""
    said = _error_text(answer)
    if answer.status == 401:
        raise MessengerRefusedPassword(
            "The messenger refused the password (401).",
            "Check the user name and password, or ask Symplify for a new token.",
            field="password",
        )
    if answer.status == 403:
        raise MessengerRefusedCustomer(
            "The messenger knows the credentials, but not for this customer ID (403).",
            "Check the Symplify customer ID.",
            field="customer_id",
        )
    if answer.status == 404:
        absent = MessengerHasNot(
            f"The messenger does not know this (404{said}).", "Read the templates again."
        )
        absent.page = answer.is_html
        raise absent
    if answer.status == 429:
        raise _busy(answer)
    if answer.status in (405, 501):
        raise MessengerCannot(f"The messenger does not offer this ({answer.status}{said}).")
    if answer.status >= 500:
        raise MessengerBroken(f"The messenger failed ({answer.status}{said}).", "Try again in a few minutes.")
    raise MessengerRefused(
        f"The messenger refused this ({answer.status}{said}).", "Check what was asked for."
    )


def html() -> MessengerAnsweredHtml:
    """A web page came where the API was asked."""
    return MessengerAnsweredHtml(
        "The address answered, but not as Symplify's API does (HTML page).",
        "Check the API URL; it usually ends in /rest.",
        field="api_url",
    )


def odd(what: str) -> MessengerBroken:
    """An answer of another shape."""
    return MessengerBroken(
        f"The messenger's answer could not be read: {what}.",
        "Nothing was changed. Try again, or check the API URL.",
    )


def _busy(answer: Answer) -> MessengerBusy:
    told = answer.headers.get("retry-after", "")
    seconds = min(float(told), MOST_WAIT) if told.isascii() and told.isdigit() else WAIT
    busy = MessengerBusy("The messenger asks us to wait (429).", f"Try again in {seconds:.0f} seconds.")
    busy.seconds = seconds
    return busy


def _error_text(answer: Answer) -> str:
    try:
        said = orjson.loads(answer.body).get("error")
    except (ValueError, AttributeError):
        return ""
    return f": {str(said)[:200]}" if said else ""
