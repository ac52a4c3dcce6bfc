"""Where mail is handed over, and how long its answers are waited for."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from tandem.messenger.delivery.smtp.session import Step


class Encryption(StrEnum):
    """How the connection is protected."""

    #: STARTTLS, or no mail at all
    STARTTLS = "starttls"
    #: TLS from the first byte
    IMPLICIT = "implicit"
    #: none; for a relay on this machine
    NONE = "none"


@dataclass(frozen=True)
class Waits:
    """Seconds until the oldest answer that is owed counts as lost (RFC 5321, 4.5.3.2)."""

    connect: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    final: float = 600.0
    #: an unused connection says QUIT after this
    idle: float = 20.0
    #: what is owed when a way out closes
    closing: float = 10.0

    def of(self, step: Step) -> float:
        """The limit for the answer to a step."""
        if step is Step.FINAL:
            return self.final
        return {Step.DATA: self.data, Step.QUIT: min(self.closing, self.command)}.get(step, self.command)


@dataclass(frozen=True, kw_only=True)
class Relay:
    """The next hop. connections: how many at most; messages: how many over one connection, 0 = no limit."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    encryption: Encryption = Encryption.STARTTLS
    #: a PEM file of authorities to trust, empty = those of the system
    authorities: str = ""
    #: what this host calls itself, empty = its name
    name: str = ""
    connections: int = 8
    messages: int = 0
    waits: Waits = Waits()

    def __repr__(self) -> str:
        return f"Relay({self.host}:{self.port})"


def relay_of(setting: Mapping[str, str], *, seconds: float | None = None) -> Relay:
    """The relay of the TANDEM_SMTP_... settings. seconds: how long it is waited for where somebody waits."""
    secret = setting["TANDEM_SMTP_PASSWORD_FILE"]
    return Relay(
        host=setting["TANDEM_SMTP_HOST"],
        port=int(setting["TANDEM_SMTP_PORT"]),
        user=setting["TANDEM_SMTP_USER"],
        password=Path(secret).read_text().strip() if secret else "",
        encryption=_ENCRYPTION.get(setting["TANDEM_SMTP_STARTTLS"].lower(), Encryption.STARTTLS),
        authorities=setting.get("TANDEM_SMTP_CA_FILE", ""),
        name=setting.get("TANDEM_SMTP_NAME", ""),
        connections=min(500, max(1, int(setting.get("TANDEM_SMTP_CONNECTIONS") or 8))),
        messages=max(0, int(setting.get("TANDEM_SMTP_MESSAGES") or 0)),
        waits=Waits(final=max(1.0, float(setting.get("TANDEM_SMTP_ANSWER_SECONDS") or Waits.final)))
        if seconds is None
        else Waits(seconds, seconds, seconds, seconds, seconds, seconds, 1.0),
    )


#: anything else is encrypted: a slip of the pen does not send mail in the clear
_ENCRYPTION = {
    **dict.fromkeys(("0", "false", "no", "off"), Encryption.NONE),
    "implicit": Encryption.IMPLICIT,
}


@lru_cache(maxsize=4)
def context(authorities: str) -> ssl.SSLContext:
    """TLS that checks the relay's certificate and name."""
    return ssl.create_default_context(cafile=authorities or None)
