"""One call to somebody's address: what it shows, what it signs, what came of it."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache

from django.conf import settings

from tandem.kit import webhooks as standard
from tandem.kit.http import Answer, Http, Unreachable
from tandem.kit.problems import Problem
from tandem.messenger.webhooks.domain import Auth, Endpoint, Heard
from tandem.messenger.webhooks.models import Gate, Subscription

ANSWER_BYTES = 65_536
CONTENT_TYPE = "application/json"


def endpoint_of(row: Subscription | Gate) -> Endpoint:
    """The address with its opened secrets; only for the call itself."""
    opened = _open(row.account_id, "webhook password", row.auth_sealed)
    secrets: tuple[str, ...] = ()
    if isinstance(row, Subscription) and row.secret_sealed:
        sealed = [row.secret_sealed, *([row.old_secret_sealed] if row.old_secret_sealed else [])]
        secrets = tuple(_open(row.account_id, "webhook secret", one) for one in sealed)
    return Endpoint(
        url=row.url, auth=Auth(row.auth), auth_name=row.auth_name, auth_secret=opened, secrets=secrets
    )


def seal(account_id: int, field: str, secret: str) -> str:
    """A secret as it is kept; an empty one stays empty."""
    sealed: str = settings.TANDEM_VAULT.seal(secret, f"{account_id}:{field}") if secret else ""
    return sealed


def post(endpoint: Endpoint, body: bytes, *, message_id: str, seconds: float, now: datetime) -> Heard:
    """Call once, without redirects and without a second try; whatever happens is an outcome."""
    headers = {"Content-Type": CONTENT_TYPE}
    if endpoint.secrets:
        headers |= standard.signed_headers(*endpoint.secrets, message_id=message_id, at=now, body=body)
    if endpoint.auth is Auth.HEADER:
        headers[endpoint.auth_name] = endpoint.auth_secret
    basic = (endpoint.auth_name, endpoint.auth_secret) if endpoint.auth is Auth.BASIC else None
    try:
        answer = _http(tuple(settings.TANDEM_ALLOW_PRIVATE)).request(
            "POST", endpoint.url, headers=headers, content=body, auth=basic, timeout=seconds
        )
    except Unreachable as problem:
        return Heard(status=0, words=problem.detail[:300])
    except Problem as problem:
        return Heard(status=0, words=f"{problem.detail} {problem.advice}".strip()[:300])
    return Heard(status=answer.status, words=_words(answer), retry_after=_retry_after(answer, now))


def _words(answer: Answer) -> str:
    said = f"answered {answer.status} in {answer.seconds * 1000:.0f} ms"
    return f"{said}; redirects are not followed" if 300 <= answer.status < 400 else said


def _retry_after(answer: Answer, now: datetime) -> timedelta | None:
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 9:
        return timedelta(seconds=int(said))
    try:
        return max(parsedate_to_datetime(said) - now, timedelta(0)) if said else None
    except (ValueError, TypeError):
        return None


def _open(account_id: int, field: str, sealed: str) -> str:
    opened: str = settings.TANDEM_VAULT.open(sealed, f"{account_id}:{field}") if sealed else ""
    return opened


@cache
def _http(allow_private: tuple[str, ...]) -> Http:
    return Http(allow_private=allow_private, limit=ANSWER_BYTES, user_agent="Tandem webhooks")
