"""The writes of a conformance run: only what is taken back, or changes nothing."""

from typing import Any

from tandem.conform.findings import Finding, Mend, Note, Verdict
from tandem.conform.planner_values import Values
from tandem.conform.talk import Seen, Talk
from tandem.contract.planner_functions import WireFunction

MARK = "TANDEM-CONFORM"
TEMPLATE = 999_999_937
UNUSED_EVENT = 2
_PROMOTION = [{"PromoCode": MARK, "PromotionName": "Tandem conformance, to be deleted"}]
_NEVER = "it would change customers"


class Writes:
    """Tries one write. Listeners: only where none would be replaced."""

    def __init__(self, talk: Talk, values: Values) -> None:
        self._talk, self._values = talk, values
        self._taken = False

    def try_one(self, function: WireFunction) -> Finding:
        """Write and judge the answer."""
        asked = self._prepared(function)
        if isinstance(asked, str):
            return Finding(name=function.path, verdict=Verdict.NOT_TRIED, why=asked)
        query, body = asked
        return self._judged(function, self._talk.ask(function.method, function.path, query, body))

    def _prepared(self, function: WireFunction) -> tuple[dict[str, Any], Any] | str:
        channel = self._values.found.get("ChannelID")
        if function.name in ("AddPromotions", "DeletePromotions"):
            return {}, _PROMOTION
        if function.name in ("RegisterEventListener", "UnregisterEventListener"):
            return self._listener(function)
        if channel is None:
            return "no ChannelID is known"
        bodies = {
            "AddChannelTemplates": [{"TemplateID": TEMPLATE, "TemplateName": MARK}],
            "DeleteChannelTemplates": [{"ChannelID": channel, "TemplateID": TEMPLATE}],
            "AddChannelApps": [{"AppID": TEMPLATE, "AppName": MARK}],
            "DeleteChannelApps": [{"ChannelID": channel, "AppID": TEMPLATE}],
            "UpdateCampaignMetrics": self._metric(channel),
        }
        body = bodies.get(function.name)
        if body is None:
            return _NEVER
        return ({"ChannelID": channel} if "ChannelID" in function.asks else {}), body

    def _metric(self, channel: int) -> list[dict[str, int]] | None:
        """Nothing sent: adds 0."""
        found = self._values.found
        if "CampaignID" not in found or "TemplateID" not in found:
            return None
        ids = {"CampaignID": int(found["CampaignID"]), "TemplateID": int(found["TemplateID"])}
        return [{"ChannelID": channel, **ids, "MetricID": 0, "MetricValue": 0}]

    def _listener(self, function: WireFunction) -> tuple[dict[str, Any], Any] | str:
        seen = self._talk.ask("GET", "general/GetRegisteredEventListeners")
        rows = self._talk.profile.mended(seen.raw) if seen.status == 200 else None
        if not isinstance(rows, list):
            return "it cannot be seen whose listener would be replaced"
        kinds = {
            str(value)
            for row in rows
            if isinstance(row, dict)
            for key, value in row.items()
            if str(key).lower() == "eventtypeid"
        }
        registers = function.name == "RegisterEventListener"
        if registers and str(UNUSED_EVENT) in kinds:
            self._taken = True
            return f"a listener of event {UNUSED_EVENT} would be replaced"
        if not registers and self._taken:
            return f"a listener of event {UNUSED_EVENT} would be taken away"
        url = {"ListenerURL": "https://listener.invalid/tandem-conform"} if registers else {}
        return {}, {"EventTypeID": UNUSED_EVENT, **url}

    def _judged(self, function: WireFunction, seen: Seen) -> Finding:
        if seen.status in (401, 403):
            return Finding(name=function.path, verdict=Verdict.NOT_PERMITTED, why=f"{seen.status}")
        if seen.status == 200:
            return Finding(name=function.path, verdict=Verdict.AGREES)
        if 200 < seen.status < 300:
            written = tuple(sorted({*self._talk.profile.written, seen.status}))
            self._talk.learn(written=written)
            note = Note(path="status", expected="200", seen=f"{seen.status}", mend=Mend.PROFILE)
        else:
            note = Note(path="status", expected="200", seen=seen.trouble or f"{seen.status}", mend=Mend.NONE)
        return Finding(name=function.path, verdict=Verdict.DIFFERS, notes=(note,))
