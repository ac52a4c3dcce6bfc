"""The verbs of the room."""

from tandem.planner.customers.service.attributes import import_attributes
from tandem.planner.customers.service.changes import Change, changes, changes_between, customers_with
from tandem.planner.customers.service.consent import consent_read, refresh_consent
from tandem.planner.customers.service.forget import export, forget
from tandem.planner.customers.service.inspect import inspect_file
from tandem.planner.customers.service.ledger import imports, order_days
from tandem.planner.customers.service.objections import (
    count_objections,
    lift_objection,
    object_to_profiling,
    objections_of,
)
from tandem.planner.customers.service.orders import import_orders
from tandem.planner.customers.service.people import (
    count_customers,
    customer_ids,
    get_customer,
    list_customers,
    names_of,
    surrogate_of,
)
from tandem.planner.customers.service.preferences import is_blocked, preferences_of, set_preferences
from tandem.planner.customers.service.purposes import (
    dictionary,
    model_columns,
    order_dictionary,
    sensitive_columns,
    set_purpose,
)
from tandem.planner.customers.service.snapshot import (
    catalogue,
    get_snapshot,
    latest_snapshot,
    snapshot_catalogue,
    snapshot_on,
    snapshots,
)
from tandem.planner.customers.service.values import (
    AttributeReader,
    as_text,
    attribute_name_of,
    attributes_for,
    attributes_of_customer,
)
from tandem.planner.customers.service.written import Written, add_attribute, update_attributes

__all__ = [
    "AttributeReader",
    "Change",
    "Written",
    "add_attribute",
    "as_text",
    "attribute_name_of",
    "attributes_for",
    "attributes_of_customer",
    "catalogue",
    "changes",
    "changes_between",
    "consent_read",
    "count_customers",
    "count_objections",
    "customer_ids",
    "customers_with",
    "dictionary",
    "export",
    "forget",
    "get_customer",
    "get_snapshot",
    "import_attributes",
    "import_orders",
    "imports",
    "inspect_file",
    "is_blocked",
    "latest_snapshot",
    "lift_objection",
    "list_customers",
    "model_columns",
    "names_of",
    "object_to_profiling",
    "objections_of",
    "order_days",
    "order_dictionary",
    "preferences_of",
    "refresh_consent",
    "sensitive_columns",
    "set_preferences",
    "set_purpose",
    "snapshot_catalogue",
    "snapshot_on",
    "snapshots",
    "surrogate_of",
    "update_attributes",
]
