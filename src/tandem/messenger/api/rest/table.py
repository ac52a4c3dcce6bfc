"""Every call of the REST API, in the order in which addresses are tried."""

from tandem.messenger.api.rest.endpoint import Endpoint
from tandem.messenger.api.rest.endpoints import (
    account,
    contacts,
    counting,
    dkim,
    events,
    exports,
    imports,
    jobs,
    lists,
    messages,
    named,
    projects,
    sendings,
    tests,
    triggers,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *account.ENDPOINTS,
    *projects.ENDPOINTS,
    *triggers.ENDPOINTS,
    *tests.ENDPOINTS,
    *lists.ENDPOINTS,
    *contacts.ENDPOINTS,
    *counting.ENDPOINTS,
    *messages.ENDPOINTS,
    *imports.ENDPOINTS,
    *exports.ENDPOINTS,
    *jobs.ENDPOINTS,
    *sendings.ENDPOINTS,
    *dkim.ENDPOINTS,
    *events.ENDPOINTS,
    *named.ENDPOINTS,
)
#: first words of the published API; what follows them is not all known
# fmt: off
KNOWN = frozenset({
    "abandonedcart", "apps", "authentication", "auto", "batches", "batchtrigger", "campaigns", "contacts",
    "emailclients", "events", "eventhub", "features", "forms", "filters", "ftpaccounts", "integration",
    "jobs", "journeys", "lists", "messages", "microsites", "pe", "placeholders", "projects", "properties",
    "purchasehistory", "reports", "retention", "sheduled", "sms", "systemfeedback", "systeminfo", "systemusers",
    "token", "tracking", "triggers", "webhooks", "maintenance",
})
# fmt: on
