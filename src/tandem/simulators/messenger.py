"""The simulated messenger: Symplify's projects, triggers, lists, contacts, imports, previews and generation jobs."""

import base64
import re
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, unquote_plus

from tandem.kit.clock import Clock
from tandem.simulators.messenger_world import LIST, PROJECT, TRIGGERS, Batch, World
from tandem.simulators.server import Reply, Request, json_reply

MODES = ("all", "bounced", "unsubscribed")
Route = Callable[["Messenger", re.Match[str], Request], Any]
_ROUTES: list[tuple[str, re.Pattern[str], Route]] = []


class Unknown(Exception):
    """404."""


def _route(method: str, pattern: str) -> Callable[[Route], Route]:
    def keep(route: Route) -> Route:
        _ROUTES.append((method, re.compile(f"^{pattern}/?$"), route))
        return route

    return keep


class Messenger:
    """A messenger with one account, one list, one project."""

    def __init__(
        self,
        *,
        clock: Clock,
        customer_id: str = "5004",
        token: str = "simulator",
        user: str = "simulator",
        password: str = "simulator",
        contacts: int = 1000,
        seed: int = 1,
    ) -> None:
        self.world = World(clock=clock, contacts=contacts, seed=seed)
        self._customer, self._token = customer_id, token
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Reply:
        """Answer one call; errors are `{"error": ...}`."""
        refused = self._refused(request)
        if refused:
            return refused
        path = request.path.removeprefix(f"/rest/{self._customer}")
        try:
            with self._lock:
                return self._found(path, request)
        except (Unknown, KeyError):
            return _error(404, "There is no such thing.")
        except (ValueError, TypeError, AttributeError):
            return _error(400, "The request cannot be read.")

    def _found(self, path: str, request: Request) -> Reply:
        other_method = False
        for method, pattern, route in _ROUTES:
            match = pattern.match(path)
            if match and method == request.method:
                return json_reply(route(self, match, request))
            other_method = other_method or bool(match)
        return (
            _error(405, "Not by this method.") if other_method else _error(404, "There is no such address.")
        )

    def _refused(self, request: Request) -> Reply | None:
        if not request.path.startswith("/rest/"):
            return _error(404, "The API is below /rest.")
        token = request.headers.get("x-carma-authentication-token")
        right = (
            token == self._token if token is not None else request.headers.get("authorization") == self._basic
        )
        if not right:
            return Reply(
                status=401,
                body=b'{"error":"Unauthorized"}',
                headers={"WWW-Authenticate": 'Basic realm="rest"'},
            )
        if request.path.split("/")[2:3] != [self._customer]:
            return _error(403, "Not this account's.")
        return None

    def control(self, verb: str, fields: dict[str, Any]) -> Any:
        """`messages`, `jobs`, `change` (a contact: originalId and fields)."""
        with self._lock:
            if verb == "change":
                return self.world.change(str(fields["originalId"]), fields)
            return {"messages": self.world.messages, "jobs": list(self.world.jobs.values())}[verb]

    def known_list(self, number: str) -> None:
        """Raises Unknown."""
        if int(number) != LIST:
            raise Unknown

    def contact(self, text: str) -> dict[str, Any]:
        """A contact by its id in the path, a plus read as one and then as a space. Raises Unknown."""
        found = self.world.contact(unquote(text)) or self.world.contact(unquote_plus(text))
        if found is None:
            raise Unknown
        return found

    def batch(self, kind: str, total: int) -> int:
        """A new batch; it is done when it is asked for the second time."""
        number = 101_111 + len(self.world.batches)
        self.world.batches[number] = Batch(id=number, kind=kind, total=total)
        return number


@_route("GET", "/apiurl")
def _apiurl(half: Messenger, match: re.Match[str], request: Request) -> Any:
    base = f"http://{request.headers.get('host', '127.0.0.1')}"
    names = ("serverBaseUrl", "webserviceUrl", "swaggerUrl", "restUrl", "controllerUrl")
    paths = ("/", "/carmaws", "/mail/swagger", "/rest", "/mail")
    return {name: base + path for name, path in zip(names, paths, strict=True)}


