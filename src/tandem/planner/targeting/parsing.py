"""Reads the text form into the stored form; `reading` then checks names and types.

The grammar is in docs/reference/conditions.md.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tandem.planner.targeting.domain import EVENTS, MOST_DEPTH, VERSION
from tandem.planner.targeting.errors import TextRefused
from tandem.planner.targeting.wording import RESERVED

MOST_CHARACTERS = 500_000
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*")
    |(?P<field>`(?:[^`\\]|\\.)*`)
    |(?P<date>\d{4}-\d\d-\d\d(?![\w-]))
    |(?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    |(?P<word>[^\W\d][\w-]*)
    |(?P<mark>[(),])
    |(?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_COMPARISONS: dict[tuple[str, ...], str] = {
    ("at", "least"): ">=",
    ("at", "most"): "<=",
    ("more", "than"): ">",
    ("less", "than"): "<",
}
_DATES = {
    ("on", "or", "after"): ">=",
    ("on", "or", "before"): "<=",
    ("before",): "<",
    ("after",): ">",
    ("on",): "=",
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else f"*{self.text}*"


def parse(text: str, texts: Collection[str] = ()) -> dict[str, Any]:
    """The stored form of a text; of the attributes in `texts`, yes and no are words (NO is Norway).

    Raises TextRefused with the position of the first word that does not fit."""
    if len(text) > MOST_CHARACTERS:
        raise TextRefused("The text is too long.", f"At most {MOST_CHARACTERS:,} characters.")
    reader = _Parser(_tokens(text), texts)
    tree = reader.either()
    if reader.now.kind != "end":
        raise reader.wrong("*and*, *or* or the end")
    return {"version": VERSION, **_as_group(tree)}


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise TextRefused(
                f"At character {start + 1}, {text[start : start + 12]!r} cannot be read.",
                'Put values with spaces or signs in "quotes".',
                position=start,
            )
        kind = match.lastgroup or "end"
        raw = match.group(kind)
        plain = re.sub(r"\\(.)", r"\1", raw[1:-1], flags=re.DOTALL) if kind in ("string", "field") else raw
        found.append(_Token(kind, plain, match.start(kind)))
        if kind == "end":
            return found
        position = match.end()


def _as_group(tree: dict[str, Any]) -> dict[str, Any]:
    return tree if "rules" in tree else {"combinator": "and", "not": False, "rules": [tree]}


class _Parser:
    """Recursive descent; one method per line of the grammar."""

    def __init__(self, tokens: list[_Token], texts: Collection[str]) -> None:
        self.tokens = tokens
        self.texts = texts
        self.wordy = False
        self.at = 0
        self.depth = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def wrong(self, expected: str) -> TextRefused:
        token = self.now
        return TextRefused(
            f"At character {token.position + 1} stands {token.shown}.",
            f"Expected: {expected}.",
            position=token.position,
        )

    def take(self, *words: str) -> bool:
        """Go past these words if they are next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        if [t.text.lower() if t.kind in ("word", "mark") else None for t in ahead] != list(words):
            return False
        self.at += len(words)
        return True

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise self.wrong(" ".join(f"*{word}*" for word in words))

    def take_one(self, table: dict[tuple[str, ...], str]) -> str | None:
        for words, operator in table.items():
            if self.take(*words):
                return operator
        return None

    def chain(self, word: str, part: Any) -> dict[str, Any]:
        parts = [part()]
        while self.take(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return {"combinator": word, "not": False, "rules": parts}

    def either(self) -> dict[str, Any]:
        return self.chain("or", self.both)

    def both(self) -> dict[str, Any]:
        return self.chain("and", self.single)

    def single(self) -> dict[str, Any]:
        if self.take("nobody"):
            return {"combinator": "and", "not": False, "rules": []}
        if self.take("not"):
            inside = self.bracket()
            bare = "rules" in inside and not inside["not"]
            return {**(inside if bare else {"combinator": "and", "rules": [inside]}), "not": True}
        if self.now.kind == "mark" and self.now.text == "(":
            return self.bracket()
        return self.history() or self.attribute()

    def bracket(self) -> dict[str, Any]:
        self.depth += 1
        if self.depth > 4 * MOST_DEPTH:
            raise TextRefused(
                "Brackets lie too deep.", f"At most {MOST_DEPTH} levels.", position=self.now.position
            )
        self.need("(")
        inside = self.either()
        self.need(")")
        self.depth -= 1
        return inside

    # -- attributes

    def attribute(self) -> dict[str, Any]:
        token = self.now
        plain = token.kind == "word" and token.text.lower() not in RESERVED
        if not plain and token.kind != "field":
            raise self.wrong("an attribute, *ordered*, *spent*, *not* or a bracket")
        self.at += 1
        self.wordy = token.text in self.texts
        return {"field": token.text, **self.said_of_attribute()}

    def said_of_attribute(self) -> dict[str, Any]:
        if self.take("contains"):
            self.wordy = True
            return {"operator": "contains", "value": self.literal()}
        if self.take("starts", "with"):
            self.wordy = True
            return {"operator": "beginsWith", "value": self.literal()}
        self.need("is")
        if self.take("known") or self.take("unknown"):
            known = self.tokens[self.at - 1].text.lower() == "known"
            return {"operator": "notNull" if known else "null"}
        if self.take("not"):
            return self.negative()
        return self.positive()

    def negative(self) -> dict[str, Any]:
        if self.take("in", "the", "last"):
            return {"operator": "notInLast", "value": self.days()}
        return {"operator": "!=", "value": self.literal()}

    def positive(self) -> dict[str, Any]:
        if self.take("any", "of"):
            return {"operator": "in", "value": self.literals()}
        if self.take("none", "of"):
            return {"operator": "notIn", "value": self.literals()}
        if self.take("in", "the", "last"):
            return {"operator": "inLast", "value": self.days()}
        operator = self.take_one(_DATES)
        if operator is not None:
            return {"operator": operator, "value": self.literal()}
        return self.comparison(self.literal, required=False) or {"operator": "=", "value": self.literal()}

    def comparison(self, value: Any, *, required: bool = True) -> dict[str, Any]:
        if self.take("between"):
            low = value()
            self.need("and")
            return {"operator": "between", "value": [low, value()]}
        operator = "=" if self.take("exactly") else self.take_one(_COMPARISONS)
        if operator is not None:
            return {"operator": operator, "value": value()}
        if required:
            raise self.wrong("*at least*, *at most*, *more than*, *less than*, *exactly* or *between*")
        return {}

    def literals(self) -> list[Any]:
        self.wordy = True
        found = [self.literal()]
        while self.take(","):
            found.append(self.literal())
        return found

    def literal(self) -> Any:
        token = self.now
        if token.kind == "word" and token.text.lower() in ("yes", "no"):
            self.at += 1
            return token.text if self.wordy else token.text.lower() == "yes"
        plain = token.kind == "word" and token.text.lower() not in RESERVED
        if not plain and token.kind not in ("string", "date", "number"):
            raise self.wrong('a value; put words that are part of the language in "quotes"')
        if token.kind == "number":
            return self.number()
        self.at += 1
        return token.text

    def number(self) -> int | float:
        token = self.now
        if token.kind != "number":
            raise self.wrong("a number")
        if len(token.text) > 30:
            raise TextRefused("A number is too long.", position=token.position)
        self.at += 1
        return float(token.text) if "." in token.text else int(token.text)

    def days(self) -> int:
        token = self.now
        days = self.number()
        if not isinstance(days, int):
            raise TextRefused("Days are whole.", "Give a whole number of days.", position=token.position)
        if not self.take("days"):
            self.need("day")
        return days

    # -- history

    def history(self) -> dict[str, Any] | None:
        started = self.deed()
        if started is None:
            return None
        rule, kind = started
        where: dict[str, Any] = {"kind": kind}
        while True:
            if "days" not in rule and self.take("in", "the", "last"):
                rule["days"] = self.days()
            elif "category" not in where and self.take("category"):
                where["category"] = self.literals()
            else:
                return {"field": EVENTS, **rule, "where": where}

    def deed(self) -> tuple[dict[str, Any], str] | None:
        if self.take("never"):
            return {"agg": "none"}, self.verb()
        if self.take("spent"):
            return {"agg": "sum", "of": "amount", **self.comparison(self.number)}, "sale"
        if self.take("got", "back"):
            return {"agg": "sum", "of": "amount", **self.comparison(self.number)}, "return"
        for word, agg in (("smallest", "min"), ("largest", "max"), ("average", "avg")):
            if self.take(word):
                return self.extreme(agg)
        if self.now.kind == "word" and self.now.text.lower() in ("ordered", "returned"):
            kind = self.verb()
            return self.counted(), kind
        return None

    def verb(self) -> str:
        if self.take("returned"):
            return "return"
        self.need("ordered")
        return "sale"

    def extreme(self, agg: str) -> tuple[dict[str, Any], str]:
        kind = "return" if self.take("return") else "sale"
        if kind == "sale":
            self.need("order")
        compared = self.comparison(self.number)
        of = "quantity" if self.take("items") or self.take("item") else "amount"
        return {"agg": agg, "of": of, **compared}, kind

    def counted(self) -> dict[str, Any]:
        compared = self.comparison(self.number, required=False)
        if not compared:
            return {"agg": "any"}
        if self.take("times") or self.take("time"):
            return {"agg": "count", **compared}
        if self.take("items") or self.take("item"):
            return {"agg": "sum", "of": "quantity", **compared}
        raise self.wrong("*times* or *items*")
