"""What a template is made of: texts and tags, each with the place it was written at, and the attributes known."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tandem.messenger.projects.domain import Fault

CASES = ("capitalize", "lower", "upper")
#: what is looked up in a message's own properties, not in the contact's attributes
MESSAGE_PREFIX = "trigger."


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A place in a part or snippet; lines and columns count from 1."""

    part: str = ""
    line: int = 1
    column: int = 1

    def after(self, text: str) -> "Spot":
        """The place behind this text."""
        breaks = text.count("\n")
        column = len(text) - text.rfind("\n") if breaks else self.column + len(text)
        return Spot(part=self.part, line=self.line + breaks, column=column)

    def fault(self, words: str) -> Fault:
        """What is wrong here."""
        return Fault(part=self.part, line=self.line, column=self.column, words=words)


@dataclass(frozen=True, kw_only=True)
class Tag:
    """One tag. text: words printed instead, a date's pattern, or what is compared with; source: as it was written."""

    kind: Literal["value", "fallback", "unsubscribe", "open", "close"]
    name: str = ""
    helper: str = ""
    text: str = ""
    operator: str = ""
    source: str = ""
    spot: Spot = field(default_factory=Spot)

    @property
    def is_block(self) -> bool:
        """Whether it opens or closes a block."""
        return self.kind in ("open", "close")


class Text(str):
    """Literal text that knows where it was written."""

    spot: Spot

    def __new__(cls, words: str, spot: Spot) -> "Text":
        """The text and its place."""
        made = super().__new__(cls, words)
        made.spot = spot
        return made


Piece = str | Tag


class Names:
    """What a template may use: attributes, found without case, old tags also without underscores; snippets."""

    def __init__(
        self, names: Mapping[str, str] | None = None, snippets: Mapping[str, str] | None = None
    ) -> None:
        self._known = {name.lower(): label for name, label in (names or {}).items()}
        self._bare = {name.replace("_", "").replace(" ", ""): name for name in self._known}
        self.snippets = {name.lower(): text for name, text in (snippets or {}).items()}

    def find(self, said: str) -> str | None:
        """The lower-case attribute name meant, or None."""
        name = said.lower()
        return name if name in self._known else self._bare.get(name.replace("_", "").replace(" ", ""))

    def near(self, said: str) -> str:
        """The most similar attribute in the spelling people know, or nothing."""
        found = difflib.get_close_matches(said.lower()[:100], self._known, n=1, cutoff=0.6)
        return self._known[found[0]] if found else ""

    def near_snippet(self, said: str) -> str:
        """The most similar snippet, or nothing."""
        return next(iter(difflib.get_close_matches(said.lower()[:100], self.snippets, n=1, cutoff=0.6)), "")
