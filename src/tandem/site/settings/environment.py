"""Every setting Tandem reads from the environment, in one table; `docs/reference/settings.md` is made from it.

A setting not in the environment is looked for in `tandem.env` (lines of NAME=value) in the home, then here.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """One setting: its environment variable, its default as text, what it does."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("TANDEM_HOME", "~/.local/share/tandem", "Folder where all data lies."),
    Setting(
        "TANDEM_PLANNER_DATABASE_URL",
        "",
        "PostgreSQL of the planner; empty = the embedded server in the home.",
    ),
    Setting("TANDEM_MESSENGER_DATABASE_URL", "", "PostgreSQL of the messenger; empty = the embedded server."),
    Setting("TANDEM_POSTGRES", "", "`system` = take initdb and pg_ctl from the machine, not from the wheel."),
    Setting("TANDEM_KEY_FILE", "", "File of the key that seals stored secrets; empty = `key` in the home."),
    Setting(
        "TANDEM_OLD_KEY_FILES",
        "",
        "Files of earlier keys, comma-separated: links in messages that were sent under them still count.",
    ),
    Setting("TANDEM_CLOCK_OFFSET", "0", "Seconds by which business time runs ahead of the machine's clock."),
    Setting("TANDEM_HOST", "127.0.0.1", "Address that everything listens on."),
    Setting("TANDEM_PLANNER_PORT", "8100", "Port of the planner's pages and APIs."),
    Setting("TANDEM_MESSENGER_PORT", "8200", "Port of the messenger's pages and APIs."),
    Setting("TANDEM_TRACKING_PORT", "8300", "Port of the recipients' door (links, unsubscribing)."),
    Setting("TANDEM_TRACKING_WORKERS", "1", "Processes of the recipients' door."),
    Setting(
        "TANDEM_PLANNER_PUBLIC_URL", "", "Address at which others reach the planner; empty = host and port."
    ),
    Setting(
        "TANDEM_MESSENGER_PUBLIC_URL",
        "",
        "Address at which others reach the messenger; empty = host and port.",
    ),
    Setting(
        "TANDEM_TRACKING_PUBLIC_URL", "", "Address in the links that recipients get; empty = host and port."
    ),
    Setting("TANDEM_TLS", "0", "1 = pages are reached over HTTPS: Secure cookies, HSTS."),
    Setting(
        "TANDEM_ALLOW_PRIVATE",
        "",
        "address:port pairs, comma-separated, that outgoing calls may reach in private ranges.",
    ),
    Setting(
        "TANDEM_PROXIES",
        "",
        "Reverse proxies (addresses or networks, comma-separated) whose X-Forwarded-For is believed.",
    ),
    Setting(
        "TANDEM_KEY_LIMIT",
        "50/10",
        "Calls/seconds: how often an API key of the planner may call, unless it has its own.",
    ),
    Setting(
        "TANDEM_PROVIDER",
        "file",
        "How mail leaves: `file`, `smtp`, `kumomta` or `memory`. SMS go to each account's gateway where one is set up, "
        "else to files; `memory` keeps both.",
    ),
    Setting("TANDEM_PROVIDER_LOCK", "0", "1 = only the `file` provider may be used, whatever else is set."),
    Setting("TANDEM_SMTP_HOST", "127.0.0.1", "Relay of the `smtp` provider."),
    Setting("TANDEM_SMTP_PORT", "25", "Port of the relay."),
    Setting("TANDEM_SMTP_USER", "", "User name at the relay, if it asks for one."),
    Setting("TANDEM_SMTP_PASSWORD_FILE", "", "File that holds the password at the relay."),
    Setting(
        "TANDEM_SMTP_STARTTLS",
        "1",
        "1 = STARTTLS or no mail at all; `implicit` = TLS from the first byte; 0 = plain (a relay on this machine).",
    ),
    Setting(
        "TANDEM_SMTP_CA_FILE", "", "PEM file of authorities to trust at the relay; empty = the system's."
    ),
    Setting("TANDEM_SMTP_NAME", "", "What this host calls itself to the relay; empty = its full name."),
    Setting(
        "TANDEM_SMTP_CONNECTIONS",
        "8",
        "Connections of one sender process: its messages in flight, and the most that a crash makes uncertain.",
    ),
    Setting(
        "TANDEM_SMTP_ANSWER_SECONDS",
        "600",
        "Seconds until the answer to a message's content counts as lost, and the message as uncertain; RFC 5321 asks "
        "for 600.",
    ),
    Setting("TANDEM_SMTP_MESSAGES", "0", "Messages over one connection; 0 = until the relay says so."),
    Setting(
        "TANDEM_KUMOMTA_URL",
        "",
        "Address of KumoMTA's HTTP listener, such as http://127.0.0.1:8000. A name that leads into a private range "
        "needs TANDEM_ALLOW_PRIVATE too.",
    ),
    Setting("TANDEM_KUMOMTA_USER", "", "User name there, if it asks for one."),
    Setting("TANDEM_KUMOMTA_PASSWORD_FILE", "", "File that holds the password there."),
    Setting("TANDEM_KUMOMTA_REQUESTS", "4", "Requests side by side of one sender process."),
    Setting(
        "TANDEM_KUMOMTA_BLOCK",
        "1",
        "Messages per request. 1 = each as it is; more = template and substitutions, and a lost answer makes the whole "
        "block uncertain. Requests x block are a sender's messages in flight.",
    ),
    Setting("TANDEM_SENDERS", "1", "Sender processes of `tandem worker messenger`."),
    Setting(
        "TANDEM_SENDER_LEASE",
        "900",
        "Seconds a sender's claim on rows holds; longer than the SMTP time-outs.",
    ),
    Setting("TANDEM_SENDER_TURN", "2", "Seconds a sender keeps to one block while another sending waits."),
    Setting(
        "TANDEM_MACHINE_NETWORKS",
        "",
        "File of networks whose openings and clicks are no person's, in the place of the shipped table.",
    ),
    Setting(
        "TANDEM_BOUNCE_DOMAIN",
        "",
        "Mail domain that bounces come back to; its MX is this machine, or a mail server that passes it on.",
    ),
    Setting(
        "TANDEM_BOUNCE_PORT", "0", "Port on which bounces are taken; 0 = none are taken over the network."
    ),
    Setting("TANDEM_BOUNCE_HOST", "", "Address that the taker of bounces listens on; empty = TANDEM_HOST."),
    Setting("TANDEM_BOUNCE_PROTOCOL", "smtp", "`smtp` or `lmtp`: what is spoken on that port."),
    Setting(
        "TANDEM_BOUNCE_TLS_CERTIFICATE",
        "",
        "PEM file of the certificate (with its chain) for STARTTLS on that port; empty = none is offered.",
    ),
    Setting(
        "TANDEM_BOUNCE_TLS_KEY", "", "PEM file of its key, without a password; empty = in the certificate's."
    ),
    Setting("TANDEM_BOUNCE_MAILDIR", "", "Maildir that another mail server puts bounces in; empty = none."),
    Setting("TANDEM_ALARM_URL", "", "Webhook that is told every alarm of this installation."),
    Setting(
        "TANDEM_ALARM_SECRET_FILE",
        "",
        "File of the secret (whsec_...) that signs those calls; empty = `alarm-secret` in the home, made at need.",
    ),
    Setting(
        "TANDEM_ALARM_MAIL", "", "Mail address that is told too, over the relay, by a connection of its own."
    ),
    Setting("TANDEM_ALARM_FROM", "", "Sender of that mail; empty = tandem@ and the name of this host."),
    Setting("TANDEM_ALARM_LATE_MINUTES", "30", "Minutes after its time from which a message counts as late."),
    Setting("TANDEM_LOG_LEVEL", "INFO", "Least level that is logged."),
    Setting("TANDEM_TEST_BUILD", "0", "1 = failpoints work. Never in production."),
    Setting("TANDEM_FAILPOINT", "", "step:nth:kill|stop|raise|hang|slow, test builds only."),
    Setting(
        "TANDEM_FAILPOINT_FILE",
        "",
        "A file with the same words, looked for at each step; who does it takes the file away. Test builds only.",
    ),
)
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def home() -> Path:
    """The folder where all data lies."""
    return Path(os.environ.get("TANDEM_HOME") or _DEFAULTS["TANDEM_HOME"]).expanduser().resolve()


def value(name: str) -> str:
    """The setting as text: environment, then `tandem.env`, then default. KeyError for an unknown name."""
    default = _DEFAULTS[name]
    return os.environ.get(name) or _file().get(name) or default


def flag(name: str) -> bool:
    """The setting as yes or no."""
    return value(name).strip().lower() in {"1", "true", "yes", "on"}


def _file() -> dict[str, str]:
    try:
        lines = (home() / "tandem.env").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): text.strip() for name, text in pairs}
