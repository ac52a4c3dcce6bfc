"""What the profiles share: HTTP statuses that mean the same everywhere."""

from collections.abc import Mapping

import orjson

from tandem.messenger.gateways.domain import Answer, Flag, Verdict

#: seconds to send nothing after a refusal that names no time of its own
PAUSE = 5.0
LOCKED_OUT_PAUSE = 30.0
LONGEST_PAUSE = 300.0


def by_status(status: int, headers: Mapping[str, str], words: str) -> Answer | None:
    """The answer that a status alone gives; None where the body decides.

    5xx: the gateway may have taken the message before it failed. 401, 402, 403: the account's trouble and not the
    recipient's, so the message waits.
    """
    detail = f"{status} {words}".strip()[:200]
    if status == 429:
        return Answer(verdict=Verdict.DEFERRED, detail=detail, pause=retry_after(headers))
    if status in (401, 402, 403):
        return Answer(verdict=Verdict.DEFERRED, detail=detail, pause=LOCKED_OUT_PAUSE)
    if 400 <= status < 500:
        return Answer(verdict=Verdict.REJECTED, detail=detail)
    if status >= 500 or status < 200 or 300 <= status < 400:
        return Answer(verdict=Verdict.UNCERTAIN, detail=detail)
    return None


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds the gateway asks for, within bounds."""
    said = headers.get("retry-after", "")
    return min(float(said), LONGEST_PAUSE) if said.isascii() and said.isdigit() else PAUSE


def document_of(body: bytes) -> dict[str, object]:
    """The JSON object of an answer; empty if it is none."""
    try:
        found = orjson.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def said(document: Mapping[str, object], key: str) -> str:
    """A field as text; '' if it is not there, or is no plain value."""
    value = document.get(key)
    return str(value)[:200] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def accepted(gateway_id: str, status: int) -> Answer:
    """The gateway has it, under this name."""
    return Answer(
        verdict=Verdict.ACCEPTED,
        detail=f"{status} {gateway_id}".strip()[:200],
        ids=(gateway_id,) if gateway_id else (),
    )


def refused(detail: str, flag: Flag = Flag.NONE) -> Answer:
    """Never to be sent."""
    return Answer(verdict=Verdict.REJECTED, detail=detail[:200], flag=flag)
