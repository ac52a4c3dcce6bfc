"""Verbs of lists, attributes, contacts, consent, suppressions, imports and erasure."""

from tandem.messenger.contacts.queries import property_names
from tandem.messenger.contacts.service.batches import (
    get_batch,
    import_file,
    next_batch_id,
    queue_kept,
    run_batch,
    start_import,
    upload,
)
from tandem.messenger.contacts.service.consent import (
    consent_history,
    lift_suppression,
    list_suppressions,
    resubscribe,
    suppress,
    unsubscribe,
)
from tandem.messenger.contacts.service.erasure import export, forget
from tandem.messenger.contacts.service.lists import (
    attribute_names,
    create_list,
    define_property,
    get_list,
    list_lists,
    list_properties,
    list_type,
    require_list,
)
from tandem.messenger.contacts.service.paging import page_contacts
from tandem.messenger.contacts.service.people import (
    contact_id_of,
    find_contacts,
    get_contact,
    save_contact,
    values_of,
)
from tandem.messenger.contacts.service.person import end_everything, language_of, places_of, subscribe_again
from tandem.messenger.contacts.service.proofs import keep_text, proof_line, proofs_of

__all__ = [
    "attribute_names",
    "consent_history",
    "contact_id_of",
    "create_list",
    "define_property",
    "end_everything",
    "export",
    "find_contacts",
    "forget",
    "get_batch",
    "get_contact",
    "get_list",
    "import_file",
    "keep_text",
    "language_of",
    "lift_suppression",
    "list_lists",
    "list_properties",
    "list_suppressions",
    "list_type",
    "next_batch_id",
    "page_contacts",
    "places_of",
    "proof_line",
    "proofs_of",
    "property_names",
    "queue_kept",
    "require_list",
    "resubscribe",
    "run_batch",
    "save_contact",
    "start_import",
    "subscribe_again",
    "suppress",
    "unsubscribe",
    "upload",
    "values_of",
]
