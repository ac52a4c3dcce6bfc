"""A profile: how a planner or messenger differs from its contract, declared in TOML, no code; mended on the way.

Documents are mended as they come in (keys, dates, times, missing fields, envelopes), requests as they go out.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from datetime import date as Day
from typing import Any

from tandem.contract.messenger_calls import MOMENTS
from tandem.kit.problems import Refused

WIRE_DATE, WIRE_TIME = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
#: when a messenger is to send; with its offset
DELIVERY_TIME = "%Y-%m-%dT%H:%M:%S%z"
EPOCHS = {"epoch": 1, "epoch ms": 1000}
#: in lower case, the planner's keys of a time; the messenger's are milliseconds
_TIMES = frozenset({"scheduledtime", "scheduletime", "timestamp", "clearancerequiredby"})
MOST = 64 * 1024


class ProfileWrong(Refused):
    """The profile cannot be used."""

    title = "The profile is not right"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What differs; the defaults are the contract.

    version: prefix of every path, "" for none. token_key: the key of the token if the login answers an object.
    token_header, token_prefix: how the token is sent. envelope: the key under which lists and objects come.
    empty_status: statuses besides 200 that mean an empty list; written: statuses of a write that worked.
    top, skip: names of the paging parameters; size: rows asked for at once, 0 = the contract's; counts: `rows` if
    skip is a number of rows, `pages` if it is a page's number, `ids` if it is the last id read, `none` if a list comes
    whole; first: the first page's number.
    keys: contract's key -> theirs, in answers; asked: the same for queries and bodies. date, time: their forms, in
    strftime's words, or `epoch`, `epoch ms`.
    asked_date: the form of dates in requests; asked_time: of a messenger's deliveryTime. text_ids: whether ids in
    bodies are sent as text. missing: contract's key -> the value it has when they leave it out. values: `key.their
    word` -> what the contract says for it. functions: group/name, or a call's path -> their path.
    milliseconds: whether times are the messenger's; no part of the TOML.
    """

    milliseconds: bool = False
    name: str = ""
    version: str = "current"
    token_key: str = ""
    token_header: str = ""
    token_prefix: str = ""
    envelope: str = ""
    empty_status: tuple[int, ...] = ()
    written: tuple[int, ...] = (200,)
    top: str = "$top"
    skip: str = "$skip"
    size: int = 0
    counts: str = "rows"
    first: int = 1
    keys: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    time: str = ""
    asked_date: str = ""
    asked_time: str = ""
    text_ids: bool = False
    missing: Mapping[str, object] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)

    @property
    def mends_documents(self) -> bool:
        """Whether answers are changed before they are read."""
        return bool(self.keys or self.date or self.time or self.missing or self.values)

    def path(self, function: str) -> str:
        """Where a function is: version and path."""
        theirs = next((to for of, to in self.functions.items() if of.lower() == function.lower()), function)
        return f"{self.version}/{theirs}" if self.version else theirs

    def page(self, skip: int, size: int) -> dict[str, int]:
        """The paging parameters for the rows after `skip`."""
        if self.counts == "pages":
            return {self.top: size, self.skip: self.first + skip // size}
        return {self.top: size, self.skip: skip} if skip else {self.top: size}

    def page_after(self, last: int, read: int, turn: int, size: int) -> dict[str, int]:
        """The paging parameters for what follows the id `last`, `read` rows or `turn` pages; none if unpaged."""
        if self.counts == "none":
            return {}
        if self.counts == "ids":
            return {self.top: size, self.skip: last}
        return {self.top: size, self.skip: self.first + turn if self.counts == "pages" else read}

    def day(self, day: Day) -> str:
        """A day as their requests have it."""
        return day.strftime(self.asked_date or WIRE_DATE)

    def unwrapped(self, document: Any) -> Any:
        """What is inside the envelope; as it is if there is none."""
        if not self.envelope or not isinstance(document, dict):
            return document
        return next((v for k, v in document.items() if str(k).lower() == self.envelope.lower()), document)

    def mended(self, document: Any) -> Any:
        """The document in the contract's words. ValueError if a date is not in the declared form."""
        document = self.unwrapped(document)
        return _Mender(self).mend(document) if self.mends_documents else document

    def outgoing(self, document: Any) -> Any:
        """A body in their words: keys, and ids as text if they want it so."""
        if not self.asked and not self.text_ids and not self.asked_time:
            return document
        if isinstance(document, list):
            return [self.outgoing(one) for one in document]
        if not isinstance(document, dict):
            return document
        return {self.asked.get(key, key): self._sent(key, value) for key, value in document.items()}

    def _sent(self, key: str, value: Any) -> Any:
        if isinstance(value, list | dict):
            return self.outgoing(value)
        if self.asked_time and key == "deliveryTime":
            return self._moment(datetime.strptime(value, DELIVERY_TIME))  # noqa: DTZ007 - %z is in it
        is_id = self.text_ids and key.lower().endswith("id") and isinstance(value, int)
        return str(value) if is_id else value

    def _moment(self, moment: datetime) -> str | int:
        if self.asked_time in EPOCHS:
            return int(moment.timestamp() * EPOCHS[self.asked_time])
        return moment.strftime(self.asked_time)


PLAIN = Profile()
MESSENGER = Profile(
    milliseconds=True, version="", written=(200, 201, 202), top="pageSize", skip="lastId", counts="ids"
)


class _Mender:
    def __init__(self, profile: Profile) -> None:
        self._names = {theirs.lower(): ours for ours, theirs in profile.keys.items()}
        self._missing = {key: value for key, value in profile.missing.items()}
        self._lower = {key.lower() for key in profile.missing}
        self._forms = (profile.date, profile.time)
        self._is_ms, self._times = profile.milliseconds, MOMENTS if profile.milliseconds else _TIMES
        self._meant = {key.lower(): value for key, value in profile.values.items()}

    def mend(self, document: Any, *, top: bool = True) -> Any:
        if isinstance(document, list):
            return [self.mend(one, top=top) for one in document]
        if not isinstance(document, dict):
            return document
        found = {}
        for key, value in document.items():
            ours = self._names.get(str(key).lower(), key)
            found[ours] = self._value(str(ours).lower(), value)
        if top and self._missing:
            there = {str(key).lower() for key in found}
            found.update({key: value for key, value in self._missing.items() if key.lower() not in there})
        return found

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, dict | list):
            return self.mend(value, top=False)
        if value is None or value == "":
            return value
        of_day, of_time = self._forms
        if self._meant:
            value = self._meant.get(f"{key}.{value}".lower(), value)
        if of_time and key in self._times:
            return self._time(value, of_time)
        if of_day and key.endswith("date"):
            return _reads(value, of_day).strftime(WIRE_DATE)
        return value

    def _time(self, value: Any, form: str) -> str | int:
        if not self._is_ms:
            return _time(_reads(value, form))
        if value == 0:  # none, whatever the form
            return 0
        moment = _reads(value, form)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _time(moment: datetime) -> str:
    """Wall time; with its offset where one was told, for then it is not the account's."""
    return moment.strftime(WIRE_TIME) if moment.tzinfo is None else moment.isoformat(" ", "seconds")


