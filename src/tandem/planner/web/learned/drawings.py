"""The plots of a model's back-test, from its evidence."""

from collections.abc import Iterator, Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tandem.kit.plots import SERIES, Axis, Bars, Line, Plot, Table, bars, lines
from tandem.kit.plots.lines import table_of
from tandem.planner.modelling.learning.domain import (
    LEAST_FACTOR,
    MOST_FACTOR,
    Decile,
    Evidence,
    Model,
    ModelEvidence,
    StageEvidence,
    Week,
)

_ENOUGH = 2


def of_model(found: ModelEvidence, stage: StageEvidence | None, currency: str) -> list[Plot]:
    """How right the model was: by tenths (of one stage), against past spend, its calibration over time."""
    tenths = stage.deciles if stage else found.deciles
    parts = (deciles(found.model, tenths, currency), _captures(found), _factors(found.stages))
    return [one for one in parts if one is not None]


def of_season(found: ModelEvidence) -> Plot | None:
    """The level of each part of the year, 1 = a year's mean."""
    if found.season is None or not found.season.windows:
        return None
    parts = found.season.windows
    headings = (
        _("From"), _("Level of amounts"), _("Level of purchases"), _("Amounts as counted"), _("Purchases as counted"),
        _("Purchases"), _("Times seen"),
    )  # fmt: skip
    rows = tuple(
        (one.begins, one.value, one.orders, one.seen_value, one.seen_orders, one.purchases, one.years)
        for one in parts
    )
    table = Table(key="season", title=_("Level of each part of the year"), headings=headings, rows=rows)
    series = [
        Bars(label=_("amounts"), values=[one.value for one in parts]),
        Bars(label=_("purchases"), values=[one.orders for one in parts], kind="other"),
    ]
    words = _(
        "28 days from each date (month-day); 1 is the mean of a year. Growth and age of customers are taken out."
    )
    begins = [date.fromisoformat(f"2001-{one.begins}") for one in parts]
    months = [date_format(day, "M") for day in begins]
    places = [name if name not in months[:n] else "" for n, name in enumerate(months)]
    return bars(table, words, places, series, x=_("from"), y=Axis(label=_("level")))


def of_purchases(model: Model, evidence: Evidence) -> list[Plot]:
    """How right the purchase model beneath was; none for a model of people who never bought."""
    if model is Model.CONVERSION:
        return []
    return [one for one in (*_weeks(evidence), _frequencies(evidence), _by_frequency(evidence)) if one]


def deciles(model: Model, found: Sequence[Decile], currency: str) -> Plot | None:
    """Predicted and actual for each tenth, the highest at the right."""
    if not found:
        return None
    money = model is Model.VALUE
    unit = _("%s for each customer") % (currency or _("money")) if money else _("share who did")
    order = sorted(found, key=lambda one: one.decile)
    rows = tuple((one.decile, one.customers, one.predicted, one.actual) for one in order)
    headings = (_("Tenth"), _("Customers"), _("Predicted"), _("Actual"))
    table = Table(key="deciles", title=_("Predicted and actual by tenths"), headings=headings, rows=rows)
    series = [
        Bars(label=_("predicted"), values=[one.predicted for one in order], kind="model"),
        Bars(label=_("actual"), values=[one.actual for one in order]),
    ]
    words = (
        _("Customers in ten equal parts by prediction, 10 the highest; %s. Right where both are as high.")
        % unit
    )
    y = Axis(label=unit, format="number" if money else "percent")
    return bars(table, words, [str(one.decile) for one in order], series, x=_("tenth"), y=y)


def _captures(found: ModelEvidence) -> Plot | None:
    """What the highest tenth held, against the same by past spend."""
    named: list[tuple[str, ModelEvidence | StageEvidence]] = [(_("All"), found)]
    named += [(one.stage, one) for one in found.stages]
    rows = tuple((name, one.capture, one.past_capture) for name, one in named if one.capture is not None)
    if not rows:
        return None
    headings = (_("Customers"), _("By the model"), _("By past spend"))
    table = Table(key="captures", title=_("What the highest tenth held"), headings=headings, rows=rows)
    series = [
        Bars(label=_("ranked by past spend"), values=[row[2] for row in rows], kind="other"),
        Bars(label=_("ranked by the model"), values=[row[1] for row in rows]),
    ]
    words = _("Share of all that happened among the tenth ranked highest. A tenth at random would hold 10 %.")
    y = Axis(label=_("share"), format="percent")
    return bars(table, words, [str(row[0]) for row in rows], series, x="", y=y)


