"""One request to KumoMTA: an operator's address, called like every other outgoing address."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tandem.kit.failpoints import failpoint
from tandem.kit.http import AddressRefused, AnswerTooLarge, Http, Unreachable
from tandem.messenger.delivery.domain import SUB_BLOCK_ROWS, Message, Outcome
from tandem.messenger.delivery.errors import OutboundStopped, ProviderRefused
from tandem.messenger.delivery.kumomta import wire
from tandem.messenger.delivery.providers.base import BeforeContent
from tandem.messenger.delivery.smtp.envelope import Unfit, unfit

SECONDS = 120.0
REQUESTS = 4
LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Kumo:
    """Where and how. requests: side by side; block: messages per request, 1 = static content."""

    url: str
    user: str = ""
    password: str = ""
    requests: int = REQUESTS
    block: int = 1
    seconds: float = SECONDS
    allow_private: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Kumo({self.url})"


def kumo_of(
    setting: Mapping[str, str], *, allow_private: Iterable[str] = (), seconds: float | None = None
) -> Kumo:
    """The TANDEM_KUMOMTA_... settings. Raises ProviderRefused without an address."""
    url = setting.get("TANDEM_KUMOMTA_URL", "").rstrip("/")
    if not url:
        raise ProviderRefused(
            "TANDEM_PROVIDER is kumomta, but its address is not set.",
            "Set TANDEM_KUMOMTA_URL, such as http://127.0.0.1:8000.",
        )
    secret = setting.get("TANDEM_KUMOMTA_PASSWORD_FILE", "")
    return Kumo(
        url=url,
        user=setting.get("TANDEM_KUMOMTA_USER", ""),
        password=Path(secret).read_text().strip() if secret else "",
        requests=max(1, int(setting.get("TANDEM_KUMOMTA_REQUESTS") or REQUESTS)),
        block=max(1, int(setting.get("TANDEM_KUMOMTA_BLOCK") or 1)),
        seconds=seconds or SECONDS,
        allow_private=(*allow_private, *_itself(url)),
    )


def _itself(url: str) -> tuple[str, ...]:
    """An address written as a number is the operator's word; a name is not, it may lead anywhere."""
    parts = urlsplit(url)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return ()
    shown = f"[{address}]" if address.version == 6 else str(address)
    return (f"{shown}:{parts.port or (443 if parts.scheme == 'https' else 80)}",)


class Injector:
    """Posts blocks. Safe to share between threads."""

    def __init__(self, kumo: Kumo) -> None:
        self.kumo = kumo
        port = urlsplit(kumo.url).port
        self._http = Http(
            allow_private=kumo.allow_private,
            ports=frozenset({port}) if port else None,
            timeout=kumo.seconds,
            limit=LARGEST_ANSWER,
        )

    def post(self, messages: Sequence[Message]) -> tuple[list[Outcome], bool]:
        """(the outcomes in order, whether KumoMTA is closed to us). Raises OutboundStopped: nothing has left."""
        kumo = self.kumo
        try:
            answer = self._http.request(
                "POST",
                kumo.url + wire.PATH,
                headers={"Content-Type": "application/json"},
                content=wire.request(messages),
                auth=(kumo.user, kumo.password) if kumo.user else None,
            )
        except AddressRefused as refused:
            raise OutboundStopped(refused.detail, refused.advice) from refused
        except Unreachable as lost:
            if not lost.sent:
                raise OutboundStopped(lost.detail, "Check TANDEM_KUMOMTA_URL.") from lost
            return wire.unanswered(messages, lost.title.lower()), False
        except AnswerTooLarge as error:
            return wire.unanswered(messages, error.title.lower()), False
        failpoint("m14")
        return wire.outcomes(messages, answer.status, answer.body), wire.is_closed(answer.status)

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()


class KumoProvider:
    """One message at a time, for whoever waits for its answer: test messages."""

    idempotent = False
    rows_in_hand = SUB_BLOCK_ROWS
    holds_after_settle = False

    def __init__(self, kumo: Kumo) -> None:
        self._injector = Injector(kumo)

    def send(self, message: Message, before_content: BeforeContent) -> Outcome | None:
        """See `providers.base.Provider`."""
        try:
            wire.check(message)
        except Unfit as error:
            return unfit(error)
        return self._injector.post([message])[0][0] if before_content() else None

    def settle(self) -> None:
        """KumoMTA answers for what it took."""

    def arrived(self, message: Message) -> bool | None:
        """Nothing can tell."""
        return None

    def close(self) -> None:
        """Close the kept connections."""
        self._injector.close()
