"""What a simulated relay offers, and the script of its misbehaviour: which answer goes wrong, how, and how often."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import orjson

#: where a rule may stand; `content` is while the bytes of a message come in, `dot` after its last one
STEPS = (
    "banner", "ehlo", "helo", "starttls", "auth", "mail", "rcpt", "data", "content", "dot", "rset", "quit", "noop",
)  # fmt: skip
#: ways of answering
MANNERS = {
    "": "the reply as it is",
    "drop": "closes the connection instead of a reply",
    "silence": "never replies, the connection stays open",
    "slow": "one byte of the reply every `seconds`",
    "endless": "a first line that never comes to its last",
    "garbage": "bytes that are no reply",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that goes wrong. Of several that fit, the first one counts."""

    #: the step of the conversation it stands at, one of STEPS
    at: str
    #: text of the reply, with its code; lines after the first make it a multi-line reply
    reply: str = ""
    #: one of MANNERS
    do: str = ""
    #: seconds before the reply; per byte if it is slow
    seconds: float = 0.0
    #: only this recipient, or `@domain`
    to: str = ""
    #: only the n-th time (from 1), or each n-th time; counted over the whole server, or in each connection
    nth: int = 0
    every: int = 0
    per_connection: bool = False
    #: how many times at most, 0 = always
    times: int = 0
    #: sent right behind the reply, as it is (latin-1)
    more: str = ""
    #: whether the connection is closed after the reply
    close: bool = False
    #: at the dot: whether a message that is dropped was written to the log before
    logged: bool = False
    #: at content: after how many of its bytes
    after_bytes: int = 0

    def __post_init__(self) -> None:
        if self.at not in STEPS:
            raise ValueError(f"{self.at!r} is no step; there are {', '.join(STEPS)}.")
        if self.do not in MANNERS:
            raise ValueError(f"{self.do!r} is no manner; there are {', '.join(filter(None, MANNERS))}.")
        if self.reply and not self.reply[:3].isdigit():
            raise ValueError("A reply begins with its code, such as `451 4.3.0 later`.")

    def fits(self, to: str) -> bool:
        """Whether it is about this recipient."""
        return not self.to or to == self.to or (self.to.startswith("@") and to.endswith(self.to))


@dataclass(frozen=True, kw_only=True)
class Script:
    """Everything a relay is told."""

    name: str = "relay.simulated"
    pipelining: bool = True
    starttls: bool = False
    #: MAIL is refused until the connection is encrypted
    starttls_required: bool = False
    #: TLS from the first byte, on a relay that is started with it
    implicit_tls: bool = False
    smtputf8: bool = True
    size: int = 36_700_160
    #: user name and password; MAIL is refused before they were given
    user: str = ""
    password: str = ""
    #: messages per connection, then 421; 0 = no limit
    messages: int = 0
    #: open connections, more are told 421; 0 = no limit
    connections: int = 0
    #: answers 354 to DATA without a recipient, as some do
    lenient: bool = False
    rules: tuple[Rule, ...] = ()


def read(source: bytes | Path) -> Script:
    """A script from JSON. ValueError in words if it is none."""
    try:
        told = orjson.loads(source.read_bytes() if isinstance(source, Path) else source)
        if not isinstance(told, dict):
            raise ValueError("A script is an object.")
        rules = tuple(rule(one) for one in told.pop("rules", ()))
        return Script(**_known(Script, told), rules=rules)
    except TypeError as error:
        raise ValueError(str(error)) from error


def rule(told: Mapping[str, Any]) -> Rule:
    """One rule from JSON. ValueError in words if it is none."""
    return Rule(**_known(Rule, told))


def with_rules(script: Script, rules: tuple[Rule, ...]) -> Script:
    """The same relay with other misbehaviour."""
    return replace(script, rules=rules)


def _known(kind: type, told: Mapping[str, Any]) -> dict[str, Any]:
    names = {one.name: type(one.default) for one in fields(kind) if one.name != "rules"}
    for name, value in told.items():
        if name not in names:
            raise ValueError(f"{name!r} is not known; there are {', '.join(names)}.")
        wanted = {bool: bool, int: int, float: (int, float)}.get(names[name], str)
        if not isinstance(value, wanted):  # type: ignore[arg-type]
            raise ValueError(f"{name!r} cannot be {value!r}.")
    return dict(told)


@dataclass(kw_only=True)
class Turns:
    """Counts the steps and picks the rule of each; one for the server, shared by its connections."""

    script: Script
    _seen: Counter[Rule] = field(default_factory=Counter)
    _used: Counter[Rule] = field(default_factory=Counter)
    _steps: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.script.rules:
            self._steps[one.at] = (*self._steps.get(one.at, ()), one)

    def used(self, rule: Rule | None = None) -> int:
        """How often this rule, or any, was followed so far."""
        return sum(self._used.values()) if rule is None else self._used[rule]

    def rule(self, step: str, to: str, own: Counter[Rule]) -> Rule | None:
        """The rule of this step, if one holds. own: what the connection has counted."""
        if step not in self._steps:
            return None
        chosen = None
        for one in self._steps[step]:
            if not one.fits(to):
                continue
            counts = own if one.per_connection else self._seen
            counts[one] += 1
            if (
                chosen is None
                and _is_turn(one, counts[one])
                and not (one.times and self._used[one] >= one.times)
            ):
                self._used[one] += 1
                chosen = one
        return chosen


def _is_turn(one: Rule, count: int) -> bool:
    if one.nth:
        return count == one.nth
    return not one.every or count % one.every == 0
