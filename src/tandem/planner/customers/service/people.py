"""Reads customers: lists, one person, ids."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlglot import exp

from tandem.planner.customers.domain import ConsentView, CustomerLine, CustomerView
from tandem.planner.customers.errors import NoSnapshot, UnknownCustomer
from tandem.planner.customers.models import Consent, Customer
from tandem.planner.customers.service.snapshot import latest_snapshot, snapshot_catalogue
from tandem.planner.engine.domain import CUSTOMER, CUSTOMERS
from tandem.planner.engine.duckdb import open_snapshot


def count_customers(account_id: int) -> int:
    """How many customers the account has, forgotten ones aside."""
    return Customer.objects.filter(account_id=account_id, forgotten=False).count()


def list_customers(
    account_id: int, *, search: str = "", after: int = 0, limit: int = 50
) -> tuple[CustomerLine, ...]:
    """Customers in order of their surrogate, `after` one; `search` = how the id begins."""
    rows = Customer.objects.filter(account_id=account_id, forgotten=False, id__gt=after)
    if search:
        rows = rows.filter(customer_id__startswith=search)
    return tuple(
        CustomerLine(
            customer_id=row.customer_id, surrogate=row.id, forgotten=row.forgotten,
            first_name=row.identity.get("first_name", ""), last_name=row.identity.get("last_name", ""),
        )
        for row in rows.order_by("id")[:limit]
    )  # fmt: skip


def customer_ids(account_id: int) -> Iterator[str]:
    """All customer ids, streamed."""
    rows = Customer.objects.filter(account_id=account_id, forgotten=False).order_by("id")
    return rows.values_list("customer_id", flat=True).iterator(chunk_size=10_000)


def names_of(account_id: int, surrogates: Iterable[int]) -> dict[int, str]:
    """The customer ids behind a few surrogates, forgotten ones aside."""
    rows = Customer.objects.filter(account_id=account_id, forgotten=False, id__in=list(surrogates))
    return dict(rows.values_list("id", "customer_id"))


def surrogate_of(account_id: int, customer_id: str) -> int:
    """The surrogate of a customer id. Raises UnknownCustomer."""
    return find(account_id, customer_id).id


def find(account_id: int, customer_id: str) -> Customer:
    """The person's row. Raises UnknownCustomer."""
    row = Customer.objects.filter(account_id=account_id, customer_id=customer_id, forgotten=False).first()
    if row is None:
        raise UnknownCustomer(f"There is no customer {customer_id}.", "Ids are compared letter by letter.")
    return row


def get_customer(account_id: int, customer_id: str) -> CustomerView:
    """All that is known of one customer, orders aside. Raises UnknownCustomer."""
    row = find(account_id, customer_id)
    copies = Consent.objects.filter(account_id=account_id, customer_id=row.id).order_by("channel_account_id")
    return CustomerView(
        customer_id=row.customer_id, surrogate=row.id, forgotten=row.forgotten, identity=row.identity,
        attributes=_features(account_id, row.id),
        consent=tuple(
            ConsentView(
                channel_account_id=c.channel_account_id, has_email=c.has_email, email_consent=c.email_consent,
                has_mobile=c.has_mobile, sms_consent=c.sms_consent, read_at=c.read_at,
            )
            for c in copies
        ),
    )  # fmt: skip


def _features(account_id: int, surrogate: int) -> dict[str, Any]:
    try:
        snapshot = latest_snapshot(account_id)
    except NoSnapshot:
        return {}
    names = [attribute.name for attribute in snapshot_catalogue(account_id, snapshot.id)]
    asked = exp.select(*(exp.column(name, quoted=True) for name in names)).from_(CUSTOMERS)
    rows = open_snapshot(snapshot.cache).rows(asked.where(exp.column(CUSTOMER).eq(surrogate)))
    return dict(zip(names, rows[0], strict=True)) if rows else {}
