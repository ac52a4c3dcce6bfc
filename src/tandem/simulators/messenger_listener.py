"""The simulated messenger as the planner's listener: it registers, hears of campaigns, fetches, keeps, reports."""

import threading
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import orjson

from tandem.contract.events import CampaignEvent, EventType, parse
from tandem.contract.planner_api import CONTROL_ACTION, TOKEN_HEADER
from tandem.kit.problems import Problem
from tandem.simulators.messenger_world import TRIGGERS, World

Lock = AbstractContextManager[bool]
PATH = "/_listener"
PAGE = 1000
TRIES = 5
_SENT, _DROPPED = 0, 5


class Listener:
    """At one planner, for some of its channels. heard: what became of each campaign, as `/_simulator/heard` tells."""

    def __init__(
        self, world: World, *, planner: str, user: str, password: str, channels: list[int], lock: Lock
    ) -> None:
        from tandem.kit.http import DEFAULT_PORTS, Http  # late: most who simulate do not call anyone

        self._world, self._base, self._lock = world, planner.rstrip("/"), lock
        self._login = {"Username": user, "Password": password}
        self._channels, self._token = channels, ""
        parts = urlsplit(self._base)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        local = {"localhost": "127.0.0.1"}.get(parts.hostname or "", parts.hostname or "")
        private = (f"{local}:{port}",) if local.startswith("127.") else ()
        self._http = Http(
            allow_private=private, ports=DEFAULT_PORTS | {port}, timeout=30, limit=64 * 1024 * 1024
        )
        self.heard: dict[tuple[int, int], dict[str, Any]] = {}

    def register(self, own: str) -> None:
        """Have event 13 of each channel posted here. ValueError if the planner does not take it."""
        for channel in self._channels:
            body = {
                "EventTypeID": int(EventType.CHANNEL_EXECUTED),
                "ListenerURL": own + PATH,
                "ChannelID": channel,
            }
            self._call("POST", "general/RegisterEventListener", body=body)

    def hear(self, body: bytes) -> None:
        """Take an event; its list is fetched in a thread of its own, once. ContractBroken if it is none."""
        event = parse(body)
        if event.event_type != EventType.CHANNEL_EXECUTED or event.campaign_id is None:
            return
        key = (event.campaign_id, event.channel_id or 0)
        with self._lock:
            if key in self.heard:
                self.heard[key]["times"] += 1
                return
            self.heard[key] = {
                "campaign": key[0],
                "channel": key[1],
                "times": 1,
                "state": "heard",
                "tries": 0,
            }
        threading.Thread(target=self._take, args=(event, self.heard[key]), daemon=True).start()

    def _take(self, event: CampaignEvent, note: dict[str, Any]) -> None:
        while note["tries"] < TRIES:
            note["tries"] += 1
            try:
                rows = self._fetched(event)
            except (Problem, ValueError, KeyError, TypeError) as error:
                note |= {"state": "failed", "problem": str(error)[:300]}
                continue
            note |= {"state": "kept", "rows": len(rows)}
            note.pop("problem", None)
            with self._lock:
                counts = self._keep(event, rows)
            try:
                self._report(event, counts)
                note["state"] = "reported"
            except (Problem, ValueError) as error:  # not again: the planner adds what it is told
                note["problem"] = str(error)[:300]
            return

    def _fetched(self, event: CampaignEvent) -> list[dict[str, Any]]:
        asked = {"CampaignID": event.campaign_id, "ChannelID": event.channel_id}
        details = self._call("GET", "actions/GetCampaignDetails", {"CampaignID": event.campaign_id})
        rows: list[dict[str, Any]] = []
        while True:
            page = {**asked, "$top": PAGE, "$skip": len(rows)}
            found = self._call("GET", "customers/GetCustomerExecutionDetailsByCampaign", page)
            if not found:
                break
            rows += found
        sent = [row for row in rows if row["ActionID"] != CONTROL_ACTION]
        if len(sent) != details["TestGroupSize"] or len({row["CustomerID"] for row in sent}) != len(sent):
            raise ValueError(f"{len(sent)} rows were read of {details['TestGroupSize']}.")
        return sent

    def _keep(self, event: CampaignEvent, rows: list[dict[str, Any]]) -> dict[tuple[int, int], int]:
        """What would be sent; how many of each (template, metric)."""
        counts: dict[tuple[int, int], int] = {}
        for row in rows:
            trigger = int(row["TemplateID"])
            known = trigger in TRIGGERS and self._world.contact(row["CustomerID"]) is not None
            fields = {"campaign": event.campaign_id, "channel": event.channel_id, "due": row["ScheduledTime"]}
            kept = known and self._world.keep_message(trigger, row["CustomerID"], fields)
            metric = _SENT if kept and not kept["suppressed"] else _DROPPED
            counts[trigger, metric] = counts.get((trigger, metric), 0) + 1
        return counts

    def _report(self, event: CampaignEvent, counts: dict[tuple[int, int], int]) -> None:
        ids = {"ChannelID": event.channel_id, "CampaignID": event.campaign_id}
        body = [
            {**ids, "TemplateID": template, "MetricID": metric, "MetricValue": count}
            for (template, metric), count in counts.items()
        ]
        self._call("POST", "integrations/UpdateCampaignMetrics", body=body)

    def _call(self, method: str, function: str, query: dict[str, Any] | None = None, body: Any = None) -> Any:
        """Sign in where needed, call, once more with a new token where the old one is refused."""
        if not self._token:
            self._sign_in()
        answer = self._send(method, function, query, body)
        if answer.status in (401, 403):
            self._sign_in()
            answer = self._send(method, function, query, body)
        if answer.status != 200:
            raise ValueError(f"{function} answers {answer.status}: {answer.text[:200]}")
        return orjson.loads(answer.body) if answer.body.strip() else None

    def _sign_in(self) -> None:
        self._token = ""
        answer = self._send("POST", "general/login", None, self._login)
        if answer.status != 200:
            raise ValueError(f"The planner refuses the login: {answer.status}.")
        self._token = str(orjson.loads(answer.body))

    def _send(self, method: str, function: str, query: dict[str, Any] | None, body: Any) -> Any:
        headers = {"Content-Type": "application/json", **({TOKEN_HEADER: self._token} if self._token else {})}
        return self._http.request(
            method, f"{self._base}/current/{function}", headers=headers,
            content=None if body is None else orjson.dumps(body),
            params={key: str(value) for key, value in (query or {}).items()} or None,
        )  # fmt: skip
