"""The verbs of the room."""

from tandem.planner.customers.service.attributes import import_attributes
from tandem.planner.customers.service.consent import consent_read, refresh_consent
from tandem.planner.customers.service.forget import export, forget
from tandem.planner.customers.service.inspect import inspect_file
from tandem.planner.customers.service.ledger import imports, order_days
from tandem.planner.customers.service.orders import import_orders
from tandem.planner.customers.service.people import (
    count_customers,
    customer_ids,
    get_customer,
    list_customers,
    names_of,
    surrogate_of,
)
from tandem.planner.customers.service.snapshot import (
    catalogue,
    get_snapshot,
    latest_snapshot,
    snapshot_catalogue,
    snapshots,
)
from tandem.planner.customers.service.values import AttributeReader, attributes_for

__all__ = [
    "AttributeReader",
    "attributes_for",
    "catalogue",
    "consent_read",
    "count_customers",
    "customer_ids",
    "export",
    "forget",
    "get_customer",
    "get_snapshot",
    "import_attributes",
    "import_orders",
    "imports",
    "inspect_file",
    "latest_snapshot",
    "list_customers",
    "names_of",
    "order_days",
    "refresh_consent",
    "snapshot_catalogue",
    "snapshots",
    "surrogate_of",
]
