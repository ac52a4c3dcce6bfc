"""What was found: per function a verdict with its differences, and which of Tandem's flows will work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a function stands to the contract."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_PERMITTED = "not permitted"
    NOT_TRIED = "not tried"
    NOT_OFFERED = "not offered"


class Mend(StrEnum):
    """What becomes of a difference."""

    CARE = "read as it is"
    PROFILE = "mended by a profile"
    NOT_NEEDED = "not needed"
    NONE = "not mended"


@dataclass(frozen=True, kw_only=True)
class Note:
    """One difference: where (a JSON path, or a word), what was expected, what was seen."""

    path: str
    expected: str
    seen: str
    mend: Mend

    def document(self) -> dict[str, str]:
        """As JSON."""
        return {"path": self.path, "expected": self.expected, "seen": self.seen, "mend": self.mend.value}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One function, or one convention. why: why it was not tried."""

    name: str
    verdict: Verdict
    notes: tuple[Note, ...] = ()
    why: str = ""

    @property
    def works(self) -> bool:
        """Whether Tandem can use it, with a profile if need be."""
        unmended = any(note.mend is Mend.NONE for note in self.notes)
        return self.verdict is Verdict.AGREES or (self.verdict is Verdict.DIFFERS and not unmended)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Something Tandem does with the other side, and whether it will work."""

    name: str
    outcome: str
    because: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether it is known not to work."""
        return self.outcome == "does not work"


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that was found. profile: a suggested profile as TOML, empty if none is needed; shapes: without values."""

    findings: tuple[Finding, ...]
    flows: tuple[Flow, ...]
    profile: str
    shapes: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "functions": [
                {
                    "name": one.name,
                    "verdict": one.verdict.value,
                    "differences": [note.document() for note in one.notes],
                    "why": one.why,
                }
                for one in self.findings
            ],
            "flows": [
                {"name": flow.name, "outcome": flow.outcome, "because": list(flow.because)}
                for flow in self.flows
            ],
            "profile": self.profile,
        }


#: of several ways to do a thing, the one to look at: the best
_BEST = (Verdict.AGREES, Verdict.NOT_TRIED, Verdict.NOT_PERMITTED, Verdict.DIFFERS, Verdict.NOT_OFFERED)


def flows_of(findings: tuple[Finding, ...], needs: Mapping[str, tuple[str, ...]]) -> tuple[Flow, ...]:
    """What each flow comes to, from the functions it needs; `one | other` = either will do."""
    by_name = {one.name: one for one in findings}
    return tuple(
        _flow(name, _each([_best(one, by_name) for one in functions])) for name, functions in needs.items()
    )


def _each(found: list[Finding | None]) -> list[Finding]:
    return list({one.name: one for one in found if one is not None}.values())


def _best(names: str, by_name: Mapping[str, Finding]) -> Finding | None:
    found = [by_name[name] for name in names.split(" | ") if name in by_name]
    return min(found, key=lambda one: (not one.works, _BEST.index(one.verdict)), default=None)


def _flow(name: str, found: list[Finding]) -> Flow:
    def of(*verdicts: Verdict) -> tuple[str, ...]:
        return tuple(one.name for one in found if one.verdict in verdicts and not one.works)

    for outcome, because in (
        ("does not work", of(Verdict.DIFFERS, Verdict.NOT_OFFERED)),
        ("is not permitted to this credential", of(Verdict.NOT_PERMITTED)),
        ("is not known", of(Verdict.NOT_TRIED)),
    ):
        if because:
            return Flow(name=name, outcome=outcome, because=because)
    mended = tuple(one.name for one in found if any(note.mend is Mend.PROFILE for note in one.notes))
    return Flow(name=name, outcome="works with the profile" if mended else "works", because=mended)


def redacted(document: Any) -> Any:
    """A document's shape: keys and kinds of values, no value; dates and times by their form."""
    if isinstance(document, dict):
        return {str(key): redacted(value) for key, value in document.items()}
    if isinstance(document, list):
        return [redacted(document[0])] if document else []
    if isinstance(document, str):
        return _form(document)
    return {bool: "true or false", int: "whole number", float: "number"}.get(type(document), "null")


def _form(text: str) -> str:
    dated = 6 <= len(text) <= 30 and not set(text) - set("0123456789-/:.TZ +")
    digits = sum(char.isdigit() for char in text)
    if dated and digits >= 6 and not text.isdigit():
        return "".join("9" if char.isdigit() else char for char in text)
    return "digits" if text.isdigit() else "text" if text else "empty text"
