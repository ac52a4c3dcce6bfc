"""The simulated messenger's messages, generation jobs and statistics: what it would send is kept, nothing leaves."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, unquote_plus

from tandem.contract.messenger_calls import EXPORTS
from tandem.simulators.messenger_routes import AlreadyDone, Call, Unknown, route
from tandem.simulators.messenger_world import LIST, PROJECT, TRIGGERS, World

_PERIODS = ("TODAY", "LAST_DAY", "LAST_3_DAYS", "LAST_WEEK", "LAST_2_WEEKS")
_FORM = "%Y-%m-%dT%H:%M:%S%z"
#: export type -> words of its rows
_WORDS = {
    "SENT": ("MailSent", "SENT"),
    "OPENS": ("MailOpened", "OPENED"),
    "CLICKS": ("ClickedLink", "CLICKED"),
    "HARD_BOUNCES": ("Bounce", "BOUNCED"),
    "SOFT_BOUNCES": ("Bounce", "BOUNCED"),
    "OPTOUTS": ("OptOut", "OPTED_OUT"),
}


@route("POST", "triggers/{triggerId}/messages")
def _send(call: Call) -> Any:
    number, fields = call.number("triggerId"), call.request.json()
    if number not in TRIGGERS or call.world.contact(str(fields["originalId"])) is None:
        raise Unknown
    _check_time(fields)
    made = call.world.keep_message(
        number, str(fields["originalId"]), {k: fields[k] for k in fields if k != "id"}
    )
    return {"message": f"Message {made['id']} is {'suppressed' if made['suppressed'] else 'on its way'}."}


def _check_time(fields: dict[str, Any]) -> None:
    """ValueError if a delivery time is not in the contract's form, with its offset."""
    if fields.get("deliveryTime"):
        datetime.strptime(fields["deliveryTime"], _FORM)  # noqa: DTZ007 - %z is in the form


@route("GET", "triggers/{triggerId}/messages")
def _of_trigger(call: Call) -> Any:
    number = call.number("triggerId")
    if number not in TRIGGERS:
        raise Unknown
    return _shown(call, [one for one in call.world.messages if one["trigger"] == number])


@route("GET", "lists/{listId}/messages")
def _of_list(call: Call) -> Any:
    if call.number("listId") != LIST:
        raise Unknown
    return _shown(call, call.world.messages)


@route("GET", "lists/{listId}/contacts/{originalId}/messages")
def _of_contact(call: Call) -> Any:
    text = call.places["originalId"]
    person = call.world.contact(unquote(text)) or call.world.contact(unquote_plus(text))
    if call.number("listId") != LIST or person is None:
        raise Unknown
    return _shown(call, [one for one in call.world.messages if one["originalId"] == person["originalId"]])


