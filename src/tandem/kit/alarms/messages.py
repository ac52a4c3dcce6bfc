"""The form of what is told: a webhook's body and a mail's words."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tandem.kit.alarms.domain import Kind, What
from tandem.kit.http import dump_json


@dataclass(frozen=True, kw_only=True)
class Told:
    """One thing to tell. account: its name, empty of the whole installation."""

    id: str
    half: str
    what: What
    kind: Kind | None
    account: str
    subject: str
    detail: str
    since: datetime
    at: datetime
    base_url: str

    @property
    def title(self) -> str:
        """The alarm in a sentence."""
        return self.kind.words if self.kind else "This is a test of the alarms"

    @property
    def page(self) -> str:
        """The page in the product that says what to do."""
        return f"{self.base_url}/ui/runbook/{self.kind.value}" if self.kind else f"{self.base_url}/ui/alarms"

    @property
    def file(self) -> str:
        """The same page in the documentation."""
        return f"docs/runbook/{self.kind.value}.md" if self.kind else "docs/how-to/alarms.md"

    @property
    def line(self) -> str:
        """A mail's subject."""
        whose = f" ({self.account})" if self.account else ""
        return f"[Tandem {self.half}] {self.what.words}: {self.title}{whose}"

    def body(self) -> bytes:
        """The webhook's body: type, timestamp, data."""
        data = {
            "half": self.half,
            "kind": self.kind.value if self.kind else "test",
            "title": self.title,
            "account": self.account or None,
            "subject": self.subject,
            "detail": self.detail,
            "since": _moment(self.since),
            "runbook": self.page,
            "runbook_file": self.file,
            "alarms": f"{self.base_url}/ui/alarms",
        }
        return dump_json({"type": f"alarm.{self.what.value}", "timestamp": _moment(self.at), "data": data})

    def text(self) -> str:
        """The mail's words."""
        lines = [
            f"{self.what.words}: {self.title}.",
            "",
            *([f"Account: {self.account}"] if self.account else []),
            *([f"About: {self.subject}"] if self.subject else []),
            *([self.detail] if self.detail else []),
            f"Since: {_moment(self.since)}",
            *([f"Ended: {_moment(self.at)}"] if self.what is What.ENDED else []),
            "",
            f"What to do: {self.page}",
            f"The same page in the documentation: {self.file}",
            f"All alarms: {self.base_url}/ui/alarms",
        ]
        return "\n".join(lines) + "\n"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