@_route("GET", "/ping")
def _ping(half: Messenger, match: re.Match[str], request: Request) -> Any:
    return {"message": "pong"}


@_route("GET", r"/projects(?:/(?P<id>\d+))?")
def _projects(half: Messenger, match: re.Match[str], request: Request) -> Any:
    made = {
        "id": PROJECT,
        "name": "Letters",
        "description": "",
        "projectTypeId": 1,
        "dateCreated": 1_441_374_310_577,
        "dateModified": 1_441_374_310_577,
        "userCreated": "simulator",
        "userModified": "simulator",
    }
    if match["id"] and int(match["id"]) != PROJECT:
        raise Unknown
    return made if match["id"] else [made]


@_route("GET", "/triggers")
def _triggers(half: Messenger, match: re.Match[str], request: Request) -> Any:
    project = request.query.get("projectId")
    if project and project != str(PROJECT):
        return []
    return [half.world.trigger(number, versions=request.query.get("basic") != "true") for number in TRIGGERS]


@_route("GET", r"/triggers/(?P<id>\d+)")
def _trigger(half: Messenger, match: re.Match[str], request: Request) -> Any:
    return half.world.trigger(int(match["id"]))


@_route("GET", r"/triggers/(?P<id>\d+)/campaigns")
def _versions(half: Messenger, match: re.Match[str], request: Request) -> Any:
    return half.world.versions(int(match["id"]))


@_route("GET", r"/triggers/(?P<id>\d+)/campaigns/(?P<campaign>\d+)/preview")
def _preview(half: Messenger, match: re.Match[str], request: Request) -> Any:
    name, channel, active = TRIGGERS[int(match["id"])]
    person = half.world.contact(request.query.get("originalId", ""))
    if person is None or active != int(match["campaign"]):
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


@_route("POST", r"/triggers/(?P<id>\d+)/messages")
def _send(half: Messenger, match: re.Match[str], request: Request) -> Any:
    number, fields = int(match["id"]), request.json()
    if number not in TRIGGERS or half.world.contact(str(fields["originalId"])) is None:
        raise Unknown
    half.world.messages.append({"trigger": number, **fields})
    return {"message": f"Message {len(half.world.messages)} is on its way."}


@_route("GET", "/lists")
def _lists(half: Messenger, match: re.Match[str], request: Request) -> Any:
    return [] if request.query.get("typeId") == "2" else [_list(half)]


