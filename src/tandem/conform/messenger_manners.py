"""How a foreign messenger behaves beside its calls: signing in, paging, empty lists, trimmed answers, errors."""

from typing import Any

from tandem.clients.messenger_problems import MessengerRefusedPassword
from tandem.conform.findings import Finding, Mend, Note
from tandem.conform.judging import by_profile, finding
from tandem.conform.messenger_values import Values
from tandem.conform.talk import MessengerTalk, NotAMessenger, Seen
from tandem.contract.messenger_api import TOKEN_HEADER
from tandem.contract.messenger_calls import BY_NAME

HEADERS = (("", ""), ("Authorization", "Bearer "), ("Authorization", ""), ("X-Authorization-Token", ""))
#: names of the parameters for rows at once and where to go on, and what the latter counts
PAGING = (
    ("pageSize", "lastId", "ids"),
    ("limit", "after", "ids"),
    ("limit", "lastId", "ids"),
    ("pageSize", "page", "pages"),
    ("size", "page", "pages"),
    ("limit", "offset", "rows"),
    ("top", "skip", "rows"),
)
NOBODY = 2_000_000_011
MOST = 1000
_NEEDED = ("id", "projectId", "channelTypeId", "activeCampaign", "active")
_CONTACTS = "lists/{listId}/contacts/all"


class MessengerManners:
    """Finds them out and keeps what a profile can mend."""

    def __init__(self, talk: MessengerTalk, values: Values) -> None:
        self._talk, self._values = talk, values
        self._empty = ""

    def sign_in(self) -> tuple[Finding, ...]:
        """Which header the token goes in. Raises NotAMessenger, MessengerRefusedPassword."""
        seen = Seen(status=0)
        for name, prefix in HEADERS if self._talk.token else HEADERS[:1]:
            self._talk.learn(token_header=name, token_prefix=prefix)
            seen = self._first()
            if seen.status not in (401, 403):
                break
        if seen.status in (401, 403):
            raise MessengerRefusedPassword(
                f"The messenger refused the credentials or the customer ID ({seen.status}).",
                "Check the customer ID, and the token or the user name and password.",
            )
        if seen.status != 200 or seen.trouble:
            raise NotAMessenger(
                f"Nothing answers as a messenger does: {seen.trouble or seen.status}.",
                "Check the URL; it usually ends in /rest.",
            )
        header = self._talk.profile.token_header
        said = f"{header}: {self._talk.profile.token_prefix}<token>"
        return (
            finding("sign in", [by_profile("header", f"{TOKEN_HEADER}: <token>", said)] if header else []),
        )

    def _first(self) -> Seen:
        seen = self._talk.ask("GET", "apiurl")
        absent = seen.status in (404, 405, 501) and not seen.trouble
        return self._talk.ask("GET", "triggers", {"basic": "true"}) if absent else seen

    def look_at_empty(self) -> tuple[Finding, ...]:
        """What an empty list is answered with: the triggers of a project that there is not."""
        seen = self._talk.ask("GET", "triggers", {"projectId": NOBODY, "basic": "true"})
        if seen.status == 200 and not seen.trouble:
            return (finding("empty list", []),)
        if seen.status in (204, 400, 404):
            self._empty = seen.text
            self._talk.learn(empty_status=(seen.status,))
            return (finding("empty list", [by_profile("empty list", "200 []", str(seen.status))]),)
        return (finding("empty list", [_note("empty list", "200 []", str(seen.status), Mend.NONE)]),)

    def is_empty(self, seen: Seen) -> bool:
        """Whether a status that is no success means an empty list."""
        return seen.status in self._talk.profile.empty_status and seen.text == self._empty

    def trimmed(self) -> Finding:
        """Whether basic=true leaves out what the drop-down needs."""
        seen = self._talk.ask("GET", "triggers", {"basic": "true"})
        rows = self._mended(seen)
        left_out = sorted({key for row in rows for key in _NEEDED if key.lower() not in row})
        note = _note("basic=true", "what the templates need", f"without {', '.join(left_out)}", Mend.CARE)
        return finding("basic", [note] if left_out else [])

    def paging(self) -> Finding:
        """Names of the parameters, the largest page, what comes after the last contact."""
        notes = self._names()
        if self._talk.profile.counts == "ids" and not any(note.mend is Mend.NONE for note in notes):
            notes += self._size()
        return finding("paging", notes)

    def _names(self) -> list[Note]:
        known = self._talk.profile
        whole: list[int] = []
        for top, skip, counts in PAGING:
            self._talk.learn(top=top, skip=skip, counts=counts)
            first = self._ids(-1, 0, 2)
            if not first:
                break
            second = self._ids(max(first), len(first), 2)
            if len(first) <= 2 and not set(first) & set(second):
                if (top, skip, counts) == PAGING[0]:
                    return []
                size = {"size": MOST} if counts == "pages" else {}
                self._talk.learn(**size)
                return [by_profile("paging", "pageSize and lastId", f"{top} and {skip}")]
            whole = first
        self._talk.learn(top=known.top, skip=known.skip, counts=known.counts)
        if not whole:
            return []
        if len(whole) == self._told():
            self._talk.learn(counts="none")
            return [by_profile("paging", "pageSize and lastId", "the list comes whole")]
        return [_note("paging", "pageSize and lastId", "neither is heeded", Mend.NONE)]

    def _size(self) -> list[Note]:
        found = self._ids(-1, 0, MOST)
        if not found or len(found) >= MOST:
            return []
        if not self._ids(max(found), len(found), MOST):
            return []
        return [_note("page", f"{MOST:,} rows at once", f"{len(found):,} at most", Mend.CARE)]

    def _ids(self, last: int, read: int, size: int) -> list[int]:
        query = self._values.contacts(self._talk.profile.page_after(last, read, int(read > 0), size))
        rows = self._mended(self._ask(_CONTACTS, query))
        return [int(number) for row in rows if (number := str(row.get("id"))).isdigit()]

    def _told(self) -> int:
        rows = self._mended(self._ask("lists/{listId}", {}))
        told = str(rows[0].get("contacts")) if rows else ""
        return int(told) if told.isdigit() else -1

    def _ask(self, path: str, query: dict[str, Any]) -> Seen:
        return self._talk.at("GET", path, self._values.found, query)

    def _mended(self, seen: Seen) -> list[dict[str, Any]]:
        """The objects of an answer in the contract's words, keys in lower case."""
        if seen.status != 200 or seen.trouble:
            return []
        try:
            document = self._talk.profile.mended(seen.raw)
        except (ValueError, OverflowError, OSError):
            document = seen.document
        rows = document if isinstance(document, list) else [document]
        return [
            {str(key).lower(): value for key, value in row.items()} for row in rows if isinstance(row, dict)
        ]

    def errors(self) -> Finding:
        """Answers to what is not there."""
        notes = []
        for path in ("triggers/{triggerId}", "lists/{listId}"):
            places = dict.fromkeys(BY_NAME[f"GET /{path}"].places, NOBODY)
            seen = self._talk.at("GET", path, places, {})
            if seen.status not in (400, 404):
                notes.append(_note(path.split("/")[0], "404", f"{seen.status}", Mend.NOT_NEEDED))
            elif not (isinstance(seen.raw, dict) and "error" in seen.raw):
                notes.append(_note(path.split("/")[0], '{"error": ...}', "another body", Mend.CARE))
        return finding("errors", notes)


def _note(path: str, expected: str, seen: str, mend: Mend) -> Note:
    return Note(path=path, expected=expected, seen=seen, mend=mend)
