"""What the simulated messenger knows: one project, four templates, one list of made-up contacts."""

import random
from dataclasses import dataclass, field
from typing import Any

from tandem.kit.clock import Clock

LIST, PROJECT = 14242, 77
#: when everything was made, in milliseconds
BORN = 1_441_374_310_577
#: id -> name, channel (1 email, 2 SMS), id of the active version (0 = none)
TRIGGERS = {
    11: ("Welcome", 1, 336_858),
    12: ("Welcome by SMS", 2, 336_859),
    13: ("Spring offers", 1, 336_860),
    14: ("A draft", 1, 0),
}
FIRST = ("Anna", "Björn", "Cecilia", "David", "Elin", "Farid")
COUNTRIES = ("SE", "NO", "DK", "FI", "UK")


_KINDS = ("OPENS", "CLICKS", "OPTOUTS", "HARD_BOUNCES", "SOFT_BOUNCES")


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
    happened: list[tuple[str, int]] = field(default_factory=list)
    results: dict[int, str] = field(default_factory=dict)
    _of_job: dict[int, int] = field(default_factory=dict)

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
        known = {**known, **{k: v for k, v in fields.items() if k.lower() not in ("id", "originalid")}}
        self.changed[original_id] = {**known, "dateModified": self.now()}
        return self.changed[original_id]

    def batch(self, kind: str, total: int) -> int:
        """A new batch; it is done when it is asked for the second time."""
        number = 101_111 + len(self.batches)
        self.batches[number] = Batch(id=number, kind=kind, total=total)
        return number

    def keep_message(
        self, trigger: int, original_id: str, fields: dict[str, Any], job: int | None = None
    ) -> dict[str, Any]:
        """A message that would be sent, or was suppressed: its contact left, bounced or is blocked."""
        person = self.contact(original_id) or {}
        flag = "mobileUnsubscribed" if TRIGGERS[trigger][1] == 2 else "unsubscribed"
        suppressed = bool(person.get(flag) or person.get("bounced"))
        made = {
            **fields,
            "id": len(self.messages) + 1,
            "trigger": trigger,
            "originalId": original_id,
            "job": job,
            "suppressed": suppressed,
            "at": self.now(),
        }
        self.messages.append(made)
        return made

    def happen(self, kind: str, trigger: int, original_id: str) -> list[str]:
        """An open, a click (words of the exports) on the newest message to a contact; what happened to it so far."""
        found = [
            one for one in self.messages if (one["trigger"], one["originalId"]) == (trigger, original_id)
        ]
        if not found:
            raise KeyError(original_id)
        number = found[-1]["id"]
        self.happened.append((kind.upper(), number))
        return [what for what, of in self.happened if of == number]

    def sent_to(self, original_id: str, channel: int) -> int:
        """How many messages of a channel a contact got."""
        return sum(
            one["originalId"] == original_id
            and not one["suppressed"]
            and TRIGGERS[one["trigger"]][1] == channel
            for one in self.messages
        )

    def keep_job(self, trigger: int, campaign: int, list_id: int, at: str | None) -> dict[str, Any]:
        """A generation job that waits for its recipients."""
        number = 7202 + len(self.jobs)
        self.jobs[number] = {
            "id": number,
            "campaignId": campaign,
            "listId": list_id,
            "contentUploaded": False,
            "feedback": [],
        } | ({"deliveryTime": at} if at else {})
        self._of_job[number] = trigger
        self._say(self.jobs[number], "WAITING_FOR_CONTENT")
        return self.jobs[number]

    def generate(self, job: dict[str, Any], lines: list[list[str]]) -> None:
        """Make the messages of a job from its recipients; who is not in the list is told of and gets none."""
        job["contentUploaded"] = True
        self._say(job, "CONTENT_UPLOADED")
        rows = _rows(lines)
        if rows is None:
            self._say(job, "ERROR", "SEVERITY_ERROR")
            return
        self._say(job, "GENERATION_STARTED")
        unknown = {original_id for original_id, _ in rows if self.contact(original_id) is None}
        for original_id, fields in rows:
            if original_id not in unknown:
                self.keep_message(
                    self._of_job[job["id"]], original_id, {"fields": fields, **_when(job)}, job["id"]
                )
        if unknown:
            self._say(job, f"{len(unknown)} unknown originalId", "SEVERITY_WARNING")
        self._say(job, "DONE")

    def _say(self, job: dict[str, Any], words: str, severity: str = "SEVERITY_INFO") -> None:
        job["feedback"].append({"feedback": words, "severity": severity, "timestamp": self.now()})

    def statistics(self, trigger: int) -> dict[str, int]:
        """A StatDto of a trigger's messages."""
        sent = {one["id"] for one in self.messages if one["trigger"] == trigger and not one["suppressed"]}
        counts = {
            kind: len({of for what, of in self.happened if what == kind and of in sent}) for kind in _KINDS
        }
        bounced = counts["HARD_BOUNCES"] + counts["SOFT_BOUNCES"]
        return {
            "id": trigger,
            "deliveryId": TRIGGERS[trigger][2],
            "projectId": PROJECT,
            "recipients": sum(one["trigger"] == trigger for one in self.messages),
            "sent": len(sent),
            "opened": counts["OPENS"],
            "clicked": counts["CLICKS"],
            "unsubscribed": counts["OPTOUTS"],
            "notBounced": len(sent) - bounced,
            "softBounced": counts["SOFT_BOUNCES"],
            "hardBounced": counts["HARD_BOUNCES"],
            "nonDeliverable": sum(one["trigger"] == trigger and one["suppressed"] for one in self.messages),
            "complaints": 0,
        }

    def take(self, lines: list[list[str]], *, leave: bool = False) -> int:
        """Rows of an import, the first being the header; how many were taken. leave: they unsubscribe."""
        rows = _rows(lines) or []
        for original_id, fields in rows:
            self.change(original_id, {**fields, "unsubscribed": True} if leave else dict(fields))
        return len(rows)

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
            "dateCreated": BORN,
            "dateModified": BORN,
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
        return [
            {
                "campaignId": active,
                "campaignName": "v1",
                "campaignTypeId": channel,
                "active": True,
                "locked": True,
                "dateCreated": BORN,
                "dateModified": BORN,
                "userCreated": "simulator",
                "userModified": "simulator",
                "statDtos": self.statistics(number),
                "lastActivated": BORN,
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
            "dateCreated": BORN,
            "dateModified": BORN,
            "properties": {},
            "namedProperties": {},
        }


def _rows(lines: list[list[str]]) -> list[tuple[str, dict[str, str]]] | None:
    """(originalId, all columns) of each line after the header; None if no column is called originalId."""
    names = [name.strip() for name in lines[0]] if lines else []
    lower = [name.lower() for name in names]
    if "originalid" not in lower:
        return None
    place = lower.index("originalid")
    return [
        (line[place], dict(zip(names, line, strict=False)))
        for line in lines[1:]
        if len(line) > place and line[place]
    ]


def _when(job: dict[str, Any]) -> dict[str, str]:
    return {"deliveryTime": job["deliveryTime"]} if "deliveryTime" in job else {}
