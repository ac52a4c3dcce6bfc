"""Objections to profiling: written down with when, who and how; lifted only on the person's own wish."""

from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.planner.accounts import service as accounts
from tandem.planner.customers.domain import ObjectionView
from tandem.planner.customers.errors import BadObjection
from tandem.planner.customers.models import ProfilingObjection
from tandem.planner.customers.service import people

_MOST = 200
#: of a set of surrogates; whoever objects already stays as written
_OBJECT = """
INSERT INTO planner_customers_profilingobjection
    (account_id, customer_id, at, by, how, lifted_by, lifted_how)
SELECT %(account)s, c.id, %(at)s, %(by)s, %(how)s, '', ''
FROM (SELECT DISTINCT unnest(%(customers)s::bigint[]) AS id) g
JOIN planner_customers_customer c ON c.account_id = %(account)s AND c.id = g.id AND NOT c.forgotten
ORDER BY c.id
ON CONFLICT (account_id, customer_id) WHERE lifted_at IS NULL DO NOTHING
"""


def object_to_profiling(
    account_id: int, customer_id: str, *, how: str, actor: str, clock: Clock
) -> ObjectionView:
    """Write down that a person objects: from the next daily cycle on no model scores them. Twice changes nothing.

    how: how the person said it. Raises UnknownCustomer, BadObjection.
    """
    said = _words(how)
    row = people.find(account_id, customer_id)
    with transaction.atomic():
        if object_all(account_id, [row.id], how=said, actor=actor, clock=clock):
            accounts.record(
                account_id,
                actor=actor,
                action="profiling.objected",
                subject=f"customer {row.id}",
                clock=clock,
            )
    return objections_of(account_id, customer_id)[0]


def object_all(account_id: int, surrogates: list[int], *, how: str, actor: str, clock: Clock) -> int:
    """Write down the objections of many; how many are new."""
    values: dict[str, Any] = {
        "account": account_id, "customers": surrogates, "at": clock.business(), "by": actor[:_MOST], "how": how[:_MOST],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OBJECT, values)
        return int(cursor.rowcount)


def lift_objection(account_id: int, customer_id: str, *, how: str, actor: str, clock: Clock) -> ObjectionView:
    """Write down that the person wishes to be profiled again. Raises UnknownCustomer, BadObjection."""
    said = _words(how)
    row = people.find(account_id, customer_id)
    with transaction.atomic():
        standing = ProfilingObjection.objects.filter(
            account_id=account_id, customer_id=row.id, lifted_at=None
        )
        lifted = standing.update(lifted_at=clock.business(), lifted_by=actor[:_MOST], lifted_how=said)
        if not lifted:
            raise BadObjection("This customer does not object to profiling.", "There is nothing to lift.")
        accounts.record(
            account_id,
            actor=actor,
            action="profiling.objection_lifted",
            subject=f"customer {row.id}",
            clock=clock,
        )
    return objections_of(account_id, customer_id)[0]


def _words(how: str) -> str:
    said = " ".join(how.split())
    if not said or len(said) > _MOST or not said.isprintable():
        raise BadObjection(
            "It is not said how the person told it.",
            f"Write it in 1 to {_MOST} letters, as: by telephone on 23 November.",
        )
    return said


def objections_of(account_id: int, customer_id: str) -> tuple[ObjectionView, ...]:
    """What was written down of one person, newest first. Raises UnknownCustomer."""
    row = people.find(account_id, customer_id)
    rows = ProfilingObjection.objects.filter(account_id=account_id, customer_id=row.id).order_by("-at", "-id")
    return tuple(
        ObjectionView(
            customer_id=customer_id, at=one.at, by=one.by, how=one.how, lifted_at=one.lifted_at,
            lifted_by=one.lifted_by, lifted_how=one.lifted_how,
        )
        for one in rows
    )  # fmt: skip


def count_objections(account_id: int) -> int:
    """How many customers object."""
    return ProfilingObjection.objects.filter(account_id=account_id, lifted_at=None).count()