def _reads(value: Any, form: str) -> datetime:
    if form in EPOCHS:
        return datetime.fromtimestamp(float(value) / EPOCHS[form], UTC)
    return datetime.strptime(str(value), form)  # noqa: DTZ007 - wire times mostly carry no zone


_SECTIONS: dict[str, tuple[str, ...]] = {
    "login": ("token_key", "token_header", "token_prefix"),
    "answers": ("envelope", "empty_status", "written"),
    "paging": ("top", "skip", "size", "counts", "first"),
    "formats": ("date", "time", "asked_date", "asked_time", "text_ids"),
}
_TABLES = ("keys", "asked", "missing", "values", "functions")
#: tables whose values may be numbers, and the same twice
_FREE = ("missing", "values")
_TYPES = {one.name: type(one.default) for one in fields(Profile)}


def parse(text: str, plain: Profile = PLAIN) -> Profile:
    """Read a profile; what it does not say is as `plain`, the contract. Raises ProfileWrong, naming what is wrong."""
    if len(text) > MOST:
        raise ProfileWrong("The profile is longer than 64 KiB.", "A profile names differences only.")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileWrong(f"The profile is not TOML: {error}.", "See the example in the manual.") from error
    values: dict[str, Any] = {}
    for name, found in document.items():
        if name in ("name", "version"):
            values[name] = _typed(name, name, found)
        elif name in _SECTIONS:
            values |= _section(name, found)
        elif name in _TABLES:
            values[name] = _table(name, found)
        else:
            known = ", ".join(["name", "version", *_SECTIONS, *_TABLES])
            raise ProfileWrong(f"The profile has {name!r}, which means nothing here.", f"It knows {known}.")
    return _checked(replace(plain, **values))


