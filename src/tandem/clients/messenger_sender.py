"""Handing people to a Symplify-format server: generation jobs, scheduled messages, statistics.

What a server answered is told apart from what it did not answer: `Unheard` says that a call may have been done.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tandem.clients.messenger import MessengerClient
from tandem.clients.messenger_calls import UPLOAD_TIMEOUT, shaped
from tandem.clients.messenger_problems import (
    MessengerBroken,
    MessengerBusy,
    MessengerHasNot,
    MessengerUnreachable,
)
from tandem.contract import messenger_api as wire
from tandem.contract.messenger_calls import MODES
from tandem.kit.http import AddressRefused, Answer, AnswerTooLarge, Http
from tandem.kit.problems import OtherSideFailed

MOST_RECORDS = 1024 * 1024 * 1024


class NotReached(OtherSideFailed):
    """The call did not leave us: no connection was made."""

    title = "The messenger did not answer"


class Unheard(OtherSideFailed):
    """The call may have been done: no answer came, or one that says neither yes nor no."""

    title = "The messenger's answer was not heard"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A generation job. uploaded: whether the server says that it has the list; said: its feedback."""

    id: int
    version: int
    list_id: int | None
    uploaded: bool
    said: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer to a write: its status, the words of its body, whether it says that it was done."""

    status: int
    words: str
    document: Any = field(default=None, repr=False)
    done: bool = False


class SenderMessenger(MessengerClient):
    """A messenger's client with all that handing over needs. Writes are made once, never repeated here."""

    def create_job(self, trigger_id: int, delivery_time: str = "") -> Said:
        """A job for a trigger's active version; it waits for its list. Raises NotReached, Unheard."""
        body: dict[str, Any] = {"type": "TRIGGER", "id": trigger_id}
        if delivery_time:
            body["deliveryTime"] = delivery_time
        return self._write("jobs/generation/fixed", body)

    def upload_list(self, job: int, body: bytes) -> Said:
        """The list of a job. Raises NotReached, Unheard: then the list may be there."""
        path = "jobs/generation/fixed/{jobId}/recipients/automapping"
        return self._write(path, body, kind="text/csv", timeout=UPLOAD_TIMEOUT, jobId=job)

    def job(self, number: int) -> Job:
        """How a job stands, where the server tells. Raises MessengerHasNot, MessengerRefused where it does not."""
        return job_of(self._get("jobs/generation/fixed/{jobId}", jobId=number))

    def send_message(self, trigger_id: int, message: Mapping[str, Any]) -> Said:
        """One message of a trigger. Raises NotReached, Unheard: then it may be on its way."""
        return self._write("triggers/{triggerId}/messages", dict(message), triggerId=trigger_id)

    def contact(self, list_id: int, original_id: str) -> wire.Contact | None:
        """A contact of a list; None if there is none."""
        if original_id in MODES:
            return None
        try:
            found = self._get("lists/{listId}/contacts/{originalId}", listId=list_id, originalId=original_id)
        except MessengerHasNot:
            return None
        if not isinstance(found, dict) or not wire.parse_contact(found).original_id:
            return None
        return wire.parse_contact(found)

    def contacts_in(self, list_id: int) -> int:
        """How many contacts a list says it has; 0 = it does not say."""
        count = _folded(self._get("lists/{listId}", listId=list_id)).get("contacts")
        return count if type(count) is int and count > 0 else 0

    def columns(self) -> frozenset[str]:
        """Headers that files may have, in lower case."""
        names: set[str] = set()
        for one in map(_folded, self._rows("properties", "properties")):
            names |= {
                str(name).lower() for name in [one.get("name"), *(one.get("fileheaders") or [])] if name
            }
        return frozenset(names)

    def statistics(self, trigger_id: int, version: int) -> dict[str, int] | None:
        """The numbers of a version, keys in lower case, none before its first message; None: no such version."""
        rows = self._rows("triggers/{triggerId}/campaigns", "campaigns", triggerId=trigger_id)
        for one in map(_folded, rows):
            if str(one.get("campaignid")) == str(version):
                found = one.get("statdtos")
                return _numbers(found[0] if isinstance(found, list) and found else found)
        return None

    def start_export(self, kind: str, period: str) -> str:
        """Ask for an export; its batch. Raises MessengerHasNot, MessengerRefused where none is offered."""
        document = self._post("batches/exports/statistics", {"exportType": kind, "period": period})
        return shaped(wire.parse_batch_id, document)

    def export_url(self, batch: str) -> str:
        """Where the result of an export is."""
        found = self._get("batches/{exportId}/result/url", exportId=batch)
        url = _folded(found).get("url") if isinstance(found, dict) else found
        if not isinstance(url, str) or not url:
            raise MessengerBroken("The export's address is missing.", "It is asked for again.")
        return url

    def _write(
        self,
        path: str,
        document: dict[str, Any] | bytes,
        *,
        kind: str = "application/json",
        timeout: float | None = None,
        **places: str | int,
    ) -> Said:
        """One POST, made once. Only an answer that is whole and not a server's failure says anything."""
        body = document if isinstance(document, bytes) else orjson.dumps(self._profile.outgoing(document))
        headers = {**self._headers, "Content-Type": kind}
        try:
            answer = self._once("POST", self._url(path, places), headers, body, {}, timeout or self._timeout)
        except MessengerUnreachable as error:
            if not error.sent:
                raise NotReached(error.detail, "It is tried again.") from error
            raise Unheard(f"It was called, but its answer did not come. {error.detail}") from error
        except AddressRefused as error:
            raise NotReached(error.detail, error.advice) from error
        except AnswerTooLarge as error:
            raise Unheard(f"It was called, but its answer could not be read. {error.detail}") from error
        if answer.is_html and answer.status < 400:
            raise Unheard(f"It was called; a web page answered ({answer.status}), perhaps not its API.")
        if answer.status >= 500 and answer.status != 501:
            raise Unheard(f"It was called and failed ({answer.status}{_words(answer)}).")
        return Said(
            status=answer.status,
            words=_words(answer),
            document=self._mended(_json(answer)),
            done=answer.status in self._profile.written,
        )

    def _mended(self, document: Any) -> Any:
        """In the contract's words; None where it is not as the profile says."""
        try:
            return None if document is None else self._profile.mended(document)
        except (ValueError, OverflowError, OSError):
            return None


