"""A call at the simulated planner: its parameters, the campaign it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem.simulators.planner_world import Campaign, World

TIME = "%Y-%m-%d %H:%M:%S"


class Unknown(Exception):
    """404: there is no such thing."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A call's parameters, by lower-case name, checked: ids are numbers, days are dates."""

    world: World
    values: Mapping[str, Any]
    current: bool = True

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name.lower())

    @property
    def campaign(self) -> Campaign:
        """The campaign asked for. Raises Unknown."""
        found = self.world.campaigns.get(self["CampaignID"])
        if found is None:
            raise Unknown
        return found

    @property
    def of_channel(self) -> bool:
        """Whether the campaign is on the channel asked for, if one was."""
        return self["ChannelID"] in (None, 0, self.campaign.channel)


def details(one: Campaign, *, current: bool) -> dict[str, Any]:
    """A campaign as GetCampaignDetails has it."""
    found = {
        "TargetGroupID": one.group,
        "CampaignType": "Test/Control",
        "Duration": one.duration,
        "LeadTime": 0,
        "Notes": "",
        "IsMultiChannel": False,
        "IsRecurrence": False,
        "Status": "Successful",
        "Error": "",
    }
    more = {
        "Tags": ["simulated"],
        "Channels": [{"Id": one.channel}],
        "TestGroupSize": one.targeted,
        "ControlGroupSize": one.control,
    }
    return found | more if current else found
