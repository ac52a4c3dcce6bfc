"""What the runs came to, as one document and as a section of docs/faults.md."""

import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faults.invariants import Report

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
COLUMNS = (
    "fault", "what", "runs", "kills", "listed", "at_relay", "uncertain", "had_arrived", "uncertain_max", "duplicates",
    "lost", "violations",
)  # fmt: skip
BEGIN, END = "<!-- written by make faults -->", "<!-- end of what make faults wrote -->"


@dataclass(kw_only=True)
class Row:
    """One fault, all its runs."""

    fault: str
    what: str
    runs: int = 0
    kills: int = 0
    listed: int = 0
    at_relay: int = 0
    uncertain: int = 0
    had_arrived: int = 0
    uncertain_max: int = 0
    duplicates: int = 0
    lost: int = 0
    slowest_seconds: float = 0.0
    violations: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, report: Report, *, kills: int, seconds: float) -> None:
        """One run more."""
        self.runs += 1
        self.kills += kills
        self.listed += report.listed
        self.at_relay += report.at_relay
        self.uncertain += report.uncertain
        self.had_arrived += report.arrived_uncertain
        self.uncertain_max = max(self.uncertain_max, report.largest_burial)
        self.duplicates += report.duplicates
        self.lost += report.lost
        self.slowest_seconds = round(max(self.slowest_seconds, seconds), 1)
        self.violations += len(report.violations)
        self.broken += report.violations


@dataclass(kw_only=True)
class Tally:
    """Everything so far."""

    rows: list[Row] = field(default_factory=list)
    in_flight: int = 0
    seed: int = 0
    interrupted: bool = False

    def row(self, fault: str, what: str) -> Row:
        """A new line."""
        self.rows.append(Row(fault=fault, what=what))
        return self.rows[-1]

    def document(self, kills: int, recipients: int) -> dict[str, Any]:
        """The one JSON document. uncertain_max: the most that one dead process left."""
        killed = [row for row in self.rows if row.fault == "F2"] or [row for row in self.rows if row.kills]
        deaths = sum(row.kills for row in killed)
        uncertain = sum(row.uncertain for row in killed)
        return {
            "kills": deaths,
            "lost": sum(row.lost for row in self.rows),
            "duplicates": sum(row.duplicates for row in self.rows),
            "uncertain": uncertain,
            "uncertain_per_kill": round(uncertain / deaths, 2) if deaths else 0.0,
            "uncertain_max": max((row.uncertain_max for row in killed), default=0),
            "in_flight": self.in_flight,
            "violations": sum(row.violations for row in self.rows),
            "asked": {"kills": kills, "recipients": recipients},
            "seed": self.seed,
            "load": round(os.getloadavg()[0], 1),
            "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "interrupted": self.interrupted,
            "faults": [asdict(row) for row in self.rows],
        }


def write(document: dict[str, Any]) -> None:
    """Put the run into the page, in the place of the last one of the same faults."""
    text = PAGE.read_text()
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{_section(document)}{END}{after}")


def _section(document: dict[str, Any]) -> str:
    asked = document["asked"]
    lines = [
        "## Measured: faults injected",
        "",
        f"`make faults KILLS={asked['kills']} N={asked['recipients']} SEED={document['seed']} JSON=1`, "
        f"{document['at']}, 2 cores, load {document['load']} at the end. "
        f"In flight: {document['in_flight']} messages a sender process.",
        "",
        "| fault | what | runs | kills | listed | at the relay | uncertain | of them arrived | most at once | "
        "duplicates | lost | violations |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(str(row[key]) for key in COLUMNS) + " |" for row in document["faults"]]
    broken = [f"- {row['fault']} {row['what']}: {one}" for row in document["faults"] for one in row["broken"]]
    summary = (
        f"{document['kills']} kills: {document['lost']} lost, {document['duplicates']} duplicates, "
        f"{document['uncertain']} uncertain ({document['uncertain_per_kill']} a kill, at most "
        f"{document['uncertain_max']} at once), {document['violations']} violations."
    )
    return "\n".join([*lines, "", summary, *(["", *broken] if broken else []), ""])
