"""The listener page: the way to the planner, the channels, the listener's address, what came in."""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.listener import service as listener_service
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, number, page, tell

_SECRET = {"autocomplete": "off"}


class ConnectionForm(TandemForm):
    """Where the planner is and how to sign in there; empty secrets keep the stored ones."""

    planner_url = forms.CharField(
        label=gettext_lazy("Planner URL"),
        max_length=500,
        error_messages={"required": gettext_lazy("Enter the address of the planner.")},
    )
    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone of the planner's account"),
        choices=[(name, name) for name in sorted(available_timezones())],
        help_text=gettext_lazy("The planner's dates and times carry no zone; they are read in this one."),
    )
    user = forms.CharField(label=gettext_lazy("User name"), required=False, max_length=150)
    password = forms.CharField(
        label=gettext_lazy("Password"), required=False, strip=False, widget=forms.PasswordInput(attrs=_SECRET)
    )
    api_key = forms.CharField(
        label=gettext_lazy("API key"),
        required=False,
        widget=forms.PasswordInput(attrs=_SECRET),
        help_text=gettext_lazy("Either an API key, or a user name with its password."),
    )
    hears = forms.ChoiceField(
        label=gettext_lazy("How campaigns are heard of"),
        required=False,
        choices=[
            ("events", gettext_lazy("The planner calls the listener URL, and is asked besides")),
            ("polling", gettext_lazy("The planner is asked; it cannot reach a listener here")),
        ],
    )
    poll_seconds = forms.IntegerField(
        label=gettext_lazy("Ask the planner every, seconds"),
        required=False,
        min_value=10,
        max_value=3600,
        help_text=gettext_lazy("A foreign planner may allow only so many calls."),
    )
    overlap_seconds = forms.IntegerField(
        label=gettext_lazy("Overlap after a rotation, seconds"),
        min_value=0,
        max_value=30 * 86400,
        help_text=gettext_lazy("How long a replaced listener URL still answers."),
        error_messages={"required": gettext_lazy("Enter the seconds, 0 for none.")},
    )


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def listener(request: HttpRequest) -> HttpResponse:
    """Everything about the listener; a POST saves the way to the planner."""
    account = account_id(request)
    view = listener_service.overview(account, clock=now_clock())
    form = (
        ConnectionForm(request.POST)
        if request.method == "POST"
        else ConnectionForm(initial=_initial(request, view))
    )
    if request.method == "POST" and form.is_valid() and _save(request, form):
        return redirect("listener")
    return _show(request, view, form, status=422 if form.errors else 200)


@require_POST
@page
@changes("connection")
def act(request: HttpRequest) -> HttpResponse:
    """Register, unregister, rotate, test, bind or unbind a channel, fetch or ask about a held campaign again."""
    verb = request.POST.get("do", "")
    account, clock = account_id(request), now_clock()
    try:
        if verb == "profile":
            return _profile(request)
        if verb == "test":
            steps = listener_service.check(account, clock=clock)
            view = listener_service.overview(account, clock=clock)
            return _show(request, view, ConnectionForm(initial=_initial(request, view)), steps=steps)
        _VERBS.get(verb, _nothing)(request)
    except Problem as problem:
        tell(request, problem)
    else:
        accounts.record(
            account, actor=actor(request), action=f"listener {verb}"[:60], subject="", clock=clock
        )
    return redirect("listener")


def _profile(request: HttpRequest) -> HttpResponse:
    """Keep a pasted or uploaded profile; a wrong one comes back with what is wrong."""
    account = account_id(request)
    uploaded = request.FILES.get("file")
    text = (
        uploaded.read(64 * 1024 + 1).decode("utf-8", "replace")
        if uploaded
        else request.POST.get("profile", "")
    )
    try:
        listener_service.set_profile(account, text)
    except Problem as problem:
        view = listener_service.overview(account, clock=now_clock())
        form = ConnectionForm(initial=_initial(request, view))
        return _show(request, view, form, status=422, profile=text, profile_problem=problem)
    accounts.record(account, actor=actor(request), action="listener profile", subject="", clock=now_clock())
    messages.success(request, _("The profile is kept. Test the connection."))
    return redirect("listener")


def _show(
    request: HttpRequest, view: Any, form: ConnectionForm, *, status: int = 200, steps: Any = (), **more: Any
) -> HttpResponse:
    context = {"view": view, "form": form, "steps": steps, "may_change": may(request, "connection")}
    context |= {"profile": view.connection.profile if view.connection else ""} | more
    return render(request, "listener/listener.html", context, status=status)


def _initial(request: HttpRequest, view: Any) -> dict[str, object]:
    if view.connection is None:
        zone = accounts.get_account(account_id(request)).zone
        return {"zone": zone, "overlap_seconds": 86400, "hears": "events", "poll_seconds": 60}
    known = view.connection
    return {
        "planner_url": known.planner_url,
        "zone": known.zone,
        "user": known.user,
        "overlap_seconds": known.overlap_seconds,
        "hears": known.hears,
        "poll_seconds": known.poll_seconds,
    }


def _save(request: HttpRequest, form: ConnectionForm) -> bool:
    account = account_id(request)
    try:
        listener_service.connect_planner(account, **form.cleaned_data)
    except Problem as problem:
        form.problem(problem)
        return False
    accounts.record(account, actor=actor(request), action="planner connected", subject="", clock=now_clock())
    messages.success(request, _("Saved. Test the connection, then register the listener."))
    return True


def _register(request: HttpRequest) -> None:
    _told(
        request,
        listener_service.register(account_id(request), clock=now_clock()),
        _("Registered at the planner."),
    )


def _unregister(request: HttpRequest) -> None:
    done = listener_service.unregister(account_id(request), clock=now_clock())
    _told(request, done, _("Unregistered. The planner no longer tells this account of its campaigns."))


def _rotate(request: HttpRequest) -> None:
    listener_service.rotate(account_id(request), clock=now_clock())
    messages.success(request, _("The listener has a new URL. The old one answers until the overlap ends."))


def _bind(request: HttpRequest) -> None:
    kind = "sms" if request.POST.get("kind") == "sms" else "email"
    listener_service.bind_channel(account_id(request), number(request.POST.get("channel_id")), kind)
    messages.success(request, _("Channel added. Register the listener for it."))


def _unbind(request: HttpRequest) -> None:
    listener_service.unbind_channel(account_id(request), number(request.POST.get("channel_id")))
    messages.success(request, _("Channel taken away."))


def _retry(request: HttpRequest) -> None:
    listener_service.retry(account_id(request), number(request.POST.get("inbox")), clock=now_clock())
    messages.success(request, _("The campaign is fetched again now."))


def _look(request: HttpRequest) -> None:
    held = number(request.POST.get("cancellation"))
    listener_service.look_again(account_id(request), held, clock=now_clock())
    messages.success(request, _("The planner is asked again now."))


def _nothing(request: HttpRequest) -> None:
    messages.error(request, _("Nothing was chosen. Use one of the buttons."))


def _told(request: HttpRequest, done: Any, words: str) -> None:
    wrong = [f"{row.kind} {row.channel_id}: {row.problem}" for row in done if row.problem]
    if wrong:
        messages.error(request, " ".join(wrong))
    else:
        messages.success(request, words)


_VERBS: dict[str, Callable[[HttpRequest], None]] = {
    "register": _register,
    "unregister": _unregister,
    "rotate": _rotate,
    "bind": _bind,
    "unbind": _unbind,
    "retry": _retry,
    "look": _look,
}