def _factors(stages: Sequence[StageEvidence]) -> Plot | None:
    """Actual divided by predicted at each back-test, each stage a line."""
    drawn = [one for one in stages if one.factors]
    if not drawn:
        return None
    series = [
        Line(
            label=one.stage,
            kind=kind,
            points=[(day.toordinal(), factor) for day, factor in sorted(one.factors)],
        )
        for one, kind in zip(drawn, SERIES, strict=False)
    ]
    shown = table_of("factors", _("Actual divided by predicted, over time"), _("Back-test of"), series)
    rows = tuple((date.fromordinal(int(str(row[0]))), *row[1:]) for row in shown.rows)
    table = Table(key=shown.key, title=shown.title, headings=shown.headings, rows=rows)
    words = _(
        "Above 1 more happened than was predicted. Predictions are multiplied by the mean of a stage's line; "
        "outside .8 to 1.25 (dashed) the level is not to be trusted."
    )
    plot = lines(
        table, words, series, x=Axis(label=_("as of"), format="date"), y=Axis(label=_("actual / predicted")),
        levels=(LEAST_FACTOR, MOST_FACTOR),
    )  # fmt: skip
    return plot


def _weeks(evidence: Evidence) -> Iterator[Plot]:
    """Cumulative and weekly tracking, with the line up to which the model had seen the data."""
    weeks = sorted(evidence.weeks, key=lambda one: one.ends)
    if len(weeks) < _ENOUGH:
        return
    yield _tracking(
        "tracking", _("Repeat purchases, counted up"), evidence, weeks,
        [(one.cumulative, one.cumulative_expected) for one in weeks],
    )  # fmt: skip
    yield _tracking(
        "weeks", _("Repeat purchases week by week"), evidence, weeks,
        [(one.actual, one.expected) for one in weeks],
    )  # fmt: skip


def _tracking(
    key: str, title: str, evidence: Evidence, weeks: Sequence[Week], pairs: Sequence[tuple[float, float]]
) -> Plot:
    rows = tuple((week.ends, *pair) for week, pair in zip(weeks, pairs, strict=True))
    table = Table(key=key, title=title, headings=(_("Week to"), _("Actual"), _("Expected")), rows=rows)
    days = [week.ends.toordinal() for week in weeks]
    series = [
        Line(label=_("actual"), points=[(day, one[0]) for day, one in zip(days, pairs, strict=True)]),
        Line(
            label=_("expected"), points=[(day, one[1]) for day, one in zip(days, pairs, strict=True)],
            kind="model",
        ),
    ]  # fmt: skip
    line = evidence.calibration_line
    mark = (float(line.toordinal()), _("seen until here")) if line else None
    words = _("Right of the dashed line the model had seen nothing; there it is judged.")
    x, y = Axis(label=_("week"), format="date"), Axis(label=_("purchases"))
    return lines(table, words, series, x=x, y=y, mark=mark)


def _frequencies(evidence: Evidence) -> Plot | None:
    found = evidence.frequencies
    if not found:
        return None
    table = Table(
        key="frequencies", title=_("How many customers bought again how often"),
        headings=(_("Days bought after the first"), _("Actual"), _("By the model")),
        rows=tuple((one.x, one.actual, one.expected) for one in found),
    )  # fmt: skip
    series = [
        Bars(label=_("actual"), values=[one.actual for one in found]),
        Bars(label=_("by the model"), values=[one.expected for one in found], kind="model"),
    ]
    words = _("Right where both are as high. The last stands for that many or more.")
    places = [f"{one.x}+" if one is found[-1] else str(one.x) for one in found]
    return bars(
        table, words, places, series, x=_("days bought after the first"), y=Axis(label=_("customers"))
    )


def _by_frequency(evidence: Evidence) -> Plot | None:
    found = evidence.by_frequency
    if not found:
        return None
    table = Table(
        key="by_frequency", title=_("Purchases to come, by purchases so far"),
        headings=(_("Days bought so far, after the first"), _("Customers"), _("Expected"), _("Actual")),
        rows=tuple((one.x, one.customers, one.expected, one.actual) for one in found),
    )  # fmt: skip
    series = [
        Line(label=_("actual"), points=[(one.x, one.actual) for one in found]),
        Line(label=_("expected"), points=[(one.x, one.expected) for one in found], kind="model"),
    ]
    words = _("Mean for each customer in the hidden period. Right where the lines lie on each other.")
    x = Axis(label=_("days bought so far, after the first"))
    return lines(table, words, series, x=x, y=Axis(label=_("purchases to come")))