def _section(name: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ProfileWrong(f"[{name}] is not a table.", f"Write it as [{name}] and lines below it.")
    for key in found:
        if key not in _SECTIONS[name]:
            raise ProfileWrong(
                f"[{name}] has {key!r}, which means nothing here.",
                f"It knows {', '.join(_SECTIONS[name])}.",
            )
    return {key: _typed(f"[{name}] {key}", key, value) for key, value in found.items()}


def _typed(where: str, key: str, value: Any) -> Any:
    wanted = _TYPES[key]
    if wanted is tuple:
        if isinstance(value, list) and all(type(one) is int and 200 <= one < 500 for one in value):
            return tuple(value)
        raise ProfileWrong(f"{where} is not a list of HTTP statuses.", "Write it as [404].")
    if type(value) is not wanted:
        words = {str: "text in quotes", int: "a whole number", bool: "true or false"}[wanted]
        raise ProfileWrong(f"{where} is not {words}.")
    return value


def _table(name: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ProfileWrong(f"[{name}] is not a table.", f"Write it as [{name}] and lines below it.")
    for key, value in found.items():
        if not isinstance(value, str | int | float) or (
            name not in _FREE and not (isinstance(value, str) and value)
        ):
            raise ProfileWrong(f"[{name}] {key} is not a single value.", 'Write it as CustomerID = "CustID".')
    theirs = [str(value).lower() for value in found.values()]
    if name not in _FREE and len(set(theirs)) != len(theirs):
        raise ProfileWrong(f"[{name}] names one of theirs twice.", "Each of theirs has one meaning.")
    return found


def _checked(profile: Profile) -> Profile:
    ways = ("rows", "pages", "ids", "none") if profile.milliseconds else ("rows", "pages")
    if profile.counts not in ways:
        raise ProfileWrong(f"[paging] counts is {profile.counts!r}.", f"Write {' or '.join(ways)}.")
    if not 0 <= profile.size <= 1_000_000 or profile.first not in (0, 1):
        raise ProfileWrong("[paging] size or first is out of range.", "size: 0 to 1000000; first: 0 or 1.")
    if profile.counts == "pages" and not profile.size:
        raise ProfileWrong("[paging] counts pages without a size.", "Add size, as in size = 500.")
    if profile.version and ("/" in profile.version or " " in profile.version):
        raise ProfileWrong(
            f"version is {profile.version!r}.", "Write it as v3.0, current, or empty for none."
        )
    for key in ("date", "time", "asked_date", "asked_time"):
        _check_form(key, getattr(profile, key))
    for path in profile.functions.values():
        if path.startswith("/") or ":" in path or ".." in path:
            raise ProfileWrong(f"[functions] {path!r} is not a path.", "Write it as group/Name.")
    return profile


def _check_form(key: str, form: str) -> None:
    if not form or (form in EPOCHS and key != "asked_date"):
        return
    day = datetime(2026, 11, 23, 22, 58, tzinfo=UTC)
    try:
        read = datetime.strptime(day.strftime(form), form)  # noqa: DTZ007 - a try of the form
    except ValueError:
        read = None
    if read is None or read.date() != day.date():
        raise ProfileWrong(
            f"[formats] {key} = {form!r} does not hold a day, month and year.", "Write it as %d/%m/%Y."
        )


def dump(profile: Profile, plain: Profile = PLAIN) -> str:
    """The profile as TOML: only what differs from the contract, `plain`."""

    def differs(key: str) -> bool:
        return bool(getattr(profile, key) != getattr(plain, key))

    lines = [f"{key} = {_toml(getattr(profile, key))}" for key in ("name", "version") if differs(key)]
    for section, keys in _SECTIONS.items():
        told = [key for key in keys if differs(key)]
        if told:
            lines += ["", f"[{section}]", *(f"{key} = {_toml(getattr(profile, key))}" for key in told)]
    for table in _TABLES:
        found = getattr(profile, table)
        if found:
            lines += ["", f"[{table}]", *(f"{_key(key)} = {_toml(value)}" for key, value in found.items())]
    return "\n".join(lines).strip() + "\n"


def _key(text: str) -> str:
    return text if text.replace("_", "").replace("-", "").isalnum() and text.isascii() else _toml(text)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False)
