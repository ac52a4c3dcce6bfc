"""The simulated planner: signs clients in, reads their requests as the contract has them, answers, posts events."""

import logging
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from tandem.contract import planner_api as wire
from tandem.contract.planner_functions import BY_PATH, WireFunction
from tandem.contract.reading import ContractBroken, folded, optional_number, whole_number
from tandem.contract.shapes import Form
from tandem.simulators.deviations import CAP, Deviant
from tandem.simulators.planner_answers import READS
from tandem.simulators.planner_ask import Ask, Unknown
from tandem.simulators.planner_world import World
from tandem.simulators.planner_writes import WRITES
from tandem.simulators.server import Reply, Request, json_reply

log = logging.getLogger("tandem.simulator")
_PATH = re.compile(r"^/(?:(?P<version>v\d+\.\d+|current)/)?(?P<path>[a-z]+/[a-z]+)/?$", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"^/customers/(?P<customer>[^/]+)/attributes/?$", re.IGNORECASE)
_SPELLINGS = {
    "general/getregisteredeventlistener": "general/getregisteredeventlisteners",
    "integrations/getchanneltemplatesdetails": "integrations/getchanneltemplatedetails",
}
_IDS = re.compile(r"(id|number)$", re.IGNORECASE)


class Planner:
    """A planner with one account. token_life: seconds from a token's last use."""

    def __init__(
        self,
        world: World,
        *,
        user: str = "simulator",
        password: str = "simulator",
        api_key: str = "simulator",
        deviations: tuple[str, ...] = (),
        token_life: float = 1200,
    ) -> None:
        self.world, self._deviant = world, Deviant(deviations)
        self._login = (user, password)
        self._key, self._life = api_key, timedelta(seconds=token_life)
        self._tokens: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Reply:
        """Answer one call, as the contract has it and the chosen deviations change it."""
        try:
            with self._lock:
                return self._answer(request)
        except ContractBroken as error:
            return json_reply(str(error) or "Bad Request", 400)
        except ValueError:
            return json_reply("Bad Request", 400)
        except Unknown:
            wrong = self._deviant.has("error-200")
            return json_reply({"Error": "unknown"}) if wrong else json_reply("Not Found", 404)

    def _answer(self, request: Request) -> Reply:
        attributes = _ATTRIBUTES.match(request.path)
        match = _PATH.match(request.path)
        if attributes:
            return self._refused(request) or self._attributes_of(attributes["customer"])
        path = match["path"].lower() if match else ""
        function = BY_PATH.get(_SPELLINGS.get(path, path))
        version = (match["version"] or "").lower() if match else ""
        if function is None or not self._deviant.version_is_known(version) or self._hidden(function):
            return json_reply("Not Found", 404)
        if function.name == "login":
            return self._sign_in(request)
        return self._refused(request) or self._called(function, version, request)

    def _called(self, function: WireFunction, version: str, request: Request) -> Reply:
        if request.method != function.method:
            return json_reply("Method Not Allowed", 405, Allow=function.method)
        query = {key.lower(): value for key, value in request.query.items()}
        current = not version.startswith("v") or self._deviant.has("version")
        ask = Ask(world=self.world, values=_values(function, query), current=current)
        path = function.path.lower()
        if function.changes:
            WRITES[path](self.world, ask, request.json())
            self.world.written.append({"function": function.path, "body": request.json()})
            return Reply(status=204 if self._deviant.has("write-204") else 200)
        found = READS[path](ask)
        if function.answer.form is Form.ARRAY:
            return self._page(function, found, query, ask)
        return json_reply(self._deviant.answer(path, found))

    def _page(self, function: WireFunction, found: Any, query: Mapping[str, str], ask: Ask) -> Reply:
        top_name, skip_name = self._deviant.paging()
        most = wire.DETAILS_PAGE if function.name == "GetCustomerExecutionDetailsByCampaign" else wire.PAGE
        top, skip = _count(query.get(top_name), most), _count(query.get(skip_name), 0)
        if self._deviant.has("page-cap") and top_name in query and top > CAP:
            return json_reply(f"Invalid {top_name}: at most {CAP}", 400)
        most = CAP if self._deviant.has("page-cap") else most
        rows = list(found[skip : skip + min(top, most)])
        if not rows and self._deviant.has("empty-404"):
            return json_reply("No data", 404)
        self._add_attributes(rows, query, ask)
        return json_reply(self._deviant.answer(function.path.lower(), rows))

    def _add_attributes(self, rows: list[dict[str, Any]], query: Mapping[str, str], ask: Ask) -> None:
        asked = query.get("customerattributes") or query.get("customerattribute") or ""
        names = [name for name in re.split("[;,]", asked) if name.strip()]
        for row in rows if names else []:
            values = [self.world.attribute(row["CustomerID"], name) for name in names]
            if ask.current:
                row["CustomerAttributes"] = values
            else:
                delimiter = query.get("customerattributesdelimiter") or ","
                row["CustomerAttribute"] = delimiter.join(value or "" for value in values)

    def _hidden(self, function: WireFunction) -> bool:
        return function.name == "GetRegisteredEventListeners" and self._deviant.has("no-listener-list")

    def _sign_in(self, request: Request) -> Reply:
        found: Any = request.json() if request.method == "POST" else dict(request.query)
        fields = folded(found, "body")
        given = (str(fields.get("username", "")), str(fields.get("password", "")))
        if not all(given):
            return json_reply("Bad Request", 400)
        if given != self._login:
            return json_reply("Unauthorized", 401)
        token = str(uuid.uuid4())
        self._tokens[token] = self.world.clock.system()
        return json_reply(self._deviant.login(token))

    def _refused(self, request: Request) -> Reply | None:
        key = request.headers.get(wire.KEY_HEADER.lower())
        if key:
            return None if key == self._key else json_reply("Unauthorized", 401)
        token, now = self._deviant.token_of(request.headers), self.world.clock.system()
        if token not in self._tokens:
            return json_reply("Unauthorized", 401)
        if now - self._tokens[token] > self._life:
            return Reply(status=403, body=wire.EXPIRED.encode(), kind="text/plain")
        self._tokens[token] = now
        return None

    def _attributes_of(self, customer: str) -> Reply:
        if self.world.number(customer) is None:
            raise Unknown
        kinds = {"Age": "Bigint"}
        return json_reply(
            [
                {
                    "RealFieldName": name.upper(),
                    "Alias": name,
                    "FieldType": kinds.get(name, "Varchar"),
                    "Value": self.world.attribute(customer, name),
                }
                for name in ("Alias", "Country", "Age")
            ]
        )

    def control(self, verb: str, fields: dict[str, Any]) -> Any:
        """`execute`, `cancel`, `event`, `metrics`, `written`, `campaigns`, `listeners`, `events`, `expire`."""
        with self._lock:
            return getattr(self, {name: f"_do_{name}" for name in _VERBS}[verb])(fields)

    def _do_execute(self, fields: dict[str, Any]) -> Any:
        allowed = {"channel", "template", "customers", "group", "action", "promo", "duration", "conditional"}
        more = {key: value for key, value in fields.items() if key in allowed and key != "channel"}
        channel = int(fields.get("channel", next(iter(self.world.channels))))
        at = self.world.now() + timedelta(seconds=float(fields.get("lead_seconds", 0)))
        one = self.world.add_campaign(channel=channel, at=at, **more)
        if one.conditional:
            limit = (one.at + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
            self._post({"EventTypeID": 5, "CampaignID": one.id, "ClearanceRequiredBy": limit})
        else:
            self._post({"EventTypeID": 1, "CampaignID": one.id}, channel=channel)
            self._post({"EventTypeID": 13, "CampaignID": one.id, "ChannelID": channel}, channel=channel)
        return {"CampaignID": one.id, "TestGroupSize": one.targeted}

    def _do_cancel(self, fields: dict[str, Any]) -> Any:
        """A campaign as a whole, or only the `customers` named."""
        one, now = self.world.campaigns[int(fields["campaign"])], self.world.now()
        if fields.get("customers"):
            self.world.taken_off[one.id] = (now, tuple(map(str, fields["customers"])))
        else:
            self.world.cancelled[one.id] = now
        self._post({"EventTypeID": 4, "CampaignID": one.id}, channel=one.channel)
        return {"cancelled": int(fields["campaign"])}

    def _do_event(self, fields: dict[str, Any]) -> Any:
        self._post(dict(fields), channel=fields.get("ChannelID"))
        return {"posted": fields}

    def _do_metrics(self, fields: dict[str, Any]) -> Any:
        names = ("ChannelID", "CampaignID", "TemplateID", "MetricID")
        return [
            dict(zip(names, key, strict=True)) | {"MetricValue": v} for key, v in self.world.metrics.items()
        ]

    def _do_written(self, fields: dict[str, Any]) -> Any:
        return self.world.written

    def _do_campaigns(self, fields: dict[str, Any]) -> Any:
        return [
            {"CampaignID": one.id, "Date": one.day.isoformat(), "ChannelID": one.channel}
            for one in self.world.campaigns.values()
        ]

    def _do_listeners(self, fields: dict[str, Any]) -> Any:
        return [
            {"EventTypeID": k, "ChannelID": c, "ListenerURL": u} for (k, c), u in self.world.listeners.items()
        ]

    def _do_events(self, fields: dict[str, Any]) -> Any:
        return self.events

    def _do_expire(self, fields: dict[str, Any]) -> Any:
        """Every token is too old from now on."""
        long_ago = self.world.clock.system() - self._life - timedelta(seconds=1)
        self._tokens = dict.fromkeys(self._tokens, long_ago)
        return {"expired": len(self._tokens)}

    def _post(self, body: dict[str, Any], *, channel: int | None = None) -> None:
        kind = whole_number(body["EventTypeID"], "EventTypeID")
        body = {"EventTypeID": kind, "TimeStamp": self.world.now().strftime("%Y-%m-%d %H:%M:%S")} | body
        urls = {self.world.listeners.get((kind, one)) for one in (None, channel)} - {None}
        for url in urls:
            threading.Thread(target=self._deliver, args=(str(url), body), daemon=True).start()

    def _deliver(self, url: str, body: dict[str, Any]) -> None:
        from tandem.kit.http import Http
        from tandem.kit.problems import Problem

        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        local = {"localhost": "127.0.0.1"}.get(parts.hostname or "", parts.hostname or "")
        http = Http(allow_private=(f"{local}:{port}",) if local.startswith("127.") else ())
        try:
            answer = http.request(
                "POST", url, headers={"Content-Type": "application/json"}, content=orjson.dumps(body)
            )
            said: str | int = answer.status
        except Problem as problem:
            said = problem.title
        finally:
            http.close()
        self.events.append({"body": body, "answer": said})


_VERBS = ("execute", "cancel", "event", "metrics", "written", "campaigns", "listeners", "events", "expire")


def _values(function: WireFunction, query: Mapping[str, str]) -> dict[str, Any]:
    """The function's parameters, checked; both spellings of the changed attribute. Raises ContractBroken."""
    if "changedcustomerattributes" in query:
        query = {"changedcustomerattribute": query["changedcustomerattributes"], **query}
    for name in function.required:
        if not query.get(name.lower(), "").strip():
            raise ContractBroken(f"Missing {name}")
    return {key: _value(key, text) for key, text in query.items()}


def _value(key: str, text: str) -> Any:
    try:
        if key in ("date", "startdate", "enddate"):
            return wire.read_date(text)
        if _IDS.search(key) and key not in ("customerid", "includerecipientgroupid", "includetemplateids"):
            return optional_number(text.strip(), key)
    except ContractBroken as error:
        raise ContractBroken(f"Invalid {key}") from error
    return text


def _count(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else default
