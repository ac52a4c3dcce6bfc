"""The simulated messenger's account, projects and triggers."""

from typing import Any

from tandem.simulators.messenger_routes import Call, NotOffered, Unknown, route
from tandem.simulators.messenger_world import BORN, PROJECT, TRIGGERS


@route("GET", "apiurl")
def _apiurl(call: Call) -> Any:
    names = ("serverBaseUrl", "webserviceUrl", "swaggerUrl", "restUrl", "controllerUrl")
    paths = ("/", "/carmaws", "/mail/swagger", "/rest", "/mail")
    return {name: call.host + path for name, path in zip(names, paths, strict=True)}


@route("GET", "ping")
def _ping(call: Call) -> Any:
    return {"message": "pong"}


def _project_dto() -> dict[str, Any]:
    stamps = {
        "dateCreated": BORN,
        "dateModified": BORN,
        "userCreated": "simulator",
        "userModified": "simulator",
    }
    return {"id": PROJECT, "name": "Letters", "description": "", "projectTypeId": 1, **stamps}


@route("GET", "projects")
def _projects(call: Call) -> Any:
    return [_project_dto()]


@route("GET", "projects/{projectId}")
def _project(call: Call) -> Any:
    if call.number("projectId") != PROJECT:
        raise Unknown
    return _project_dto()


@route("GET", "triggers")
def _triggers(call: Call) -> Any:
    project = call.asked("projectId")
    if project and project != str(PROJECT):
        return []
    return [call.world.trigger(number, versions=call.asked("basic") != "true") for number in TRIGGERS]


@route("GET", "triggers/{triggerId}")
def _trigger(call: Call) -> Any:
    return call.world.trigger(call.number("triggerId"))


@route("GET", "triggers/{triggerId}/campaigns")
def _versions(call: Call) -> Any:
    return call.world.versions(call.number("triggerId"))


@route("GET", "triggers/{triggerId}/links")
def _links(call: Call) -> Any:
    number = call.number("triggerId")
    found = {"id": number * 10, "name": "Shop", "linkTarget": "https://shop.example/", "tags": ["offer"]}
    return [found] if TRIGGERS[number][2] else []


@route("GET", "triggers/{triggerId}/tags")
def _tags(call: Call) -> Any:
    number = call.number("triggerId")
    return [{"blockLinkId": number * 10, "tag": "offer"}] if TRIGGERS[number][2] else []


@route("GET", "triggers/{triggerId}/campaigns/{campaignId}/preview")
def _preview(call: Call) -> Any:
    name, channel, active = TRIGGERS[call.number("triggerId")]
    person = call.world.contact(call.asked("originalId"))
    if person is None or active != call.number("campaignId"):
        raise Unknown
    text = f"Hello {person['firstName']}, this is {name}."
    sms = {"text": text, "encoding": "GSM-7", "parts": 1} if channel == 2 else None
    return {
        "subject": name,
        "from": "Shop <news@shop.example>",
        "html": "" if sms else f"<html><body><p>{text}</p></body></html>",
        "text": text,
        "sms": sms,
        "missing": [] if person["firstName"] else ["firstName"],
    }


@route("POST", "batchtrigger/v2")
def _batch_trigger(call: Call) -> Any:
    raise NotOffered


@route("POST", "journeys/{journeyId}/commence")
def _journey(call: Call) -> Any:
    raise NotOffered
