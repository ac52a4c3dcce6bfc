"""`tandem conform messenger`: every call of the contract against a foreign messenger, carefully."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tandem.clients.profile import MESSENGER, dump
from tandem.conform.findings import Finding, Mend, Note, Report, Verdict, flows_of, redacted
from tandem.conform.judging import judged, look_inside
from tandem.conform.learning import Learner
from tandem.conform.messenger_manners import MessengerManners
from tandem.conform.messenger_values import Values
from tandem.conform.messenger_writes import MessengerWrites, status_notes
from tandem.conform.talk import MessengerTalk, Seen
from tandem.contract.messenger_calls import BATCH_WORDS, CALLS, WireCall
from tandem.contract.shapes import Form

_C = "lists/{listId}/contacts"
_BATCH, _RESULT = "GET /batches/{batchId}", "GET /batches/{exportId}/result/url"
FLOWS = {
    "Check the connection": ("sign in", "GET /apiurl | GET /triggers"),
    "Offer templates": ("GET /triggers", "GET /projects | GET /triggers", "empty list"),
    "Read consent": (
        "GET /lists | GET /triggers",
        f"GET /{_C}/all",
        f"GET /{_C}/unsubscribed",
        f"GET /{_C}/bounced",
        "paging",
    ),
    "Preview a message": (
        "GET /triggers/{triggerId}/campaigns/{campaignId}/preview | GET /triggers/{triggerId}/messages",
    ),
    "Push contacts": (
        "POST /lists/{listId}/imports",
        "POST /lists/{listId}/recipients/{importId}",
        _BATCH,
    ),
    "Hand over a list by the bridge": (
        f"GET /{_C}/{{originalId}}",
        "POST /jobs/generation/fixed | POST /triggers/{triggerId}/messages",
        "POST /jobs/generation/fixed/{jobId}/recipients/automapping | POST /triggers/{triggerId}/messages",
    ),
    "Read what became of it": ("GET /triggers/{triggerId}/campaigns | POST /batches/exports/statistics",),
}
NEEDED = frozenset({
    "id", "projectId", "channelTypeId", "activeCampaign", "active", "originalId", "emailAddress", "mobileNumber",
    "unsubscribed", "mobileUnsubscribed", "bounced", "batchId", "status", "campaignId", "url",
})  # fmt: skip
#: what a missing key may be taken for; someone should look at it
ASSUMED: dict[str, object] = {"active": True, "projectId": 1}
POLLS, POLL_SECONDS = 20, 3.0
_SLOW = f"the batch was not done after {POLLS} looks"
ABSENT = (404, 405, 501)
Told = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True)
class MessengerWishes:
    """What the person wants. trigger: to look at and, with send_to, to send; 0 = found. contact: to look at.

    send_to: with allow_writes, an originalId that may get a message of that trigger, once alone and once by a job.
    """

    allow_writes: bool = False
    trigger: int = 0
    contact: str = ""
    send_to: str = ""


class MessengerConformance:
    """One run. Raises NotAMessenger, MessengerRefusedPassword where there is nothing to hold against the contract."""

    def __init__(
        self, talk: MessengerTalk, wishes: MessengerWishes, *, now: datetime, told: Told = lambda _: None
    ) -> None:
        self._talk, self._told = talk, told
        self._learner = Learner(talk, now, needed=NEEDED, assumed=ASSUMED)
        self._values = Values(trigger=wishes.trigger, original_id=wishes.contact or wishes.send_to)
        self._manners = MessengerManners(talk, self._values)
        self._writes = MessengerWrites(self._values, allowed=wishes.allow_writes, send_to=wishes.send_to)
        self._findings: list[Finding] = []
        self._shapes: dict[str, Any] = {}

    def run(self) -> Report:
        """Everything, in an order in which each step can use what the one before learnt."""
        self._keep(*self._manners.sign_in(), *self._manners.look_at_empty())
        for call in _in_order():
            self._keep(self._write(call) if call.changes else self._read(call))
            if call.name == "GET /triggers" and self._findings[-1].works:
                self._keep(self._manners.trimmed())
            if call.name == f"GET /{_C}/all" and self._findings[-1].works:
                self._keep(self._manners.paging())
        self._keep(self._manners.errors())
        findings = tuple(self._findings)
        profile = "" if self._talk.profile == MESSENGER else dump(self._talk.profile, MESSENGER)
        return Report(
            findings=findings, flows=flows_of(findings, FLOWS), profile=profile, shapes=dict(self._shapes)
        )

    def _keep(self, *found: Finding) -> None:
        for one in found:
            self._findings.append(one)
            self._told(one)

    def _read(self, call: WireCall) -> Finding:
        unknown = self._unknown(call)
        if unknown:
            return unknown
        if call.name == _BATCH:
            return self._polled(call)
        if call.name == _RESULT and not self._poll({"batchId": self._values.found["exportId"]})[2]:
            return Finding(name=call.name, verdict=Verdict.NOT_TRIED, why=_SLOW)
        query = self._values.query(call)
        if (
            call.path.startswith(f"{_C}/")
            and call.answer.form is Form.ARRAY
            and "{originalId}" not in call.path
        ):
            query = self._values.contacts(self._talk.profile.page_after(-1, 0, 0, 100))
        return self._judged(call, self._asked(call, query, None))

    def _write(self, call: WireCall) -> Finding:
        body = self._writes.body(call)
        if isinstance(body, Finding):
            return body
        return self._unknown(call) or self._judged(call, self._asked(call, {}, self._outgoing(body)))

    def _outgoing(self, body: Any) -> Any:
        return body if isinstance(body, bytes) else self._talk.profile.outgoing(body)

    def _unknown(self, call: WireCall) -> Finding | None:
        why = self._values.path(call)
        if why.startswith("?"):
            return Finding(name=call.name, verdict=Verdict.NOT_TRIED, why=why[1:])
        return None

    def _asked(self, call: WireCall, query: dict[str, Any], body: Any) -> tuple[Seen, tuple[Note, ...]]:
        seen = self._talk.at(call.method, call.path, self._values.found, query, body)
        notes = look_inside(self._talk, call.answer, seen)
        self._shapes[call.name] = {"status": seen.status, "shape": redacted(seen.raw)}
        return (replace(seen, document=self._talk.profile.unwrapped(seen.raw)) if notes else seen), notes

    def _judged(self, call: WireCall, asked: tuple[Seen, tuple[Note, ...]]) -> Finding:
        seen, notes = asked
        if call.answer.form is Form.ARRAY and self._manners.is_empty(seen):
            return Finding(
                name=call.name, verdict=Verdict.NOT_TRIED, why=f"{seen.status}, as of an empty list"
            )
        if seen.status in ABSENT:
            return _absent(call, seen)
        if call.name == _RESULT and isinstance(seen.document, str):
            bare = Note(path="$", expected="an object", seen="the address as text", mend=Mend.CARE)
            return Finding(name=call.name, verdict=Verdict.DIFFERS, notes=(*notes, bare))
        found = judged(call.name, call.answer, seen, notes, self._learner, fine=(200, 201, 202))
        if found.works:
            self._values.learn(call, self._mended(seen))
        return found

    def _mended(self, seen: Seen) -> Any:
        try:
            return self._talk.profile.mended(seen.raw)
        except (ValueError, OverflowError, OSError):
            return seen.document

    def _polled(self, call: WireCall) -> Finding:
        """A batch, asked for until it is done."""
        seen, words, done = self._poll({"batchId": self._values.found["batchId"]})
        learnt: dict[str, object] = {}
        notes = status_notes(words, learnt)
        if learnt:
            self._talk.learn(values={**self._talk.profile.values, **learnt})
        self._shapes[call.name] = {"status": seen.status, "shape": redacted(seen.raw)}
        found = self._judged(call, (seen, notes))
        return found if done or not found.works else replace(found, why=_SLOW)

    def _poll(self, places: dict[str, Any]) -> tuple[Seen, list[str], bool]:
        """The last answer, the words of its status on the way, and whether it came to an end."""
        seen, words, done = Seen(status=0), [], False
        for turn in range(POLLS):
            if turn:
                self._talk.pace.pause(POLL_SECONDS)
            seen = self._talk.at("GET", "batches/{batchId}", places, {})
            words.append(_status(self._mended(seen)))
            done = words[-1].upper() not in BATCH_WORDS[:2]
            if seen.status != 200 or done:
                break
        return seen, [word for word in words if word], done


def _absent(call: WireCall, seen: Seen) -> Finding:
    """404 of a call that may find nothing; else the call is not there."""
    if call.path.endswith("/lastbounce") and seen.status == 404:
        why = "404, as of a contact without a bounce"
        return Finding(name=call.name, verdict=Verdict.NOT_TRIED, why=why)
    return Finding(name=call.name, verdict=Verdict.NOT_OFFERED, why=f"{seen.status}")


def _status(document: Any) -> str:
    fields = document if isinstance(document, dict) else {}
    return str(next((value for key, value in fields.items() if str(key).lower() == "status"), ""))


def _in_order() -> list[WireCall]:
    """Those that others need first: a job's, an import's and an export's steps follow each other."""
    first = ("GET /triggers", "GET /lists", f"GET /{_C}/all")
    last = ("GET /batches", "POST", "PUT", "GET /jobs")
    steps = [
        "POST /lists/{listId}/imports", "POST /lists/{listId}/recipients/{importId}", _BATCH,
        "POST /batches/exports/statistics", _RESULT,
    ]  # fmt: skip

    def place(call: WireCall) -> tuple[int, int]:
        if call.name in first:
            return 0, first.index(call.name)
        if call.name in steps:
            return 2, steps.index(call.name)
        return (3 if call.name.startswith(last) else 1), 0

    return sorted(CALLS, key=place)
