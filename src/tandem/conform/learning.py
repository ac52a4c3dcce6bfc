"""From differences to a profile: what is renamed, how dates are written, what is left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tandem.clients.profile import EPOCHS
from tandem.conform.findings import Mend, Note
from tandem.conform.talk import Talk
from tandem.contract.planner_shapes import Difference, Kind

DATES = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%Y-%m-%dT%H:%M:%S")
_CLOCKS = ("%H:%M", "%H:%M:%S")
TIMES = (
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M", *(f"{day} {clock}" for day in DATES[:6] for clock in _CLOCKS),
)  # fmt: skip
#: keys without which a list cannot be sent
NEEDED = frozenset({"CustomerID", "ActionID", "CampaignID", "ScheduledTime", "TemplateID"})
#: what a missing key may be taken for; someone should look at it
ASSUMED: dict[str, object] = {"ActionID": 2}


class Learner:
    """Turns differences into notes and keeps what a profile can mend."""

    def __init__(self, talk: Talk, now: datetime) -> None:
        self._talk, self._now = talk, now
        self._samples: dict[Kind, list[Any]] = {Kind.DATE: [], Kind.TIME: []}

    def note(self, one: Difference) -> Note:
        """The difference, with what becomes of it."""
        return Note(path=one.path, expected=one.expected, seen=one.seen, mend=self._mend(one))

    def _mend(self, one: Difference) -> Mend:
        if one.found_key:
            self._talk.learn(keys={**self._talk.profile.keys, one.key: one.found_key})
            return Mend.PROFILE
        if one.is_missing:
            return self._missing(one.key)
        if one.kind in (Kind.DATE, Kind.TIME):
            return self._form(one.kind, one.sample)
        if one.kind in (Kind.ID, Kind.TEXT, Kind.FLAG, Kind.NUMBER):
            return _read_with_care(one)
        return Mend.NONE

    def _missing(self, key: str) -> Mend:
        if key in ASSUMED:
            self._talk.learn(missing={**self._talk.profile.missing, key: ASSUMED[key]})
            return Mend.PROFILE
        return Mend.NONE if key in NEEDED else Mend.NOT_NEEDED

    def _form(self, kind: Kind, sample: Any) -> Mend:
        samples = self._samples[kind]
        samples.append(sample)
        form = form_of(samples, DATES if kind is Kind.DATE else TIMES, self._now)
        if not form:
            return Mend.NONE
        self._talk.learn(**{"date" if kind is Kind.DATE else "time": form})
        return Mend.PROFILE


def _read_with_care(one: Difference) -> Mend:
    value = one.sample
    if one.kind is Kind.TEXT:
        return (
            Mend.CARE if isinstance(value, int) and not isinstance(value, bool) else _unless_needed(one.key)
        )
    if one.kind is Kind.FLAG:
        known = str(value).lower() in ("true", "false", "0", "1", "yes", "no")
        return Mend.CARE if known else Mend.NOT_NEEDED
    return Mend.CARE if isinstance(value, str) and value.isdigit() else _unless_needed(one.key)


def _unless_needed(key: str) -> Mend:
    return Mend.NONE if key in NEEDED else Mend.NOT_NEEDED


def form_of(samples: list[Any], forms: tuple[str, ...], now: datetime) -> str:
    """The form that reads every sample and comes nearest to now; empty if none does."""
    if all(isinstance(sample, int | float) for sample in samples):
        ratio = float(samples[0]) / max(now.timestamp(), 1)
        return next((name for name, unit in EPOCHS.items() if 0.3 * unit < ratio < 3 * unit), "")
    found = []
    for form in forms:
        try:
            read = [_aware(datetime.strptime(str(sample), form)) for sample in samples]  # noqa: DTZ007
        except ValueError:
            continue
        found.append((max(abs(moment - now) for moment in read), form))
    return min(found, default=(timedelta(0), ""))[1]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
