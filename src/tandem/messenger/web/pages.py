"""What every page of the messenger shares: sign-in, roles, paging, refusals as sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from tandem.kit import clock
from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Problem
from tandem.messenger.accounts import service as accounts

PAGE = 50

View = Callable[Concatenate[HttpRequest, ...], HttpResponse]
#: who may change what; everyone who is signed in may look
MAY_CHANGE = {
    "content": {"administrator", "editor", "engineer"},
    "sending": {"administrator", "editor", "engineer"},
    "connection": {"administrator", "engineer"},
    "users": {"administrator"},
}


def account_id(request: HttpRequest) -> int:
    """The account of the signed-in user: the only one its pages may show."""
    return cast(int, cast(Any, request.user).account_id)


def actor(request: HttpRequest) -> str:
    """The user as the activity log names them."""
    return str(cast(Any, request.user).email)


def now_clock() -> Clock:
    """This process's clock."""
    return clock.from_environment()


def may(request: HttpRequest, what: str) -> bool:
    """Whether the user's role allows changing `what`."""
    return str(getattr(request.user, "role", "")) in MAY_CHANGE[what]


def page(view: View) -> View:
    """A page for signed-in users, in the account's zone, kept out of shared caches."""

    @login_required
    @wraps(view)
    def run(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        with timezone.override(ZoneInfo(cast(Any, request.user).account.zone)):
            answer = view(request, *arguments, **named)
        answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer

    return run


def changes(what: str) -> Callable[[View], View]:
    """A view whose POST needs a role that may change `what`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def run(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
            if request.method == "POST" and not may(request, what):
                raise NotAllowed(
                    _("Your role may look at this, not change it."),
                    _("Ask an administrator of your account."),
                )
            return view(request, *arguments, **named)

        return run

    return decorate


class NotAllowed(Problem):
    """The user's role does not allow this."""

    title = "Not allowed"
    status = 403


def note(request: HttpRequest, action: str, subject: object) -> None:
    """Write down that the signed-in user did this."""
    accounts.record(
        account_id(request),
        actor=actor(request),
        action=action,
        subject=str(subject)[:200],
        clock=now_clock(),
    )


def tell(request: HttpRequest, problem: Problem) -> None:
    """Show the problem on the next page."""
    messages.error(request, f"{problem.detail} {problem.advice}".strip())


def number(text: str | None, *, default: int = 0) -> int:
    """A number of the query; anything else is the default."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else default


def wanted(found: Any, what: str) -> Any:
    """The thing, or NotFound in words."""
    if found is None:
        raise NotFound(
            _("There is no such %(what)s in your account.") % {"what": what}, _("Go back to the list.")
        )
    return found


@dataclass(frozen=True)
class Slice:
    """One page of a long list: its rows, and where the next and the previous page begin."""

    rows: Sequence[Any]
    offset: int
    next: int | None
    previous: int | None

    @property
    def first(self) -> int:
        """Number of the first row, from 1."""
        return self.offset + 1

    @property
    def last(self) -> int:
        """Number of the last row."""
        return self.offset + len(self.rows)


def slice_of(rows: Sequence[Any], offset: int, size: int = PAGE) -> Slice:
    """A page from `size + 1` rows read at `offset`; the extra one tells whether more follow."""
    more = len(rows) > size
    return Slice(
        rows[:size], offset, offset + size if more else None, max(0, offset - size) if offset else None
    )
