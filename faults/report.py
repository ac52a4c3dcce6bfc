"""What the runs came to, as one document and as a section of docs/faults.md."""

import os
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faults.invariants import Report

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
COLUMNS = {
    "fault": "fault", "what": "what", "runs": "runs", "kills": "kills", "listed": "listed", "at_relay": "at the relay",
    "uncertain": "uncertain", "uncertain_per_kill": "a kill", "had_arrived": "of them arrived",
    "uncertain_max": "most of one death", "resolved_later": "resolved later", "duplicates": "duplicates",
    "lost": "lost", "rejected": "refused by the fence", "recovery_seconds": "recovery, s", "violations": "violations",
}  # fmt: skip
BEGIN, END = "<!-- written by make faults -->", "<!-- end of what make faults wrote -->"


@dataclass(kw_only=True)
class Step:
    """What was seen of one step that processes were killed at."""

    runs: int = 0
    uncertain: int = 0
    most: int = 0
    recovery: float = 0.0
    violations: int = 0

    def add(self, *, uncertain: int, seconds: float | None, violations: int) -> None:
        """One kill more."""
        self.runs, self.uncertain, self.most = (
            self.runs + 1,
            self.uncertain + uncertain,
            max(self.most, uncertain),
        )
        self.recovery = round(max(self.recovery, seconds or 0.0), 1)
        self.violations += violations


@dataclass(kw_only=True)
class Row:
    """One fault, all its runs; a figure that does not apply is None.

    kills: of processes, database or connections; deaths: senders that died. recovery_seconds: the longest from the
    fault's end to the sending's. rejected: writes of senders that were given up, refused. checked: what was looked at
    beside the invariants.
    """

    fault: str
    what: str
    runs: int = 0
    kills: int = 0
    deaths: int = 0
    listed: int = 0
    at_relay: int = 0
    uncertain: int = 0
    had_arrived: int = 0
    uncertain_max: int = 0
    resolved_later: int = 0
    duplicates: int = 0
    lost: int = 0
    rejected: int | None = None
    recovery_seconds: float | None = None
    violations: int = 0
    checked: str = ""
    steps: dict[str, Step] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def uncertain_per_kill(self) -> float | None:
        """Uncertain rows for each kill."""
        return round(self.uncertain / self.kills, 2) if self.kills else None

    def add(
        self,
        report: Report,
        *,
        kills: int = 0,
        deaths: int = 0,
        seconds: float | None = None,
        resolved: int = 0,
    ) -> None:
        """One run more."""
        self.runs += 1
        self.kills += kills
        self.deaths += deaths
        self.listed += report.listed
        self.at_relay += report.at_relay
        self.uncertain += report.uncertain
        self.had_arrived += report.arrived_uncertain
        self.uncertain_max = max(self.uncertain_max, report.largest_burial)
        self.resolved_later += resolved
        self.duplicates += report.duplicates
        self.lost += report.lost
        if seconds is not None:
            self.recovery_seconds = round(max(self.recovery_seconds or 0.0, seconds), 1)
        if report.rejected is not None:
            self.rejected = (self.rejected or 0) + report.rejected
        self.break_off(*report.violations)

    def break_off(self, *words: str) -> None:
        """Something was broken."""
        self.violations += len(words)
        self.broken += words

    def shown(self) -> dict[str, Any]:
        """As it stands in the document."""
        return {**asdict(self), "uncertain_per_kill": self.uncertain_per_kill}


def row_of(shown: dict[str, Any]) -> Row:
    """A row as another process printed it."""
    row = Row(**{name: value for name, value in shown.items() if name != "uncertain_per_kill"})
    row.steps = {name: Step(**step) for name, step in shown["steps"].items()}
    return row


