"""The simulated messenger's lists, contacts and imports."""

import uuid
from typing import Any
from urllib.parse import unquote, unquote_plus

from tandem.contract.messenger_calls import MODES
from tandem.simulators.messenger_routes import Call, Unknown, route
from tandem.simulators.messenger_world import BORN, LIST

_C = "lists/{listId}/contacts"
MOST_AT_ONCE = 10_000


def _known_list(call: Call) -> None:
    if call.number("listId") != LIST:
        raise Unknown


def _contact(call: Call) -> dict[str, Any]:
    """A contact by its id in the path, a plus read as one and then as a space."""
    _known_list(call)
    text = call.places["originalId"]
    found = call.world.contact(unquote(text)) or call.world.contact(unquote_plus(text))
    if found is None:
        raise Unknown
    return found


def _by_number(call: Call) -> dict[str, Any]:
    _known_list(call)
    found = call.world.after(call.number("contactId") - 1, 1)
    if not found or found[0]["id"] != call.number("contactId"):
        raise Unknown
    return found[0]


@route("GET", "lists")
def _lists(call: Call) -> Any:
    return [] if call.asked("typeId") == "2" else [_list(call)]


@route("GET", "lists/{listId}")
def _one_list(call: Call) -> Any:
    _known_list(call)
    return _list(call)


def _list(call: Call) -> dict[str, Any]:
    return {
        "id": LIST,
        "listTypeId": 1,
        "name": "Customers",
        "description": "",
        "lastImportTime": BORN,
        "contacts": call.world.count(),
    }


@route("GET", "lists/{listId}/unsubscribeurl")
def _unsubscribe_url(call: Call) -> Any:
    _known_list(call)
    return {"url": "https://shop.example/unsubscribe"}


def _in_mode(call: Call, mode: str) -> list[dict[str, Any]]:
    _known_list(call)
    last, size = max(int(call.asked("lastId", "-1")), 0), int(call.asked("pageSize", "1000"))
    size = min(max(size, 1), MOST_AT_ONCE)
    wanted = call.asked("email").lower()
    found: list[dict[str, Any]] = []
    while len(found) < size:
        page = call.world.after(last, MOST_AT_ONCE if wanted else size)
        if not page:
            break
        last = page[-1]["id"]
        found += [one for one in page if mode == "all" or one[mode]]
        if wanted:
            found = [one for one in found if one["emailAddress"].lower() == wanted]
    return found[:size]


@route("GET", f"{_C}/all")
def _all(call: Call) -> Any:
    return _in_mode(call, MODES[0])


@route("GET", f"{_C}/bounced")
def _bounced(call: Call) -> Any:
    return _in_mode(call, MODES[1])


@route("GET", f"{_C}/unsubscribed")
def _unsubscribed(call: Call) -> Any:
    return _in_mode(call, MODES[2])


@route("GET", f"{_C}/{{originalId}}")
def _one(call: Call) -> Any:
    return _contact(call)


@route("GET", f"{_C}/{{originalId}}/subscriptionstatus")
def _status(call: Call) -> Any:
    person = _contact(call)
    words = ("SUBSCRIBED", "UNSUBSCRIBED")
    return {"status": words[person["unsubscribed"]], "mobileStatus": words[person["mobileUnsubscribed"]]}


@route("GET", f"{_C}/{{originalId}}/bouncestatus")
def _bounce(call: Call) -> Any:
    return {"status": "HARD" if _contact(call)["bounced"] else "NONE"}


@route("GET", f"{_C}/{{contactId}}/lastbounce")
def _last_bounce(call: Call) -> Any:
    person = _by_number(call)
    if not person["bounced"]:
        raise Unknown
    return {
        "messageId": 1,
        "bounceType": "HARD",
        "recipient": person["emailAddress"],
        "bncCat": "bad-mailbox",
        "dsnStatus": "5.1.1",
        "bounceDate": BORN,
    }


@route("GET", f"{_C}/{{contactId}}/messagecount/email")
def _emails(call: Call) -> Any:
    return _counted(call, 1)


@route("GET", f"{_C}/{{contactId}}/messagecount/sms")
def _sms(call: Call) -> Any:
    return _counted(call, 2)


def _counted(call: Call, channel: int) -> dict[str, int]:
    number = call.world.sent_to(_by_number(call)["originalId"], channel)
    return {"normal": 0, "trigger": number, "auto": 0, "total": number}


@route("PUT", f"{_C}/{{originalId}}/update")
def _update(call: Call) -> Any:
    _known_list(call)
    if call.asked("force") != "true":
        _contact(call)
    return call.world.change(unquote(call.places["originalId"]), call.request.json())


@route("POST", _C)
def _create(call: Call) -> Any:
    _known_list(call)
    return _made(call, call.request.json())


@route("POST", "contacts")
def _create_in_body(call: Call) -> Any:
    fields = call.request.json()
    if int(fields["listId"]) != LIST:
        raise Unknown
    return _made(call, fields)


def _made(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    if str(fields["originalId"]) in MODES:
        raise ValueError
    return call.world.change(str(fields["originalId"]), fields)


_NAMES = ("originalId", "emailAddress", "mobileNumber", "firstName", "lastName", "country", "city")


@route("GET", "properties")
def _properties(call: Call) -> Any:
    return [
        {
            "id": number,
            "propertyTypeId": 1,
            "name": name,
            "description": "",
            "dataType": "STRING",
            "includeInBaExport": False,
            "staticProperty": True,
            "fileHeaders": [name],
        }
        for number, name in enumerate(_NAMES, 1)
    ]


@route("GET", "properties/zapier")
def _zapier(call: Call) -> Any:
    return [
        {"key": name, "type": "string", "required": name == "originalId", "label": name, "help_text": ""}
        for name in _NAMES
    ]


@route("POST", "lists/{listId}/imports")
def _import(call: Call) -> Any:
    _known_list(call)
    fields = call.request.json()
    chr(int(fields["delimiter"]))
    if fields["type"] not in ("ADD", "REPLACE", "UNSUBSCRIBE"):
        raise ValueError
    made = str(uuid.uuid4())
    call.world.imports[made] = fields
    return {"id": made}


@route("POST", "lists/{listId}/recipients/{importId}")
def _recipients(call: Call) -> Any:
    _known_list(call)
    fields = call.world.imports.pop(call.places["importId"])
    delimiter = chr(int(fields["delimiter"]))
    lines = [line.split(delimiter) for line in call.request.body.decode().splitlines() if line]
    taken = call.world.take(lines, leave=fields["type"] == "UNSUBSCRIBE")
    return {"batchId": call.world.batch("LIST_IMPORT", taken)}


@route("GET", "batches/{batchId}")
def _batch(call: Call) -> Any:
    one = call.world.batches[call.number("batchId")]
    one.asked += 1
    done, now = one.asked > 1, call.world.now()
    return {
        "id": one.id,
        "type": one.kind,
        "customerId": int(call.customer) if call.customer.isdigit() else 0,
        "startTime": now,
        "endTime": now if done else 0,
        "affected": one.total if done else 0,
        "processed": one.total if done else 0,
        "total": one.total,
        "status": "FINISHED" if done else "IN_PROGRESS",
    }
