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
from tandem.messenger.contacts.service.looking import standings, suppressions_of
from tandem.messenger.contacts.service.paging import page_contacts
from tandem.messenger.contacts.service.people import (
    contact_id_of,
    find_contacts,
    get_contact,
    save_contact,
    values_of,
)
from tandem.messenger.contacts.service.person import end_everything, language_of, places_of, subscribe_again
from tandem.messenger.contacts.service.planned import (
    check_import,
    choose_columns,
    confirm_import,
    discard_import,
    error_file,
    plan_import,
    planned_import,
    with_new,
)
from tandem.messenger.contacts.service.proofs import PROOF_COLUMNS, keep_text, proof_line, proofs_of

__all__ = [
    "PROOF_COLUMNS",
    "attribute_names",
    "check_import",
    "choose_columns",
    "confirm_import",
    "consent_history",
    "contact_id_of",
    "create_list",
    "define_property",
    "discard_import",
    "end_everything",
    "error_file",
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
    "plan_import",
    "planned_import",
    "proof_line",
    "proofs_of",
    "property_names",
    "queue_kept",
    "require_list",
    "resubscribe",
    "run_batch",
    "save_contact",
    "standings",
    "start_import",
    "subscribe_again",
    "suppress",
    "suppressions_of",
    "unsubscribe",
    "upload",
    "values_of",
    "with_new",
]
