"""From differences to a profile: what is renamed, how dates are written, what is left out."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tandem.clients.profile import EPOCHS
from tandem.conform.findings import Mend, Note
from tandem.conform.talk import Talk
from tandem.contract.messenger_calls import WORDS
from tandem.contract.shapes import Difference, Kind

DATES = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%Y-%m-%dT%H:%M:%S")
_CLOCKS = ("%H:%M", "%H:%M:%S")
TIMES = (
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M", *(f"{day} {clock}" for day in DATES[:6] for clock in _CLOCKS),
)  # fmt: skip
#: keys without which a list cannot be sent
NEEDED = frozenset({"CustomerID", "ActionID", "CampaignID", "ScheduledTime", "TemplateID"})
#: what a missing key may be taken for; someone should look at it
ASSUMED: dict[str, object] = {"ActionID": 2}


class Learner:
    """Turns differences into notes and keeps what a profile can mend.

    needed: keys without which something does not work; assumed: what a missing key may be taken for.
    """

    def __init__(
        self,
        talk: Talk,
        now: datetime,
        *,
        needed: frozenset[str] = NEEDED,
        assumed: Mapping[str, object] | None = None,
    ) -> None:
        self._talk, self._now = talk, now
        self._needed, self._assumed = needed, ASSUMED if assumed is None else assumed
        self._samples: dict[Kind, list[Any]] = {Kind.DATE: [], Kind.TIME: [], Kind.MS: []}

    def note(self, one: Difference) -> Note:
        """The difference, with what becomes of it."""
        return Note(path=one.path, expected=one.expected, seen=one.seen, mend=self._mend(one))

    def _mend(self, one: Difference) -> Mend:
        if one.found_key:
            self._talk.learn(keys={**self._talk.profile.keys, one.key: one.found_key})
            return Mend.PROFILE
        if one.is_missing:
            return self._missing(one.key)
        if one.kind in (Kind.DATE, Kind.TIME, Kind.MS):
            return self._form(one.kind, one.sample)
        if self._is_word(one):
            return Mend.PROFILE
        return self._read_with_care(one)

    def _is_word(self, one: Difference) -> bool:
        """Whether a word is said for a number that is known under that word."""
        known = WORDS.get(one.key, {})
        if str(one.sample).upper() not in known:
            return False
        words = {f"{one.key}.{word}": meant for word, meant in known.items()}
        self._talk.learn(values={**self._talk.profile.values, **words})
        return True

    def _missing(self, key: str) -> Mend:
        if key in self._assumed:
            self._talk.learn(missing={**self._talk.profile.missing, key: self._assumed[key]})
            return Mend.PROFILE
        return self._unless_needed(key)

    def _form(self, kind: Kind, sample: Any) -> Mend:
        if kind is Kind.MS and str(sample).isdigit():
            return Mend.CARE
        samples = self._samples[kind]
        samples.append(sample)
        form = form_of(samples, DATES if kind is Kind.DATE else TIMES, self._now)
        if not form:
            return Mend.NOT_NEEDED if kind is Kind.MS else Mend.NONE
        self._talk.learn(**{"date" if kind is Kind.DATE else "time": form})
        return Mend.PROFILE

    def _read_with_care(self, one: Difference) -> Mend:
        value, careful = one.sample, False
        match one.kind:
            case Kind.TEXT:
                careful = isinstance(value, int) and not isinstance(value, bool)
            case Kind.FLAG:
                known = str(value).lower() in ("true", "false", "0", "1", "yes", "no")
                return Mend.CARE if known else Mend.NOT_NEEDED
            case Kind.ID | Kind.NUMBER:
                careful = isinstance(value, str) and value.isdigit()
            case Kind.OBJECT:
                careful = isinstance(value, list)
            case _:
                return Mend.NONE
        return Mend.CARE if careful else self._unless_needed(one.key)

    def _unless_needed(self, key: str) -> Mend:
        return Mend.NONE if key in self._needed else Mend.NOT_NEEDED


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
