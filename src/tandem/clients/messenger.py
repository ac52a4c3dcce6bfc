"""Client of the Symplify contract: any server that speaks it, ours or the vendor's."""

from collections.abc import Iterable, Iterator
from typing import Any

from tandem.clients import messenger_problems as problems
from tandem.clients.messenger_calls import PAGE_LIMIT, UPLOAD_TIMEOUT, checked_url, shaped
from tandem.clients.messenger_tests import MessengerTests, NoTests
from tandem.contract import messenger_api as wire

MessengerUnreachable = problems.MessengerUnreachable
MessengerRefusedPassword = problems.MessengerRefusedPassword
MessengerRefusedCustomer = problems.MessengerRefusedCustomer
MessengerAnsweredHtml = problems.MessengerAnsweredHtml
MessengerBroken = problems.MessengerBroken
MessengerBusy = problems.MessengerBusy
MessengerRefused = problems.MessengerRefused
MessengerCannot = problems.MessengerCannot
MessengerHasNot = problems.MessengerHasNot
NoPreview = problems.NoPreview

PAGE = 1000
MOST_PAGES = 1_000_000
NEWEST = 100
#: keys of a trigger without which it cannot be offered; a server may leave them out of a trimmed answer
_OFFERED_BY = frozenset({"projectid", "channeltypeid", "activecampaign", "active"})

__all__ = [
    "PAGE_LIMIT",
    "UPLOAD_TIMEOUT",
    "MessengerAnsweredHtml",
    "MessengerBroken",
    "MessengerBusy",
    "MessengerCannot",
    "MessengerClient",
    "MessengerHasNot",
    "MessengerRefused",
    "MessengerRefusedCustomer",
    "MessengerRefusedPassword",
    "MessengerUnreachable",
    "NoPreview",
    "NoTests",
    "checked_url",
    "upload_rows",
]


