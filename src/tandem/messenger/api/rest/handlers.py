"""What each REST call does; services do the work."""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from tandem.messenger.api.rest import wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.wire import BadRequest
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import ContactView
from tandem.messenger.contacts.errors import UnknownContact
from tandem.messenger.projects import service as projects

Handler = Callable[[Call], Any]


def apiurl(call: Call) -> Any:
    """The vendor's connection test: exactly five addresses."""
    base = settings.TANDEM_PUBLIC_URL
    return {
        "serverBaseUrl": f"{base}/",
        "webserviceUrl": f"{base}/carmaws",
        "swaggerUrl": f"{base}/mail/swagger",
        "restUrl": f"{base}/rest",
        "controllerUrl": f"{base}/mail",
    }


def ping(call: Call) -> Any:
    """Alive."""
    return {"message": "pong"}


def list_projects(call: Call) -> Any:
    """All projects."""
    return [wire.project(view) for view in projects.list_projects(call.account_id)]


def get_project(call: Call) -> Any:
    """One project."""
    return wire.project(projects.get_project(call.account_id, call.number(2)))


def list_triggers(call: Call) -> Any:
    """Triggers, of one project if asked."""
    wanted = call.integer("projectId", 0) or None
    basic = call.flag("basic", default=False)
    return [wire.trigger(view, basic=basic) for view in projects.list_triggers(call.account_id, wanted)]


def get_trigger(call: Call) -> Any:
    """One trigger."""
    return wire.trigger(projects.get_trigger(call.account_id, call.number(2)))


def list_campaigns(call: Call) -> Any:
    """The versions of a trigger."""
    view = projects.get_trigger(call.account_id, call.number(2))
    return [wire.version(version, view.channel) for version in view.versions]


def preview(call: Call) -> Any:
    """A version as one contact would get it."""
    original_id = call.text("originalId") or None
    return wire.preview(
        projects.preview(call.account_id, call.number(2), call.number(4), original_id=original_id)
    )


def list_lists(call: Call) -> Any:
    """Lists: typeId 1 normal (the default), 2 test."""
    return [
        wire.contact_list(view) for view in contacts.list_lists(call.account_id, call.integer("typeId", 1))
    ]


def get_list(call: Call) -> Any:
    """One list."""
    return wire.contact_list(contacts.get_list(call.account_id, call.number(2)))


def page_contacts(call: Call) -> Any:
    """A page of contacts by ascending internal id."""
    found = contacts.page_contacts(
        call.account_id,
        call.number(2),
        mode=call.segments[4],
        channel=call.text("channel", "MIXED"),
        email=call.text("email"),
        last_id=call.integer("lastId", -1),
        size=call.integer("pageSize", 1000),
    )
    with_properties = call.flag("includeProperties", default=True)
    return [wire.contact(view, with_properties=with_properties) for view in found]


def get_contact(call: Call) -> Any:
    """One contact."""
    return wire.contact(_found(call))


def create_contact(call: Call) -> Any:
    """Make or change the contact whose originalId is in the body."""
    body = call.json()
    original_id = (
        next((v for k, v in body.items() if k.lower() == "originalid"), "") if isinstance(body, dict) else ""
    )
    if not isinstance(original_id, str) or not original_id:
        raise BadRequest("The contact has no originalId.", "Give it as a text.")
    return _saved(call, body, original_id, force=True)


def update_contact(call: Call) -> Any:
    """Change a contact; force=true makes it if needed and applies subscription flags."""
    force = call.flag("force", default=False)
    original_id = call.segments[4]
    if not force:
        original_id = _found(call).original_id
    return _saved(call, call.json(), original_id, force=force)


def bounce_status(call: Call) -> Any:
    """NONE or HARD."""
    return {"status": "HARD" if _found(call).bounced else "NONE"}


def subscription_status(call: Call) -> Any:
    """Consent by channel."""
    view = _found(call)
    words = {True: "UNSUBSCRIBED", False: "SUBSCRIBED"}
    return {"status": words[view.unsubscribed], "mobileStatus": words[view.mobile_unsubscribed]}


def list_properties(call: Call) -> Any:
    """Recipient attributes."""
    return [wire.recipient_property(view) for view in contacts.list_properties(call.account_id)]


def start_import(call: Call) -> Any:
    """Declare an import."""
    body = call.json()
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    import_id = contacts.start_import(
        call.account_id,
        call.number(2),
        delimiter=str(body.get("delimiter") or "9"),
        encoding=str(body.get("encoding") or "UTF8"),
        kind=str(body.get("type") or "ADD"),
        identity_column=str(body.get("identityColumn") or "originalId"),
        clock=call.clock,
    )
    return {"id": import_id}


def upload(call: Call) -> Any:
    """The file of an import."""
    batch = contacts.upload(
        call.account_id, call.number(2), call.segments[4], call.blocks(), clock=call.clock
    )
    return {"batchId": batch.id}


def get_batch(call: Call) -> Any:
    """How far an import is."""
    return wire.batch(contacts.get_batch(call.account_id, call.number(2)), call.account_id)


def _found(call: Call) -> ContactView:
    """By the decoded id; then with `+` read as a blank, as some clients write it."""
    list_id, original_id = call.number(2), call.segments[4]
    try:
        return contacts.get_contact(call.account_id, list_id, original_id)
    except UnknownContact:
        if "+" not in original_id:
            raise
    return contacts.get_contact(call.account_id, list_id, original_id.replace("+", " "))


def _saved(call: Call, body: Any, original_id: str, *, force: bool) -> Any:
    names = {
        str(view.id): view.name for view in contacts.list_properties(call.account_id) if not view.is_static
    }
    changes = wire.read_changes(body, names)
    if force and "+" in original_id:
        original_id = _written(call, original_id)
    view = contacts.save_contact(
        call.account_id,
        call.number(2),
        original_id,
        changes,
        force=force,
        source="REST API",
        clock=call.clock,
    )
    return wire.contact(view)


def _written(call: Call, original_id: str) -> str:
    """The id of an existing contact that a `+` may have been meant for, else the id as decoded."""
    for meant in (original_id, original_id.replace("+", " ")):
        try:
            return contacts.get_contact(call.account_id, call.number(2), meant).original_id
        except UnknownContact:
            continue
    return original_id
