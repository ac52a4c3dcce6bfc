"""What a bridge is told: its pairs, their two sides, their channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tandem.clients.profile import MESSENGER, PLAIN, Profile
from tandem.kit.problems import Refused


class ConfigWrong(Refused):
    """The configuration cannot be used."""

    title = "The configuration is not right"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What signs a pair in at one side; read from the environment, shown nowhere."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    key: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class PlannerSide:
    """The account at the planner. replace: whether another's listener may be replaced by ours."""

    url: str
    credentials: Credentials
    profile: Profile = PLAIN
    replace: bool = False


@dataclass(frozen=True, kw_only=True)
class MessengerSide:
    """The account at the messenger.

    jobs: generation jobs are tried first. waits: this server is known to keep a job until its deliveryTime, so a
    list may be uploaded before; else it is uploaded when it is time. create: unknown properties are created.
    """

    api_url: str
    customer_id: str
    credentials: Credentials
    profile: Profile = MESSENGER
    jobs: bool = True
    waits: bool = False
    create: bool = False


@dataclass(frozen=True, kw_only=True)
class Channel:
    """An execution channel of the planner. project: the only one its templates may be of, None = any one."""

    id: int
    kind: Literal["email", "sms"]
    project: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two accounts, one at each side, and how they are joined."""

    name: str
    zone: str
    planner: PlannerSide
    messenger: MessengerSide
    channels: tuple[Channel, ...]
    hears: Literal["events", "polling"] = "events"
    poll_seconds: float = 300
    late_minutes: float = 60
    catalogue: bool = False
    catalogue_minutes: float = 15
    report_hours: tuple[float, ...] = (24.0,)
    promo_column: str = "promoCode"
    attributes: Mapping[str, str] = field(default_factory=dict)

    def channel(self, number: int) -> Channel | None:
        """The channel of that number."""
        return next((one for one in self.channels if one.id == number), None)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything the bridge is told. tick: seconds between two looks at what is due."""

    state: Path
    host: str
    port: int
    public_url: str
    pairs: tuple[Pair, ...]
    allow_private: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    tick: float = 2.0

    def pair(self, name: str) -> Pair:
        """The pair of that name. Raises ConfigWrong."""
        for one in self.pairs:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in self.pairs)
        raise ConfigWrong(f"There is no pair {name!r}.", f"The configuration has {names}.")
