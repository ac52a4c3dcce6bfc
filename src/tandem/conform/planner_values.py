"""What a foreign planner is asked with: ids and names it told itself."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tandem.conform.talk import Talk
from tandem.contract.planner_functions import BY_PATH, WireFunction

ASKED_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%m/%d/%Y")
#: what is told -> which parameters it gives
_TELLS = {
    "GetCampaignDetails": ("TargetGroupID",),
    "GetExecutedCampaignChannelDetails": ("TemplateID",),
    "GetCustomerExecutionDetailsByCampaign": ("CustomerID", "ActionID"),
    "GetAllActions": ("ActionName",),
    "GetTargetGroupDetails": ("TargetGroupName", "TargetGroupID"),
    "GetValueSegments": ("ValueSegmentName", "ValueSegmentID"),
    "GetLifecycleStageList": ("LifecycleStageID",),
    "GetCustomerAttributeList": ("ChangedCustomerAttribute",),
}
_UNDER = {"LifecycleStageID": "StageID", "ChangedCustomerAttribute": "RealFieldName"}


class Values:
    """Values for parameters, learnt on the way. days: how far back campaigns are looked for."""

    def __init__(self, talk: Talk, *, channel: int, campaign: int, days: int, now: datetime) -> None:
        self._talk, self._days, self._today = talk, days, now.date()
        self._given = {"ChannelID": channel, "CampaignID": campaign}
        self.channels: list[int] = [channel] if channel else []
        self.day: date = self._today
        self.found: dict[str, Any] = {"RecipientGroupID": 1, "EventID": 2}
        self.found |= {key: value for key, value in self._given.items() if value}

    def query(self, function: WireFunction) -> dict[str, Any] | str:
        """The parameters; or, as a sentence, why they are not known."""
        values = self._all()
        missing = [name for name in function.required if name not in values]
        if missing:
            return f"no {' and '.join(missing)} is known"
        return {
            name.rstrip("?"): values[name.rstrip("?")] for name in function.asks if name.rstrip("?") in values
        }

    def _all(self) -> Mapping[str, Any]:
        start = self._today - timedelta(days=max(self._days, 1))
        days = {"Date": self.day, "StartDate": start, "EndDate": self._today}
        flags = {
            "IncludeControlGroup": "True",
            "IncludeRecipientGroupID": "True",
            "IncludeTemplateIDs": "True",
        }
        return {key: self._talk.profile.day(day) for key, day in days.items()} | flags | self.found

    def learn(self, function: WireFunction, document: Any) -> None:
        """Keep what the answer tells."""
        row = document[0] if isinstance(document, list) and document else document
        if not isinstance(row, dict):
            return
        there = {str(key).lower(): value for key, value in row.items()}
        if function.name == "GetExecutionChannels":
            self.channels = self.channels or _numbers(document, "channelid")
        for name in _TELLS.get(function.name, ()):
            value = there.get(_UNDER.get(name, name).lower())
            if value not in (None, ""):
                self.found.setdefault(name, value)

    def find_campaign(self) -> None:
        """A day, channel and campaign that was executed, newest first; nothing if there is none."""
        if self._given["CampaignID"] and self._given["ChannelID"]:
            return
        for back in range(self._days + 1):
            for channel in self.channels[:6]:
                self.day = self._today - timedelta(days=back)
                campaigns = self._executed(channel)
                if campaigns:
                    self.found |= {
                        "ChannelID": channel,
                        "CampaignID": self.found.get("CampaignID") or campaigns[0],
                    }
                    return
        self.day = self._today
        if self.channels:
            self.found.setdefault("ChannelID", self.channels[0])

    def _executed(self, channel: int) -> list[int]:
        function = BY_PATH["actions/getexecutedcampaignsbychannel"]
        for form in ASKED_DATES:
            asked = {"ChannelID": channel, "Date": self.day.strftime(self._talk.profile.asked_date or form)}
            seen = self._talk.ask("GET", function.path, asked)
            if seen.status == 400 and not self._talk.profile.asked_date:
                continue
            if form != ASKED_DATES[0] and seen.status == 200 and not self._talk.profile.asked_date:
                self._talk.learn(asked_date=form)
            return _numbers(_list_in(self._talk.profile.mended(seen.raw)), "campaignid")
        return []


def _list_in(document: Any) -> Any:
    """The list itself, or the only one inside an object."""
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        return lists[0] if len(lists) == 1 else []
    return document


def _numbers(document: Any, key: str) -> list[int]:
    if not isinstance(document, list):
        return []
    found = [
        value
        for row in document
        if isinstance(row, dict)
        for name, value in row.items()
        if str(name).lower() == key
    ]
    return [int(value) for value in found if str(value).isdigit()]
