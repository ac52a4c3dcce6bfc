"""What was found as rows: sentences, today's members, the saved group most like it, what is not interesting."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from tandem.kit.problems import Problem
from tandem.planner.accounts.models import Account
from tandem.planner.customers.domain import SnapshotRef
from tandem.planner.customers.rights import LEAST_DESCRIBED
from tandem.planner.discovery.domain import (
    MOST_ALIKE,
    Axis,
    Found,
    GoalKind,
    Outcome,
    Rule,
)
from tandem.planner.discovery.frames import SPENT_ON, Frame
from tandem.planner.discovery.judging import inside_of
from tandem.planner.discovery.models import Discovery, DiscoveryRun, Dismissed
from tandem.planner.discovery.pruning import jaccard
from tandem.planner.discovery.sentences import condition_words, outcome_words, sentence, title, traits
from tandem.planner.discovery.service.preparing import Prepared
from tandem.planner.discovery.simple import splits
from tandem.planner.discovery.translating import condition_of
from tandem.planner.targeting import service as targeting

Ids = NDArray[np.int64]
MOST_GROUPS = 100
MOST_SIMPLE = 8
#: Jaccard index from which one group counts as the rest of another
MOSTLY = 0.8


@dataclass(frozen=True, kw_only=True, eq=False)
class Today:
    """The newest snapshot: whose spend in 365 days is known, and members of conditions in it."""

    snapshot: SnapshotRef
    customers: Ids
    spent: NDArray[np.float64]

    @classmethod
    def of(cls, session: duckdb.DuckDBPyConnection, snapshot: SnapshotRef) -> "Today":
        """Read it from the open session."""
        told = session.execute(
            "SELECT customer, spent_365::DOUBLE AS spent FROM snap.customers ORDER BY 1"
        ).fetchnumpy()
        return cls(snapshot=snapshot, customers=np.asarray(told["customer"]), spent=np.asarray(told["spent"]))

    def members(self, condition: Mapping[str, Any]) -> Ids:
        """Surrogates, ascending."""
        return members_of(self.snapshot, condition)

    def spent_by(self, members: Ids) -> float:
        """Mean of what they spent in 365 days."""
        return float(self.spent[np.searchsorted(self.customers, members)].mean()) if len(members) else 0.0


def members_of(snapshot: SnapshotRef, condition: Mapping[str, Any]) -> Ids:
    """The surrogates of a condition's members, ascending."""
    with tempfile.TemporaryDirectory(prefix="tandem-discovery-") as folder:
        file = Path(folder) / "members.csv"
        targeting.write_members(snapshot, dict(condition), file)
        return np.array(file.read_bytes().split(), np.int64)


def alike(one: Ids, other: Ids) -> float:
    """Jaccard index: those in both among those in either."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    either = len(one) + len(other) - both
    return both / either if either else 0.0


def rows_of(run: DiscoveryRun, prepared: Prepared, found: Found, today: Today) -> tuple[list[Discovery], int]:
    """The groups that hold 50 people or more today, and how many hold fewer."""
    account = Account.objects.get(id=run.account_id)
    axes = {one.axis.name: one.axis for one in prepared.features}
    saved = _saved(run.account_id, today)
    unwanted = [
        (row, _safely(today, row.condition))
        for row in Dismissed.objects.filter(account=account, goal=run.goal)
    ]
    rows: list[Discovery] = []
    small = 0
    for rule in _told_once(found.rules, prepared.frame):
        condition = condition_of(rule.conditions, buyers=prepared.buyers, besides=prepared.besides)
        members = today.members(condition)
        if len(members) < LEAST_DESCRIBED:
            small += 1
            continue
        row = _row(run, prepared, rule, axes, condition, account.currency)
        row.place, row.members = len(rows) + 1, len(members)
        told = sentence(
            rule, GoalKind(run.goal), axes, rate=found.rate, size=len(members), currency=account.currency
        )
        row.sentence = _nothing_spent(told, rule, axes, account.currency)
        row.spent = Decimal(f"{today.spent_by(members):.2f}")
        row.spent_all = Decimal(f"{today.spent.mean() if len(today.spent) else 0:.2f}")
        row.alike = _most_like(members, saved)
        row.hidden_by = next(
            (one for one, theirs in unwanted if one.direction == rule.direction
             and (one.condition == condition or alike(members, theirs) >= MOST_ALIKE)), None,
        )  # fmt: skip
        rows.append(row)
    return rows, small


def _told_once(rules: Sequence[Rule], frame: Frame | None) -> list[Rule]:
    """Without the larger of two groups that are each other's rest: both say the same."""
    if frame is None:
        return []
    inside = [inside_of(one, frame) for one in rules]
    dropped = {
        max(one, other, key=lambda place: rules[place].size)
        for one, other in combinations(range(len(rules)), 2)
        if rules[one].direction != rules[other].direction and jaccard(inside[one], ~inside[other]) >= MOSTLY
    }
    return [one for place, one in enumerate(rules) if place not in dropped]