def export_records(http: Http, url: str) -> Iterator[Any]:
    """The records of a result. Its address is another server's, so none of our credentials go there."""
    answer = http.request("GET", url, headers={"Accept": "application/json"}, timeout=120, limit=MOST_RECORDS)
    if answer.status == 429:
        raise MessengerBusy("The result's server asks us to wait (429).")
    if answer.status != 200 or answer.is_html:
        raise MessengerBroken(
            f"The export's result could not be fetched ({answer.status}).", "It is asked for again."
        )
    found = _json(answer)
    if isinstance(found, dict):
        found = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(found, list):
        raise MessengerBroken("The export's result is not a list of records.", "The statistics are not told.")
    yield from found


def job_of(document: Any) -> Job:
    """One JobDto. Raises MessengerBroken."""
    try:
        it = {str(key).lower(): value for key, value in document.items()}
        return Job(
            id=int(it["id"]),
            version=int(it.get("campaignid") or 0),
            list_id=int(it["listid"]) if it.get("listid") else None,
            uploaded=it.get("contentuploaded") is True,
            said=tuple(
                (str(one.get("severity", "")), str(one.get("feedback", ""))[:200])
                for one in it.get("feedback") or []
                if isinstance(one, dict)
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MessengerBroken(
            "The job's answer could not be read.", "Look at the job in the messenger."
        ) from error


def _numbers(document: Any) -> dict[str, int]:
    return {key: value for key, value in _folded(document).items() if type(value) is int and value >= 0}


def _folded(document: Any) -> dict[str, Any]:
    """An object's keys in lower case; nothing if it is none."""
    return {str(key).lower(): value for key, value in document.items()} if isinstance(document, dict) else {}


def _json(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.body)
    except ValueError:
        return None


def _words(answer: Answer) -> str:
    found = _json(answer)
    said = found.get("error") or found.get("message") if isinstance(found, dict) else None
    return f": {str(said)[:200]}" if said else ""