@_route("GET", r"/lists/(?P<id>\d+)")
def _one_list(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    return _list(half)


def _list(half: Messenger) -> dict[str, Any]:
    return {
        "id": LIST,
        "listTypeId": 1,
        "name": "Customers",
        "description": "",
        "contacts": half.world.count(),
    }


@_route("GET", r"/lists/(?P<id>\d+)/contacts/(?P<mode>all|bounced|unsubscribed)")
def _contacts(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    last, size = max(int(request.query.get("lastId", -1)), 0), int(request.query.get("pageSize", 1000))
    flag = match["mode"]
    found: list[dict[str, Any]] = []
    while len(found) < size:
        page = half.world.after(last, size)
        if not page:
            break
        last = page[-1]["id"]
        found += [one for one in page if flag == "all" or one[flag]]
    return found[:size]


@_route("GET", r"/lists/(?P<id>\d+)/contacts/(?P<contact>[^/]+)")
def _contact(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    return half.contact(match["contact"])


@_route("GET", r"/lists/(?P<id>\d+)/contacts/(?P<contact>[^/]+)/subscriptionstatus")
def _status(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    person = half.contact(match["contact"])
    words = ("SUBSCRIBED", "UNSUBSCRIBED")
    return {"status": words[person["unsubscribed"]], "mobileStatus": words[person["mobileUnsubscribed"]]}


@_route("GET", r"/lists/(?P<id>\d+)/contacts/(?P<contact>[^/]+)/bouncestatus")
def _bounce(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    return {"status": "HARD" if half.contact(match["contact"])["bounced"] else "NONE"}


@_route("PUT", r"/lists/(?P<id>\d+)/contacts/(?P<contact>[^/]+)/update")
def _update(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    if request.query.get("force") != "true":
        half.contact(match["contact"])
    return half.world.change(unquote(match["contact"]), request.json())


@_route("POST", r"/lists/(?P<id>\d+)/contacts")
def _create(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    fields = request.json()
    if str(fields["originalId"]) in MODES:
        raise ValueError
    return half.world.change(str(fields["originalId"]), fields)


@_route("GET", "/properties")
def _properties(half: Messenger, match: re.Match[str], request: Request) -> Any:
    names = ("originalId", "emailAddress", "mobileNumber", "firstName", "lastName", "country", "city")
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
        for number, name in enumerate(names, 1)
    ]


@_route("POST", r"/lists/(?P<id>\d+)/imports")
def _import(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    fields = request.json()
    chr(int(fields["delimiter"]))
    if fields["type"] not in ("ADD", "REPLACE", "UNSUBSCRIBE"):
        raise ValueError
    made = str(uuid.uuid4())
    half.world.imports[made] = fields
    return {"id": made}


@_route("POST", r"/lists/(?P<id>\d+)/recipients/(?P<import>[^/]+)")
def _recipients(half: Messenger, match: re.Match[str], request: Request) -> Any:
    half.known_list(match["id"])
    fields = half.world.imports.pop(match["import"])
    delimiter = chr(int(fields["delimiter"]))
    lines = [line.split(delimiter) for line in request.body.decode().splitlines() if line]
    return {"batchId": half.batch("LIST_IMPORT", half.world.take(lines))}


@_route("GET", r"/batches/(?P<id>\d+)")
def _batch(half: Messenger, match: re.Match[str], request: Request) -> Any:
    one = half.world.batches[int(match["id"])]
    one.asked += 1
    done, now = one.asked > 1, half.world.now()
    return {
        "id": one.id,
        "type": one.kind,
        "customerId": int(half._customer),
        "startTime": now,
        "endTime": now if done else 0,
        "affected": one.total if done else 0,
        "processed": one.total if done else 0,
        "total": one.total,
        "status": "FINISHED" if done else "IN_PROGRESS",
    }


@_route("POST", "/jobs/generation/fixed")
def _job(half: Messenger, match: re.Match[str], request: Request) -> Any:
    fields = request.json()
    if fields["type"] not in ("TRIGGER", "CAMPAIGN"):
        raise ValueError
    campaign = TRIGGERS[int(fields["id"])][2] if fields["type"] == "TRIGGER" else int(fields["id"])
    number = 7202 + len(half.world.jobs)
    half.world.jobs[number] = {
        "id": number,
        "campaignId": campaign,
        "listId": int(fields.get("listId", LIST)),
        "contentUploaded": False,
        "feedback": [_said(half, "WAITING_FOR_CONTENT")],
    }
    return half.world.jobs[number]


@_route("POST", r"/jobs/generation/fixed/(?P<id>\d+)/recipients/automapping")
def _content(half: Messenger, match: re.Match[str], request: Request) -> Any:
    job = half.world.jobs[int(match["id"])]
    if job["contentUploaded"]:
        raise ValueError
    taken = half.world.take([line.split("\t") for line in request.body.decode().splitlines() if line])
    words = ("CONTENT_UPLOADED", "GENERATION_STARTED", f"DONE {taken}")
    job["feedback"] += [_said(half, word) for word in words]
    job["contentUploaded"] = True
    return job


@_route("GET", r"/jobs/generation/fixed/(?P<id>\d+)")
def _one_job(half: Messenger, match: re.Match[str], request: Request) -> Any:
    return half.world.jobs[int(match["id"])]


def _said(half: Messenger, words: str) -> dict[str, Any]:
    return {"feedback": words, "severity": "SEVERITY_INFO", "timestamp": half.world.now()}


def _error(status: int, words: str) -> Reply:
    return json_reply({"error": words}, status)
