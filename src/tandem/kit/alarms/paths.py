"""The second path: a signed webhook, or mail over the relay of the settings by a connection of its own.

Nothing here needs the database, a queue or a sender process.
"""

import mailbox
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from tandem.kit import webhooks
from tandem.kit.alarms.messages import Told
from tandem.kit.http import Http
from tandem.kit.problems import OtherSideFailed, Problem, Refused

SECONDS = 10.0
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class NotTold(OtherSideFailed):
    """The second path did not take it."""

    title = "The alarm was not taken"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One path and whose it is (None = the installation's)."""

    path: str
    target: str
    account_id: int | None = None
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Means:
    """What this installation sends with: its TANDEM_SMTP_... values, where mail is written instead, whom it calls."""

    setting: Mapping[str, str]
    outbox: Path
    sender: str
    allow_private: tuple[str, ...] = ()

    @property
    def writes_files(self) -> bool:
        """Whether mail goes into the outbox, as every mail of this installation does."""
        locked = self.setting.get("TANDEM_PROVIDER_LOCK", "").lower() in _YES
        return locked or self.setting.get("TANDEM_PROVIDER") in ("file", "memory")


def tell(way: Way, told: Told, means: Means) -> None:
    """Hand it over, or raise a Problem that says why not."""
    if way.path == "webhook":
        _post(way, told, means)
    elif means.writes_files:
        _write(_mail(way, told, means), means.outbox)
    else:
        _send(_mail(way, told, means), way.target, means)


def _post(way: Way, told: Told, means: Means) -> None:
    body = told.body()
    headers = webhooks.signed_headers(way.secret, message_id=told.id, at=told.at, body=body)
    http = Http(
        allow_private=means.allow_private, timeout=SECONDS, limit=64 * 1024, user_agent="Tandem-Alarms"
    )
    try:
        answer = http.request(
            "POST", way.target, headers={**headers, "Content-Type": "application/json"}, content=body
        )
    finally:
        http.close()
    if not 200 <= answer.status < 300:
        raise NotTold(f"{answer.address} answered {answer.status}.", "Only 2xx counts.")


def _mail(way: Way, told: Told, means: Means) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = means.sender, way.target
    mail["Subject"] = told.line
    mail["Date"] = format_datetime(told.at)
    mail["Message-ID"] = f"<{told.id}@{means.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(told.text(), cte="quoted-printable")
    return mail


def _write(mail: EmailMessage, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    mailbox.Maildir(folder, create=True).add(mail.as_bytes())


def _send(mail: EmailMessage, recipient: str, means: Means) -> None:
    with _relay(means.setting) as client:
        client.send_message(mail, from_addr=means.sender, to_addrs=[recipient])


@contextmanager
def _relay(setting: Mapping[str, str]) -> Iterator[smtplib.SMTP]:
    mode = setting["TANDEM_SMTP_STARTTLS"].lower()
    host, port = setting["TANDEM_SMTP_HOST"], int(setting["TANDEM_SMTP_PORT"])
    shown = f"The relay {host}:{port}"
    try:
        context = ssl.create_default_context(cafile=setting.get("TANDEM_SMTP_CA_FILE") or None)
        name = setting.get("TANDEM_SMTP_NAME") or socket.getfqdn()
        client = (
            smtplib.SMTP_SSL(host, port, name, timeout=SECONDS, context=context)
            if mode == "implicit"
            else smtplib.SMTP(host, port, name, timeout=SECONDS)
        )
        with client:
            if mode != "implicit" and mode not in _NO:
                client.starttls(context=context)
            if setting["TANDEM_SMTP_USER"]:
                client.login(setting["TANDEM_SMTP_USER"], _password(setting))
            yield client
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(str(code) for code, _ in error.recipients.values())
        raise NotTold(f"{shown} refused the recipient ({codes}).", "Check the address.") from error
    except smtplib.SMTPResponseException as error:
        raise NotTold(f"{shown} answered {error.smtp_code}.", "Look at the relay.") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotTold(f"{shown} did not take it: {type(error).__name__}.", "Look at the relay.") from error


def _password(setting: Mapping[str, str]) -> str:
    file = setting["TANDEM_SMTP_PASSWORD_FILE"]
    return Path(file).read_text().strip() if file else ""


def check_url(url: str) -> str:
    """The webhook's address, or Refused."""
    from tandem.kit.http import check_address

    check_address(url)
    if len(url) > 1000:
        raise Refused("The address is longer than 1,000 characters.", "Give a shorter one.", field="url")
    return url


def check_mail(address: str) -> str:
    """The mail address, or Refused."""
    import email_validator

    try:
        return email_validator.validate_email(address, check_deliverability=False).normalized
    except email_validator.EmailNotValidError as error:
        raise Refused(
            f"{address[:80]!r} is no mail address.", "Write it as ops@shop.example.", field="mail"
        ) from error


def problem_words(problem: Problem) -> str:
    """Why a path failed, for pages and doctor."""
    return problem.detail[:300]