@dataclass(kw_only=True)
class Tally:
    """Everything so far."""

    rows: list[Row] = field(default_factory=list)
    in_flight: int = 0
    seed: int = 0
    #: what was broken
    commit: str = ""
    interrupted: bool = False
    #: seconds that all of it took
    seconds: float = 0.0
    #: bytes that were looked through for addresses and secrets
    looked_through: int = 0

    def row(self, fault: str, what: str, checked: str = "") -> Row:
        """A new line."""
        self.rows.append(Row(fault=fault, what=what, checked=checked))
        return self.rows[-1]

    def take(self, document: dict[str, Any]) -> None:
        """Also what another process did."""
        self.rows += [row_of(one) for one in document["faults"]]
        self.in_flight = max(self.in_flight, document["in_flight"])
        self.interrupted = self.interrupted or document["interrupted"]
        self.looked_through += document["looked_through"]

    def document(self, kills: int, recipients: int) -> dict[str, Any]:
        """The one JSON document.

        kills, uncertain and resolved_later are those of the random kills (F2), or of every fault where they were not
        asked for; uncertain_max is the most that one dead sender left, lost and duplicates are those of all runs under
        `hold`; runs under `resend` are apart.
        """
        hold = [row for row in self.rows if row.fault != "F2R"]
        killed = [row for row in hold if row.fault == "F2"] or hold
        deaths, uncertain = sum(row.kills for row in killed), sum(row.uncertain for row in killed)
        return {
            "kills": deaths,
            "lost": sum(row.lost for row in self.rows),
            "duplicates": sum(row.duplicates for row in hold),
            "uncertain": uncertain,
            "uncertain_per_kill": round(uncertain / deaths, 2) if deaths else 0.0,
            "uncertain_max": max((row.uncertain_max for row in hold), default=0),
            "in_flight": self.in_flight,
            "violations": sum(row.violations for row in self.rows),
            "resolved_later": sum(row.resolved_later for row in killed),
            "resend": self._resend(),
            "asked": {"kills": kills, "recipients": recipients},
            "seed": self.seed,
            "commit": self.commit,
            "load": round(os.getloadavg()[0], 1),
            "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "minutes": round(self.seconds / 60, 1),
            "interrupted": self.interrupted,
            "looked_through": self.looked_through,
            "runs": self._runs(),
            "faults": [row.shown() for row in self.rows],
        }

    def _runs(self) -> dict[str, int]:
        """Runs by fault."""
        names = dict.fromkeys(row.fault for row in self.rows)
        return {name: sum(row.runs for row in self.rows if row.fault == name) for name in names}

    def _resend(self) -> dict[str, int]:
        rows = [row for row in self.rows if row.fault == "F2R"]
        return {
            "kills": sum(row.kills for row in rows),
            "lost": sum(row.lost for row in rows),
            "duplicates": sum(row.duplicates for row in rows),
            "duplicates_at_most": self.in_flight * sum(row.deaths for row in rows),
        }


def commit() -> str:
    """The commit that lies there; `+` where files of the product or of the faults are not as committed."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=PAGE.parent, capture_output=True, text=True).stdout.strip()

    try:
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", ":/src", ":/faults", ":/tests/fixtures"
        )
        return git("rev-parse", "--short=12", "HEAD") + "+" * bool(changed) or "unknown"
    except OSError:
        return "unknown"


def write(document: dict[str, Any]) -> None:
    """Put the run into the page, in the place of the last one."""
    text = PAGE.read_text()
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{_section(document)}{END}{after}")


def _section(document: dict[str, Any]) -> str:
    asked, resend = document["asked"], document["resend"]
    lines = [
        "## Measured: faults injected",
        "",
        f"`make faults KILLS={asked['kills']} N={asked['recipients']} SEED={document['seed']} JSON=1`, "
        f"at commit {document['commit']}, "
        f"{document['at']}, {os.cpu_count()} cores, {document['minutes']} min, load {document['load']} at the end. "
        f"In flight: {document['in_flight']} messages a sender process. F2R is F2 under policy `resend`. Recovery "
        "is the longest time from a fault's end to the end of its sending, what was left to send included; an empty "
        "field is a figure that does not apply.",
        "",
        "| " + " | ".join(COLUMNS.values()) + " |",
        "|---" * len(COLUMNS) + "|",
    ]
    lines += ["| " + " | ".join(_cell(row[key]) for key in COLUMNS) + " |" for row in document["faults"]]
    checked = [
        f"- {row['fault']} {row['what']}: {row['checked']}" for row in document["faults"] if row["checked"]
    ]
    broken = [f"- {row['fault']} {row['what']}: {one}" for row in document["faults"] for one in row["broken"]]
    summary = (
        f"{document['kills']} kills: {document['lost']} lost, {document['duplicates']} duplicates under `hold`, "
        f"{document['uncertain']} uncertain ({document['uncertain_per_kill']} a kill, at most "
        f"{document['uncertain_max']} of one dead sender), {document['resolved_later']} of them resolved later; under "
        f"`resend` {resend['kills']} kills, {resend['lost']} lost, {resend['duplicates']} duplicates (of at most "
        f"{resend['duplicates_at_most']}). {document['violations']} violations."
    )
    more = ["", "Beside the invariants was checked:", "", *checked] if checked else []
    return "\n".join([*lines, "", summary, *_steps(document), *(["", *broken] if broken else []), *more, ""])


def _steps(document: dict[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {step['runs']} | {step['uncertain']} | {_mean(step)} | {step['most']} | "
        f"{step['recovery']} | {step['violations']} |"
        for row in document["faults"]
        for name, step in row["steps"].items()
    ]
    if not rows:
        return []
    head = "| SIGKILL at | kills | uncertain | a kill | most | recovery, s | violations |"
    return ["", head, "|---" * 7 + "|", *rows]


def _mean(step: dict[str, Any]) -> float:
    return round(step["uncertain"] / step["runs"], 2) if step["runs"] else 0.0


def _cell(value: object) -> str:
    return "" if value is None else str(value)
