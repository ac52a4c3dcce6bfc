"""What the simulated messenger knows: one project, four templates, one list of made-up contacts."""

import random
from dataclasses import dataclass, field
from typing import Any

from tandem.kit.clock import Clock

LIST, PROJECT = 14242, 77
#: id -> name, channel (1 email, 2 SMS), id of the active version (0 = none)
TRIGGERS = {
    11: ("Welcome", 1, 336_858),
    12: ("Welcome by SMS", 2, 336_859),
    13: ("Spring offers", 1, 336_860),
    14: ("A draft", 1, 0),
}
FIRST = ("Anna", "Björn", "Cecilia", "David", "Elin", "Farid")
COUNTRIES = ("SE", "NO", "DK", "FI", "UK")


@dataclass(kw_only=True)
class Batch:
    """An import or a job's upload: what it was, how many lines."""

    id: int
    kind: str
    total: int
    asked: int = 0


@dataclass(kw_only=True)
class World:
    """All data of the simulated account."""

    clock: Clock
    contacts: int = 1000
    seed: int = 1
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    imports: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[int, Batch] = field(default_factory=dict)
    jobs: dict[int, dict[str, Any]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.clock.business().timestamp() * 1000)

    def count(self) -> int:
        """How many contacts there are, with those that came later."""
        return self.contacts + sum(1 for one in self.changed.values() if one["id"] > self.contacts)

    def contact(self, original_id: str) -> dict[str, Any] | None:
        """A ContactDto, or None."""
        if original_id in self.changed:
            return self.changed[original_id]
        number = int(original_id) - 100_000 if original_id.isascii() and original_id.isdigit() else 0
        return self._made(number) if 1 <= number <= self.contacts else None

    def after(self, last: int, size: int) -> list[dict[str, Any]]:
        """Contacts by internal id."""
        later = sorted(
            (one for one in self.changed.values() if one["id"] > self.contacts), key=lambda c: c["id"]
        )
        found = [self.contact(str(100_000 + n)) for n in range(last + 1, min(last + size, self.contacts) + 1)]
        found += [one for one in later if one["id"] > last]
        return [one for one in found if one is not None][:size]

    def change(self, original_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Change or create a contact."""
        known = self.contact(original_id) or self._blank(original_id, self.count() + 1)
        known = {**known, **{k: v for k, v in fields.items() if k not in ("id", "originalId")}}
        self.changed[original_id] = {**known, "dateModified": self.now()}
        return self.changed[original_id]

    def take(self, lines: list[list[str]]) -> int:
        """Rows of an import, the first being the header; how many were taken."""
        if not lines:
            return 0
        names = [name.strip() for name in lines[0]]
        lower = [name.lower() for name in names]
        if "originalid" not in lower:
            return 0
        place, taken = lower.index("originalid"), 0
        for line in lines[1:]:
            if len(line) > place and line[place]:
                self.change(line[place], dict(zip(names, line, strict=False)))
                taken += 1
        return taken

    def trigger(self, number: int, *, versions: bool = True) -> dict[str, Any]:
        """A TriggerDto. KeyError if there is none."""
        name, channel, active = TRIGGERS[number]
        made = {
            "id": number,
            "type": 1,
            "projectId": PROJECT,
            "name": name,
            "description": "",
            "listId": LIST,
            "dateCreated": 1_441_374_310_577,
            "dateModified": 1_441_374_310_577,
            "userCreated": "simulator",
            "userModified": "simulator",
            "channelTypeId": channel,
            "activeCampaign": active,
            "ignoreOptOut": False,
            "active": True,
        }
        return made | ({"campaignVersions": self.versions(number)} if versions else {})

    def versions(self, number: int) -> list[dict[str, Any]]:
        """CampaignVersionDtos of a trigger."""
        _name, channel, active = TRIGGERS[number]
        if not active:
            return []
        sent = sum(1 for one in self.messages if one["trigger"] == number)
        return [
            {
                "campaignId": active,
                "campaignName": "v1",
                "campaignTypeId": channel,
                "active": True,
                "locked": True,
                "dateCreated": 1_441_374_310_577,
                "dateModified": 1_441_374_310_577,
                "userCreated": "simulator",
                "userModified": "simulator",
                "statDtos": {"id": 1, "deliveryId": active, "sent": sent},
                "lastActivated": 1_441_374_310_577,
            }
        ]

    def _made(self, number: int) -> dict[str, Any]:
        chance = random.Random(self.seed * 1_000_003 + number)
        name = chance.choice(FIRST)
        return self._blank(str(100_000 + number), number) | {
            "firstName": name,
            "lastName": "Öberg",
            "country": chance.choice(COUNTRIES),
            "emailAddress": f"c{number}@people.example" if chance.random() < 0.97 else "",
            "mobileNumber": f"+4670{number:07d}" if chance.random() < 0.8 else "",
            "unsubscribed": chance.random() < 0.05,
            "mobileUnsubscribed": chance.random() < 0.05,
            "bounced": chance.random() < 0.01,
        }

    def _blank(self, original_id: str, number: int) -> dict[str, Any]:
        flags = ("unsubscribed", "bounced", "mobileUnsubscribed", "audioUnsubscribed", "mobileBounced")
        texts = (
            "country",
            "firstName",
            "lastName",
            "emailAddress",
            "mobileNumber",
            "city",
            "zipcode",
            "zipCode",
        )
        dates = ("optOutDate", "dateOfInvalidation", "optOutMobileDate", "optOutAudioDate", "blockedUntil")
        return {
            "id": number,
            "listId": LIST,
            "originalId": original_id,
            **dict.fromkeys(texts, ""),
            **dict.fromkeys(flags, False),
            **dict.fromkeys(dates, 0),
            "active": True,
            "dateCreated": 1_441_374_310_577,
            "dateModified": 1_441_374_310_577,
            "properties": {},
            "namedProperties": {},
        }
