"""Twenty ways in which a planner may differ from the contract, one by one or all at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tandem.contract.planner_api import TOKEN_HEADER

CAP = 500
VERSION = "v3.0"
_DAY, _MINUTE = "%d/%m/%Y", "%d/%m/%Y %H:%M"
_NAMES = {
    "key-customer": {"CustomerID": "CustID"},
    "key-time": {"ScheduledTime": "SendTime", "ScheduleTime": "SendTime"},
    "key-channel": {"Id": "ChannelNumber"},
}
_LEFT_OUT = {
    "missing-action": ("ActionID",),
    "missing-count": ("TestGroupSize", "ControlGroupSize"),
}


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One way to differ. mended: whether a profile, or reading with care, makes up for it."""

    name: str
    words: str
    mended: bool = True


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(name="key-customer", words="CustomerID is called CustID"),
    Deviation(name="key-time", words="ScheduledTime is called SendTime"),
    Deviation(name="key-channel", words="the channels of a campaign have ChannelNumber for Id"),
    Deviation(name="date-form", words="dates are written 24/06/2015"),
    Deviation(name="time-form", words="times are written 24/06/2015 10:30"),
    Deviation(name="id-text", words="TemplateID and CampaignID are text"),
    Deviation(name="customer-number", words="CustomerID is a number"),
    Deviation(name="flag-text", words="true and false are text"),
    Deviation(name="envelope", words="answers come inside an object, under the key data"),
    Deviation(name="paging-names", words="limit and offset are said for $top and $skip"),
    Deviation(name="page-cap", words=f"more than {CAP} rows at once are refused"),
    Deviation(name="empty-404", words="an empty list is answered with 404"),
    Deviation(name="login-object", words="the login answers an object with the token in it"),
    Deviation(name="token-header", words="the token goes in Authorization, after Bearer"),
    Deviation(name="version", words=f"only /{VERSION}/ is known"),
    Deviation(name="missing-action", words="customers' rows have no ActionID"),
    Deviation(name="missing-count", words="campaigns do not tell their size"),
    Deviation(name="write-204", words="a write that worked is answered with 204"),
    Deviation(name="no-listener-list", words="GetRegisteredEventListeners is not there", mended=False),
    Deviation(name="error-200", words="an unknown campaign is answered with 200 and an error", mended=False),
)
NAMES = tuple(one.name for one in DEVIATIONS)


class Chosen:
    """Which of the known deviations are on. ValueError for a name that is none."""

    def __init__(self, names: tuple[str, ...], known: tuple[str, ...]) -> None:
        for name in names:
            if name not in known:
                raise ValueError(f"There is no deviation {name!r}; there are {', '.join(known)}.")
        self._names = frozenset(names)

    def has(self, name: str) -> bool:
        """Whether it is one of the chosen."""
        return name in self._names


class Deviant(Chosen):
    """Applies the chosen deviations of a planner."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        super().__init__(names, NAMES)
        self._renamed = {ours: to for name in names for ours, to in _NAMES.get(name, {}).items()}
        self._left_out = {key for name in names for key in _LEFT_OUT.get(name, ())}

    def version_is_known(self, version: str) -> bool:
        """Whether a path's version is answered."""
        return not self.has("version") or version == VERSION

    def token_of(self, headers: Mapping[str, str]) -> str:
        """The token a request carries."""
        if self.has("token-header"):
            return headers.get("authorization", "").removeprefix("Bearer ")
        return headers.get(TOKEN_HEADER.lower(), "")

    def login(self, token: str) -> Any:
        """The login's answer."""
        return {"Token": token} if self.has("login-object") else token

    def paging(self) -> tuple[str, str]:
        """Names of the parameters for rows at once and rows to skip."""
        return ("limit", "offset") if self.has("paging-names") else ("$top", "$skip")

    def answer(self, path: str, document: Any) -> Any:
        """A function's answer as this planner gives it."""
        document = self._changed(document, rows=path.startswith("customers/"))
        return {"data": document} if self.has("envelope") else document

    def _changed(self, document: Any, *, rows: bool) -> Any:
        if not self._names:
            return document
        if isinstance(document, list):
            return [self._changed(one, rows=rows) for one in document]
        if not isinstance(document, dict):
            return document
        found = {}
        for key, value in document.items():
            if key in self._left_out and (rows or key != "ActionID"):
                continue
            found[self._renamed.get(key, key)] = self._value(key, value, rows=rows)
        return found

    def _value(self, key: str, value: Any, *, rows: bool) -> Any:
        if isinstance(value, list | dict):
            return self._changed(value, rows=rows)
        if isinstance(value, bool):
            return str(value).lower() if self.has("flag-text") else value
        if key in ("TemplateID", "CampaignID") and self.has("id-text"):
            return str(value)
        if key == "CustomerID" and self.has("customer-number"):
            return int(value)
        if isinstance(value, str):
            return self._dated(key, value)
        return value

    def _dated(self, key: str, value: str) -> str:
        if self.has("time-form") and key in ("ScheduledTime", "ScheduleTime"):
            return datetime.fromisoformat(value).strftime(_MINUTE)
        if self.has("date-form") and key.endswith("Date") and value:
            return datetime.fromisoformat(value).strftime(_DAY)
        return value
