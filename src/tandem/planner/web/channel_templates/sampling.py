"""Whose message a preview shows: a walk through a sample of a target group, or whoever is asked for."""

from dataclasses import dataclass
from typing import Any

from tandem.kit.problems import NotFound, Problem
from tandem.planner.customers import service as customers
from tandem.planner.targeting import service as targeting

SAMPLE = 20


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where the walk stands. position: from 1, 0 = not one of the sample; member: None = not known."""

    groups: tuple[Any, ...]
    group: Any
    people: tuple[str, ...]
    customer_id: str
    member: bool | None
    problem: Problem | None = None

    @property
    def position(self) -> int:
        """The customer's place in the sample."""
        return self.people.index(self.customer_id) + 1 if self.customer_id in self.people else 0

    @property
    def previous(self) -> str:
        """The customer before, round about; empty without a sample."""
        return self.people[(self.position or 1) - 2] if self.people else ""

    @property
    def next(self) -> str:
        """The customer after, round about; empty without a sample."""
        return self.people[self.position % len(self.people)] if self.people else ""


def walk(account_id: int, group_id: str, customer_id: str) -> Walk:
    """The sample of the group, if one is named, and who of it is looked at. Raises NotFound for no such group."""
    groups, customer_id = targeting.list_groups(account_id), customer_id.strip()[:150]
    group, problem = None, None
    people: tuple[str, ...] = ()
    if group_id.isascii() and group_id.isdigit() and len(group_id) < 19:
        group = targeting.get_group(account_id, int(group_id))
        try:
            people = sample(account_id, group.condition)
        except Problem as found:
            problem = found
    return Walk(
        groups=groups,
        group=group,
        people=people,
        customer_id=customer_id or (people[0] if people else "") or _anybody(account_id, group),
        member=_is_member(account_id, group, customer_id, people),
        problem=problem,
    )


def sample(account_id: int, condition: dict[str, Any]) -> tuple[str, ...]:
    """The same few members every time."""
    return tuple(one.customer_id for one in targeting.sample(account_id, condition, size=SAMPLE))


def _anybody(account_id: int, group: Any) -> str:
    if group is not None:
        return ""
    lines = customers.list_customers(account_id, limit=1)
    return lines[0].customer_id if lines else ""


def _is_member(account_id: int, group: Any, customer_id: str, people: tuple[str, ...]) -> bool | None:
    if group is None or not customer_id or customer_id in people:
        return None if group is None else True
    try:
        return targeting.explain(account_id, group.condition, customer_id).member
    except NotFound:
        return False
    except Problem:
        return None
