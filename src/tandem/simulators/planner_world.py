"""What the simulated planner knows: made from a seed, the same every time; lists of any length cost no memory."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tandem.kit.clock import Clock

STAGES = {1: "New", 2: "Active", 3: "FromChurn", 4: "Churn"}
VALUE_SEGMENTS = {1: "Diamond", 2: "Gold", 3: "Silver", 4: "Bronze"}
GROUPS = {7: "UK VIPs", 8: "New this month", 9: "Gone quiet", 15: "Runners", 16: "Everybody"}
ACTIONS = {1: "DN", 2: "10% Bonus", 3: "Free Shipping", 4: "Welcome back", 104: "Double points"}
ATTRIBUTES = {
    "Alias": "Name shown to the customer",
    "Country": "Country",
    "Age": "Customer age",
    "OptimailUnsubscribed": "Opted out of email",
}
COUNTRIES = ("SE", "NO", "DK", "FI", "UK")
DAYS = 7


class Rows(Sequence[Any]):
    """`size` rows, each made when it is asked for."""

    def __init__(self, size: int, make: Callable[[int], dict[str, Any]]) -> None:
        self._size, self._make = size, make

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._make(number) for number in range(*place.indices(self._size))]
        return self._make(range(self._size)[place])


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One executed campaign: one channel, one template, every tenth customer in the control group."""

    id: int
    day: date
    at: datetime
    channel: int
    template: int
    group: int
    action: int
    customers: int
    duration: int = 7
    promo: str = ""
    conditional: bool = False

    @property
    def control(self) -> int:
        """Customers in the control group."""
        return self.customers // 10

    @property
    def targeted(self) -> int:
        """Customers who get the message."""
        return self.customers - self.control

    def targeted_at(self, place: int) -> int:
        """Number of the customer at a place of the list, the control group left out."""
        full = self.customers // 10 * 9
        return place // 9 * 10 + place % 9 if place < full else self.customers // 10 * 10 + place - full


@dataclass(kw_only=True)
class World:
    """All data of the simulated account. templates: channel -> template id -> name.

    cancelled: campaigns as a whole; taken_off: some customers of a campaign; each with its time.
    """

    clock: Clock
    zone: str = "UTC"
    customers: int = 1000
    seed: int = 1
    templates: dict[int, dict[int, str]] = field(
        default_factory=lambda: {504: {11: "Welcome"}, 505: {12: "Welcome by SMS"}}
    )
    channels: dict[int, str] = field(default_factory=lambda: {504: "Symplify Email", 505: "Symplify SMS"})
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    cancelled: dict[int, datetime] = field(default_factory=dict)
    taken_off: dict[int, tuple[datetime, tuple[str, ...]]] = field(default_factory=dict)
    promotions: dict[str, str] = field(default_factory=lambda: {"WB23": "Welcome back"})
    apps: dict[tuple[int, str], str] = field(default_factory=dict)
    listeners: dict[tuple[int, int | None], str] = field(default_factory=dict)
    metrics: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    written: list[dict[str, Any]] = field(default_factory=list)
    cleared: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        for back in range(DAYS, -1, -1):
            for channel in self.channels:
                at = self.now() - timedelta(days=back)
                share = 1 if back == 0 else chance.uniform(0.2, 0.9)
                self.add_campaign(
                    channel=channel,
                    at=at,
                    group=chance.choice(list(GROUPS)),
                    action=chance.choice([2, 3, 4, 104]),
                    customers=max(1, round(self.customers * share)),
                    promo=chance.choice(["WB23", "WB23,NV10", ""]),
                )

    def change_template(self, channel: int, template: int) -> None:
        """Let a channel have one template, in every campaign too."""
        self.channels.setdefault(channel, f"Channel {channel}")
        self.templates[channel] = {template: f"Template {template}"}
        for one in self.campaigns.values():
            if one.channel == channel:
                self.campaigns[one.id] = replace(one, template=template)

    def now(self) -> datetime:
        """Wall time of the account."""
        return self.clock.business().astimezone(ZoneInfo(self.zone)).replace(microsecond=0, tzinfo=None)

    def today(self) -> date:
        """The account's date."""
        return self.now().date()

    def add_campaign(self, *, channel: int, at: datetime | None = None, **more: Any) -> Campaign:
        """A campaign that was just executed; its send time is now unless told otherwise. KeyError: no such channel."""
        at = at or self.now()
        values: dict[str, Any] = {
            "template": next(iter(self.templates[channel])),
            "group": 16,
            "action": 2,
            "customers": self.customers,
            **more,
        }
        made = Campaign(
            id=max(self.campaigns, default=700) + 1, day=at.date(), at=at, channel=channel, **values
        )
        self.campaigns[made.id] = made
        return made

    def customer(self, number: int) -> str:
        """The id of a customer: a number as text."""
        return str(100_001 + number)

    def number(self, customer: str) -> int | None:
        """The number of a customer's id; None if there is no such customer."""
        number = int(customer) - 100_001 if customer.isascii() and customer.isdigit() else -1
        return number if 0 <= number < self.customers else None

    def attribute(self, customer: str, name: str) -> str | None:
        """An attribute's value, None if there is no such attribute."""
        number = self.number(customer) or 0
        return {
            "alias": f"Buddy{number}",
            "country": COUNTRIES[number % 5],
            "age": str(20 + number % 60),
            "optimailunsubscribed": "False",
        }.get(name.strip().lower())

    def of_day(self, day: date, channel: int | None = None) -> list[Campaign]:
        """Campaigns executed on a day."""
        return [
            one
            for one in self.campaigns.values()
            if one.day == day and channel in (None, 0, one.channel) and one.id not in self.cancelled
        ]