def _shown(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    most, since = int(call.asked("noOfMessages", "100")), int(call.asked("startDate", "0"))
    found = [one for one in rows if one["at"] >= since and not one["suppressed"]][-most:]
    return [_message(call, one) for one in found]


def _message(call: Call, one: dict[str, Any]) -> dict[str, Any]:
    kinds = {kind for kind, of in call.world.happened if of == one["id"]}
    person = call.world.contact(one["originalId"]) or {}
    quiet = "?nostat" if call.asked("nostat") == "true" else ""
    return {
        "id": one["id"],
        "contactId": person.get("id"),
        "deliveryId": TRIGGERS[one["trigger"]][2],
        "read": "OPENS" in kinds,
        "readTimestamp": one["at"] if "OPENS" in kinds else 0,
        "sentTimestamp": one["at"],
        "openInBrowserUrl": f"{call.host}/_message/{one['id']}{quiet}",
        "actions": {
            "opened": "OPENS" in kinds,
            "recieved": not kinds & {"HARD_BOUNCES", "SOFT_BOUNCES"},
            "clicked": "CLICKS" in kinds,
            "converted": False,
            "softBounce": "SOFT_BOUNCES" in kinds,
            "hardBounce": "HARD_BOUNCES" in kinds,
            "unsubscribed": "OPTOUTS" in kinds,
            "complaint": False,
        },
        "type": 1,
        "module": "TRIGGER",
        "name": TRIGGERS[one["trigger"]][0],
        "archived": False,
    }


@route("POST", "jobs/generation/fixed")
def _job(call: Call) -> Any:
    fields = call.request.json()
    if fields["type"] not in ("TRIGGER", "CAMPAIGN"):
        raise ValueError
    _check_time(fields)
    by_campaign = {of[2]: number for number, of in TRIGGERS.items() if of[2]}
    campaign = TRIGGERS[int(fields["id"])][2] if fields["type"] == "TRIGGER" else int(fields["id"])
    if campaign not in by_campaign:
        raise ValueError  # no version is active, or there is none of that id
    return call.world.keep_job(
        by_campaign[campaign], campaign, int(fields.get("listId", LIST)), fields.get("deliveryTime")
    )


@route("POST", "jobs/generation/fixed/{jobId}/recipients/automapping")
def _content(call: Call) -> Any:
    job = call.world.jobs[call.number("jobId")]
    if job["contentUploaded"] and not call.takes_twice:
        raise AlreadyDone
    lines = [line.split("\t") for line in call.request.body.decode().splitlines() if line]
    call.world.generate(job, lines)
    return job


@route("GET", "jobs/generation/fixed/{jobId}")
def _one_job(call: Call) -> Any:
    return call.world.jobs[call.number("jobId")]


@route("POST", "batches/exports/statistics")
def _export(call: Call) -> Any:
    fields = call.request.json()
    kind = {"OPENED": "OPENS"}.get(fields["exportType"], fields["exportType"])
    if kind not in EXPORTS or fields["period"] not in _PERIODS:
        raise ValueError
    number = call.world.batch("STAT_EXPORT", len(records(call.world, kind)))
    call.world.results[number] = kind
    return {"batchId": str(number)}


@route("GET", "batches/{exportId}/result/url")
def _result_url(call: Call) -> Any:
    number = call.number("exportId")
    if number not in call.world.results or call.world.batches[number].asked < 2:
        raise Unknown
    return {"url": f"{call.host}/_results/{number}_result.json"}


def records(world: World, kind: str) -> list[dict[str, Any]]:
    """The records of a statistics export."""
    if kind == "PROJECTS":
        return [{"id": PROJECT, "name": "Letters", "description": ""}]
    if kind == "LISTS":
        return [{"id": LIST, "listTypeId": 1, "name": "Customers", "contacts": world.count()}]
    if kind == "CAMPAIGNS":
        return [row for number in TRIGGERS for row in world.versions(number)]
    sent = [one for one in world.messages if not one["suppressed"]]
    if kind in ("SENT", "MESSAGES"):
        return [_event(world, one, "SENT", number) for number, one in enumerate(sent, 1)]
    by_id = {one["id"]: one for one in sent}
    happened = [of for what, of in world.happened if what == kind and of in by_id]
    return [_event(world, by_id[of], kind, number) for number, of in enumerate(happened, 1)]


def _event(world: World, one: dict[str, Any], kind: str, number: int) -> dict[str, Any]:
    """In the words of a webhook."""
    name, channel, campaign = TRIGGERS[one["trigger"]]
    person = world.contact(one["originalId"]) or {}
    at = datetime.fromtimestamp(one["at"] / 1000, UTC).isoformat(timespec="milliseconds")
    description, word = _WORDS[kind]
    return {
        "listId": LIST,
        "eventId": number,
        "contactId": one["originalId"],
        "carmaContactId": person.get("id"),
        "campaignId": campaign,
        "campaign": name,
        "projectId": PROJECT,
        "project": "Letters",
        "list": "Customers",
        "sentTimestamp": at,
        "timestamp": at,
        "description": description,
        "module": "TRIGGER",
        "channel": "SMS" if channel == 2 else "EMAIL",
        "messageType": word,
    }
