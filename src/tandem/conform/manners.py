"""How a foreign planner behaves beside its functions: signing in, envelopes, paging, empty lists, errors."""

from typing import Any

from tandem.clients.planner_problems import PlannerRefusedLogin
from tandem.conform.findings import Finding, Mend, Note, Verdict
from tandem.conform.judging import by_profile, finding
from tandem.conform.planner_values import Values
from tandem.conform.talk import NotAPlanner, PlannerTalk, Seen
from tandem.contract.planner_api import DETAILS_PAGE, TOKEN_HEADER
from tandem.contract.planner_functions import WireFunction
from tandem.contract.shapes import words_of

VERSIONS = ("current", "v3.0", "v1.6", "")
HEADERS = (("", ""), ("Authorization", "Bearer "), ("Authorization", ""), ("X-Authorization-Token", ""))
PAGING = (("$top", "$skip"), ("top", "skip"), ("limit", "offset"), ("take", "skip"), ("pageSize", "page"))
SIZES = (DETAILS_PAGE, 10_000, 5_000, 1_000, 500, 200, 100, 50)
NOBODY = 2_000_000_011


class Manners:
    """Finds them out and keeps what a profile can mend."""

    def __init__(self, talk: PlannerTalk) -> None:
        self._talk = talk
        self._no_length = False
        self._unknown, self._empty = "", ""

    def sign_in(self) -> tuple[Finding, ...]:
        """The version, the token and its header. Raises NotAPlanner, PlannerRefusedLogin."""
        notes: list[Note] = []
        seen = self._first_answer()
        if self._talk.profile.version != "current":
            known = self._talk.profile.version
            notes.append(
                by_profile("version", "/current/ is answered", f"only /{known}/ is" if known else "none is")
            )
        if self._talk.key:
            if seen.status in (401, 403):
                raise PlannerRefusedLogin(
                    f"The planner refused the API key ({seen.status}).", "Check the key."
                )
            why = "an API key is used"
            return (
                *_convention("version", notes),
                Finding(name="general/login", verdict=Verdict.NOT_TRIED, why=why),
            )
        login = self._token(seen)
        login += self._header()
        return (
            *_convention("version", notes),
            Finding(
                name="general/login", verdict=Verdict.DIFFERS if login else Verdict.AGREES, notes=tuple(login)
            ),
        )

    def _first_answer(self) -> Seen:
        body = {"Username": self._talk.user, "Password": self._talk.password}
        seen = Seen(status=0)
        for version in VERSIONS:
            self._talk.learn(version=version)
            if self._talk.key:
                seen = self._talk.ask("GET", "general/GetLastDataUpdate")
            else:
                path = self._talk.profile.path("general/login")
                seen = self._talk.call("POST", path, None, body, {})
            if seen.status == 0:
                break
            if seen.status not in (404, 405) and not seen.trouble:
                return seen
        raise NotAPlanner(
            f"Nothing answers as a planner does: {seen.trouble or seen.status}.",
            "Check the address; it has no path, as in https://api5.optimove.net.",
        )

    def _token(self, seen: Seen) -> list[Note]:
        if seen.status != 200:
            raise PlannerRefusedLogin(
                f"The planner refused the login ({seen.status}).", "Check the user name and the password."
            )
        if isinstance(seen.document, str):
            self._talk.token = seen.document
            return []
        key = _token_key(seen.document)
        if not key:
            raise PlannerRefusedLogin(f"The login answers {words_of(seen.document)}; no token is in it.")
        self._talk.learn(token_key=key)
        self._talk.token = str(seen.document[key])
        return [by_profile("$", "the token, a string", words_of(seen.document))]

    def _header(self) -> list[Note]:
        for name, prefix in HEADERS:
            self._talk.learn(token_header=name, token_prefix=prefix)
            if self._talk.ask("GET", "general/GetLastDataUpdate").status not in (401, 403):
                if not name:
                    return []
                return [by_profile("header", f"{TOKEN_HEADER}: <token>", f"{name}: {prefix}<token>")]
        self._talk.learn(token_header="", token_prefix="")
        return [Note(path="header", expected=TOKEN_HEADER, seen="the token is refused", mend=Mend.NONE)]

    def is_absent(self, seen: Seen) -> bool:
        """Whether a 404 means that the function is not there, and not that its list is empty."""
        if seen.status != 404 or 404 not in self._talk.profile.empty_status:
            return seen.status == 404
        if not self._unknown:
            self._unknown = self._talk.ask("GET", "general/NoSuchFunction").text or "404"
        return seen.text == self._unknown != self._empty

    def length_note(self, seen: Seen) -> tuple[Note, ...]:
        """Told once, where it is seen first."""
        if seen.has_length or self._no_length:
            return ()
        self._no_length = True
        return (Note(path="header", expected="Content-Length", seen="none", mend=Mend.CARE),)

    def paging(self, function: WireFunction, query: dict[str, Any]) -> Finding:
        """Names of the parameters, the largest page, what comes after the last row."""
        notes = [*self._names(function, query), *self._size(function, query), *self._after(function, query)]
        return finding("paging", notes)

    def _names(self, function: WireFunction, query: dict[str, Any]) -> list[Note]:
        for top, skip in PAGING:
            first = self._rows(function, query | {top: 1, skip: 0 if skip != "page" else 1})
            second = self._rows(function, query | {top: 1, skip: 1 if skip != "page" else 2})
            if len(first) <= 1 and (not first or first != second):
                if (top, skip) == PAGING[0]:
                    return []
                self._talk.learn(top=top, skip=skip, counts="pages" if skip == "page" else "rows")
                return [by_profile("paging", "$top and $skip", f"{top} and {skip}")]
        note = Note(path="paging", expected="$top and $skip", seen="neither is heeded", mend=Mend.NONE)
        return [] if len(self._rows(function, query)) <= 1 else [note]

    def _size(self, function: WireFunction, query: dict[str, Any]) -> list[Note]:
        for size in SIZES:
            seen = self._talk.ask("GET", function.path, query | self._talk.profile.page(0, size))
            if seen.status == 200:
                paged = self._talk.profile.counts == "pages"
                if size == SIZES[0] and not paged:
                    return []
                self._talk.learn(size=1000 if size == SIZES[0] else size)
                return (
                    []
                    if size == SIZES[0]
                    else [by_profile("page", f"{SIZES[0]:,} rows at once", f"{size:,} at most")]
                )
        return [Note(path="page", expected="pages of any size", seen=f"{seen.status}", mend=Mend.NONE)]

    def _after(self, function: WireFunction, query: dict[str, Any]) -> list[Note]:
        size = self._talk.profile.size or 1000
        seen = self._talk.ask("GET", function.path, query | self._talk.profile.page(size * 100_000, size))
        if seen.status == 200 and seen.document == []:
            return []
        if seen.status in (404, 400) or (seen.status == 200 and seen.document is None):
            self._empty = seen.text
            self._talk.learn(empty_status=(404,) if seen.status == 200 else (seen.status,))
            words = "null or nothing" if seen.status == 200 else str(seen.status)
            return [by_profile("empty list", "200 []", words)]
        return [Note(path="empty list", expected="200 []", seen=f"{seen.status}", mend=Mend.NONE)]

    def _rows(self, function: WireFunction, query: dict[str, Any]) -> list[Any]:
        found = self._talk.ask("GET", function.path, query).document
        return found if isinstance(found, list) else []

    def conventions(self, values: Values) -> tuple[Finding, ...]:
        """Answers to what is wrong, and addresses in any case."""
        details = "actions/GetCampaignDetails"
        barred = self._talk.ask("GET", details, {"CampaignID": NOBODY})
        if barred.status in (401, 403):
            return ()
        notes = []
        if barred.status not in (404, 400):
            note = Note(path="unknown id", expected="404", seen=f"{barred.status}", mend=Mend.NOT_NEEDED)
            notes.append(note)
        missing = self._talk.ask("GET", details)
        if missing.status != 400:
            note = Note(
                path="missing parameter", expected="400", seen=f"{missing.status}", mend=Mend.NOT_NEEDED
            )
            notes.append(note)
        if "CampaignID" in values.found:
            query = {"campaignid": values.found["CampaignID"]}
            if self._talk.ask("GET", details.lower(), query).status != 200:
                note = Note(path="case", expected="any case", seen="only as written", mend=Mend.NOT_NEEDED)
                notes.append(note)
        return (finding("errors and addresses", notes),)


def _token_key(document: Any) -> str:
    fields = document if isinstance(document, dict) else {}
    named = [key for key, value in fields.items() if isinstance(value, str) and "token" in str(key).lower()]
    long = [key for key, value in fields.items() if isinstance(value, str) and len(value) >= 20]
    return str((named or long or [""])[0])


def _convention(name: str, notes: list[Note]) -> tuple[Finding, ...]:
    return (finding(name, notes),) if notes else ()