def _row(
    run: DiscoveryRun,
    prepared: Prepared,
    rule: Rule,
    axes: Mapping[str, Axis],
    condition: dict[str, Any],
    currency: str,
) -> Discovery:
    assert prepared.frame is not None and prepared.outcome is not None  # noqa: S101 - it was searched
    goal, rate = GoalKind(run.goal), prepared.outcome.rate
    named = {
        name: replace(one, label=name.removeprefix(SPENT_ON)) if name.startswith(SPENT_ON) else one
        for name, one in axes.items()
    }
    inside = np.ones(len(prepared.frame.customers), np.bool_)
    for one in rule.conditions:
        inside &= one.holds(prepared.frame.raw[one.name])
    parent = ""
    if rule.parent and rule.parent_estimate is not None:
        words = ", ".join(condition_words(one, axes[one.name], currency) for one in rule.parent)
        told = outcome_words(replace(rule, estimate=rule.parent_estimate), goal, rate=rate, currency=currency)
        parent = f"{words}: {told}"
    return Discovery(
        account_id=run.account_id, run=run, direction=rule.direction, rule=rule.as_json(), condition=condition,
        title=_nothing_spent(title(rule, named), rule, named)[:300],
        text=targeting.to_text(run.account_id, condition), parent=parent,
        traits=list(
            traits(prepared.frame.raw, axes, inside, without=[one.name for one in rule.conditions])
        ),
    )  # fmt: skip


def _nothing_spent(text: str, rule: Rule, axes: Mapping[str, Axis], currency: str = "") -> str:
    """A sum of nought spent on a category reads as nothing spent on it; in a title: no such thing."""
    for one in rule.conditions:
        if one.name.startswith(SPENT_ON) and one.low is None and one.high == 0:
            of_what = one.name.removeprefix(SPENT_ON)
            words = f"nothing spent on {of_what}" if axes[one.name].label == one.name else f"no {of_what}"
            text = text.replace(condition_words(one, axes[one.name], currency), words)
    return text


def _saved(account_id: int, today: Today) -> list[tuple[int, str, Ids]]:
    groups = targeting.list_groups(account_id)[:MOST_GROUPS]
    return [(one.id, one.name, _safely(today, one.condition)) for one in groups]


def _safely(today: Today, condition: Mapping[str, Any]) -> Ids:
    """A condition that names what the snapshot no longer has holds nobody."""
    try:
        return today.members(condition)
    except Problem:
        return np.zeros(0, np.int64)


def _most_like(members: Ids, saved: Iterable[tuple[int, str, Ids]]) -> dict[str, Any]:
    best: dict[str, Any] = {}
    for number, name, theirs in saved:
        share = alike(members, theirs)
        if share >= max(MOST_ALIKE, best.get("share", 0.0)):
            best = {"id": number, "name": name, "share": round(share, 3)}
    return best


def simple_of(prepared: Prepared, outcome: Outcome, seed: int, currency: str) -> list[dict[str, Any]]:
    """The simple view: each attribute's best cut in two, confirmed ones first; no segment under 50 people."""
    assert prepared.frame is not None  # noqa: S101 - it was searched
    axes = {one.axis.name: one.axis for one in prepared.features}
    found = splits(prepared.features, outcome, prepared.frame.customers, seed=seed)
    return [
        {
            "label": axes[one.name].label,
            "first": condition_words(one.first, axes[one.name], currency),
            "second": condition_words(one.second, axes[one.name], currency),
            "first_members": one.first_size, "second_members": one.second_size, "mean": one.estimate.mean,
            "other": one.estimate.other, "low": one.estimate.low, "high": one.estimate.high,
            "q": one.estimate.q, "confirmed": bool(one.confirmed),
        }
        for one in found
        if min(one.first_size, one.second_size) >= LEAST_DESCRIBED
    ][:MOST_SIMPLE]  # fmt: skip
