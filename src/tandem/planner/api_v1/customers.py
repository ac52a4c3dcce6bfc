"""/customers: list, find, one."""

import math
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema

from tandem.planner.api_v1.app import caller
from tandem.planner.api_v1.schemas import After, Limit, Text, answers, paged
from tandem.planner.customers import service

router = Router(tags=["customers"])
CustomerId = Annotated[Text, Path(description="The shop's own id; slashes are allowed.")]


class CustomerLineOut(Schema):
    """A customer in a list."""

    customer_id: str
    first_name: str
    last_name: str


class CustomersOut(Schema):
    """A page of customers."""

    items: list[CustomerLineOut]
    next: int | None


class ConsentOut(Schema):
    """The dated copy of consent at one account at a messenger."""

    channel_account_id: int
    has_email: bool
    email_consent: bool
    has_mobile: bool
    sms_consent: bool
    read_at: datetime


class CustomerOut(Schema):
    """All that is known of one customer, orders aside; attributes are the latest snapshot's."""

    customer_id: str
    identity: dict[str, Any]
    attributes: dict[str, Any]
    consent: list[ConsentOut]


@router.get(
    "", response=answers(of=CustomersOut), summary="List or find customers", operation_id="list_customers"
)
def list_customers(
    request: HttpRequest, search: Text = "", after: After = None, limit: Limit = 50
) -> dict[str, Any]:
    """In the order in which they came; `search` is how the id begins."""
    rows = service.list_customers(
        caller(request).account_id, search=search, after=after or 0, limit=limit + 1
    )
    return paged(rows, limit, lambda row: row.surrogate)


@router.get(
    "/{path:customer_id}",
    response=answers(of=CustomerOut),
    summary="One customer",
    operation_id="get_customer",
)
def get_customer(request: HttpRequest, customer_id: CustomerId) -> dict[str, Any]:
    """Identity, attributes and consent."""
    view = service.get_customer(caller(request).account_id, customer_id)
    return {
        "customer_id": view.customer_id,
        "identity": view.identity,
        "attributes": {name: _plain(value) for name, value in view.attributes.items()},
        "consent": [{name: getattr(one, name) for name in ConsentOut.model_fields} for one in view.consent],
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