class MessengerClient(MessengerTests):
    """One customer at one messenger: the calls that a planner needs."""

    def apiurl(self) -> dict[str, Any]:
        """The vendor's own connection test."""
        try:
            found = self._get("apiurl")
        except problems.MessengerHasNot as error:
            if error.page:
                raise problems.html() from error
            raise
        if not isinstance(found, dict):
            raise problems.odd("apiurl is not an object")
        return found

    def sign_in(self) -> None:
        """Whether the API answers these credentials; by the templates where there is no connection test."""
        try:
            self.apiurl()
        except (problems.MessengerHasNot, problems.MessengerCannot):
            self._rows("triggers", "triggers", {"basic": "true"})

    def ping(self) -> None:
        """Whether the API answers these credentials."""
        self._get("ping")

    def projects(self) -> tuple[wire.Project, ...]:
        """All projects; from the triggers' projectId where the server has no list of projects."""
        try:
            found = self._array("projects", wire.parse_project, "projects")
        except (problems.MessengerHasNot, problems.MessengerRefused):
            found = ()
        if found:
            return found
        numbers = sorted({trigger.project_id for trigger in self.triggers()})
        return tuple(wire.Project(id=number, name=f"Project {number}") for number in numbers)

    def triggers(self, project_id: int | None = None) -> tuple[wire.Trigger, ...]:
        """All triggers, or those of one project (filtered here too: a server may ignore the parameter).

        Asked for trimmed, and once more in full where that leaves out what is needed: what `basic` does is not known.
        """
        asked = {} if project_id is None else {"projectId": str(project_id)}
        rows = self._rows("triggers", "triggers", {**asked, "basic": "true"})
        if any(_is_trimmed(row) for row in rows):
            rows = self._rows("triggers", "triggers", {**asked, "basic": "false"}) or rows
        found = shaped(lambda found: tuple(wire.parse_trigger(one) for one in found), rows)
        return tuple(trigger for trigger in found if project_id in (None, trigger.project_id))

    def trigger(self, trigger_id: int) -> wire.Trigger:
        """One trigger. Raises MessengerHasNot."""
        return shaped(wire.parse_trigger, self._get("triggers/{triggerId}", triggerId=trigger_id))

    def preview(
        self, trigger_id: int, campaign_id: int, original_id: str, list_id: int | None = None
    ) -> wire.Preview:
        """The template rendered for one contact; where the server cannot, a link to the newest message it sent.

        list_id: the trigger's list, to tell an unknown contact from an unknown call. Raises MessengerHasNot, NoPreview.
        """
        try:
            document = self._get(
                "triggers/{triggerId}/campaigns/{campaignId}/preview",
                {"originalId": original_id}, triggerId=trigger_id, campaignId=campaign_id,
            )  # fmt: skip
            return shaped(wire.parse_preview, document)
        except problems.MessengerCannot:
            pass
        except (problems.MessengerHasNot, problems.MessengerRefused):
            if list_id is None or not self._has_contact(list_id, original_id):
                raise
        link = self._newest_link(trigger_id)
        if not link:
            raise problems.NoPreview(
                "This messenger cannot show a message before it is sent.",
                "Look at the template in the messenger.",
            )
        return wire.Preview(subject="", sender="", html="", text="", link=link)

    def lists(self) -> tuple[wire.ContactListInfo, ...]:
        """The normal lists."""
        return self._array("lists", wire.parse_list, "lists")

    def contacts(self, list_id: int, mode: str = "all", *, page: int = PAGE) -> Iterator[wire.Contact]:
        """Every contact of a mode (all, bounced, unsubscribed), paged by internal id until a page is empty.

        A short page is not the end: a server may answer fewer at once than it was asked for.
        Raises MessengerBroken if a page does not go forward: a repeated page would be read for ever.
        """
        page, read, last = self._profile.size or page, 0, -1
        seen: set[int] = set()
        for turn in range(MOST_PAGES):
            asked = {
                **{
                    name: str(value)
                    for name, value in self._profile.page_after(last, read, turn, page).items()
                },
                "channel": "MIXED",
                "includeProperties": "false",
            }
            rows = self._array(
                f"lists/{{listId}}/contacts/{mode}", wire.parse_contact, "contacts", asked, listId=list_id
            )
            if not rows:
                return
            if not seen.isdisjoint(row.id for row in rows):
                raise problems.odd("a page of contacts came twice")
            yield from rows
            if self._profile.counts == "none":
                return
            seen, read = {row.id for row in rows}, read + len(rows)
            last = max(last, *seen)
        raise problems.odd("the list of contacts does not end")

    def start_import(self, list_id: int, *, delimiter: str = "\t", kind: str = "ADD") -> str:
        """A new list import; answers its id."""
        body = {
            "delimiter": str(ord(delimiter)),
            "encoding": "UTF8",
            "type": kind,
            "identityColumn": "originalId",
        }
        return shaped(wire.parse_import_id, self._post("lists/{listId}/imports", body, listId=list_id))

    def upload(self, list_id: int, import_id: str, body: bytes) -> str:
        """The file of an import; answers the batch to poll."""
        path = "lists/{listId}/recipients/{importId}"
        return shaped(wire.parse_batch_id, self._upload(path, body, listId=list_id, importId=import_id))

    def batch(self, batch_id: str) -> wire.Batch:
        """How far an import is."""
        return shaped(wire.parse_batch, self._get("batches/{batchId}", batchId=batch_id))

    def _has_contact(self, list_id: int, original_id: str) -> bool:
        try:
            self._get("lists/{listId}/contacts/{originalId}", listId=list_id, originalId=original_id)
        except (problems.MessengerHasNot, problems.MessengerRefused):
            return False
        return True

    def _newest_link(self, trigger_id: int) -> str:
        """The newest message's address to open it in a browser, that does not count as an open; empty if none."""
        asked = {"nostat": "true", "noOfMessages": str(NEWEST)}
        try:
            found = self._array(
                "triggers/{triggerId}/messages", wire.parse_message, "messages", asked, triggerId=trigger_id
            )
        except (problems.MessengerHasNot, problems.MessengerRefused):
            return ""
        shown = [one for one in found if one.open_url.startswith(("https://", "http://"))]
        return max(shown, key=lambda one: (one.sent, one.id)).open_url if shown else ""


def upload_rows(rows: Iterable[dict[str, str]], columns: tuple[str, ...], *, delimiter: str = "\t") -> bytes:
    """The unquoted file that imports take; delimiters and line breaks inside values become spaces."""
    swap = {ord(mark): " " for mark in (delimiter, "\r", "\n", "\x00")}
    lines = [delimiter.join(columns)]
    lines += [delimiter.join((row.get(name) or "").translate(swap) for name in columns) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _is_trimmed(row: Any) -> bool:
    return isinstance(row, dict) and not {str(key).lower() for key in row} >= _OFFERED_BY
