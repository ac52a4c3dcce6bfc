"""The writes of a conformance run: only what changes nothing, and one message where a contact for it was named."""

from typing import Any

from tandem.conform.findings import Finding, Mend, Note, Verdict
from tandem.conform.messenger_values import Values
from tandem.contract.messenger_calls import BATCH_WORDS, WORDS, WireCall

IMPORTS, RECIPIENTS = "POST /lists/{listId}/imports", "POST /lists/{listId}/recipients/{importId}"
EXPORT, JOB = "POST /batches/exports/statistics", "POST /jobs/generation/fixed"
UPLOAD, MESSAGE = (
    "POST /jobs/generation/fixed/{jobId}/recipients/automapping",
    "POST /triggers/{triggerId}/messages",
)
_NEVER = {
    "PUT /lists/{listId}/contacts/{originalId}/update": "it would change a contact",
    "POST /lists/{listId}/contacts": "it would make a contact",
    "POST /contacts": "it would make a contact",
    "POST /batchtrigger/v2": "Tandem does not use it",
    "POST /journeys/{journeyId}/commence": "Tandem does not use it",
}


class MessengerWrites:
    """What each write is called with, or why it is not tried. send_to: the contact that may get messages."""

    def __init__(self, values: Values, *, allowed: bool, send_to: str) -> None:
        self._values, self._allowed, self._send_to = values, allowed, send_to

    def body(self, call: WireCall) -> Any:
        """Its body; or a Finding that says why it is not tried."""
        if call.name in _NEVER:
            return self._not(call, _NEVER[call.name])
        if not self._allowed:
            return self._not(call, "writes; use --allow-writes")
        if call.sends and not self._send_to:
            return self._not(call, "sends; use --allow-writes with --trigger and --send-to")
        bodies: dict[str, Any] = {
            IMPORTS: {"delimiter": "9", "encoding": "UTF8", "type": "ADD", "identityColumn": "originalId"},
            RECIPIENTS: b"originalId\n",  # a header alone adds nobody
            EXPORT: {"exportType": "PROJECTS", "period": "LAST_DAY"},
            JOB: {"type": "TRIGGER", "id": self._values.found.get("triggerId")},
            UPLOAD: f"originalId\n{self._send_to}\n".encode(),
            MESSAGE: {"originalId": self._send_to},
        }
        return bodies[call.name]

    def _not(self, call: WireCall, why: str) -> Finding:
        return Finding(name=call.name, verdict=Verdict.NOT_TRIED, why=why)


def status_notes(words: list[str], learnt: dict[str, object]) -> tuple[Note, ...]:
    """Words of a batch's status that the contract does not have; what is known under another goes into `learnt`."""
    notes = []
    for word in dict.fromkeys(words):
        if word.upper() in BATCH_WORDS:
            continue
        meant = WORDS["status"].get(word.upper())
        if meant:
            learnt[f"status.{word}"] = meant
        mend = Mend.PROFILE if meant else Mend.NONE
        notes.append(Note(path="$.status", expected=" or ".join(BATCH_WORDS), seen=word[:40], mend=mend))
    return tuple(notes)
