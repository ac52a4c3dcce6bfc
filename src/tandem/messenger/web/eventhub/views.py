"""The event hub: which selector does what, and what became of the latest events."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.contacts import service as contacts
from tandem.messenger.eventhub import service as hub
from tandem.messenger.projects import service as projects
from tandem.messenger.web.pages import account_id, changes, may, note, now_clock, number, page, tell

_SHOWN = ("done", "kept", "failed")


class MappingForm(TandemForm):
    """What is done with events of a selector, and where."""

    selector = forms.CharField(
        label=gettext_lazy("Selector"),
        max_length=200,
        help_text=gettext_lazy(
            "The word in an event's MappingSelector, which your systems choose; of events without one, their Type."
        ),
        error_messages={"required": gettext_lazy("Enter the selector as events name it.")},
    )
    do = forms.ChoiceField(
        label=gettext_lazy("What is done"),
        error_messages={"required": gettext_lazy("Choose what is done with such events.")},
    )

    def __init__(self, *args: object, account: int, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["do"].choices = targets(account)  # type: ignore[attr-defined]


def targets(account: int) -> list[tuple[str, str]]:
    """(action and id, words) of everything that a mapping can do."""
    lists = contacts.list_lists(account)
    return [
        *((f"create-user {one.id}", _("Make or change the contact in %s") % one.name) for one in lists),
        *((f"update-user {one.id}", _("Change a known contact in %s") % one.name) for one in lists),
        *(
            (f"send-trigger {one.id}", _("Send the message %s") % one.name)
            for one in projects.list_triggers(account)
        ),
    ]


@require_http_methods(["GET", "POST"])
@page
@changes("connection")
def event_hub(request: HttpRequest) -> HttpResponse:
    """Mappings and the latest events; a POST adds a mapping."""
    account = account_id(request)
    form = MappingForm(request.POST or None, account=account)
    if request.method == "POST" and form.is_valid():
        action, target = form.cleaned_data["do"].split(" ")
        try:
            view = hub.add_mapping(
                account,
                selector=form.cleaned_data["selector"],
                action=action,
                target=int(target),
                clock=now_clock(),
            )
        except Problem as problem:
            form.problem(problem)
        else:
            note(request, "event hub mapping made", view.selector)
            return redirect("event-hub")
    state = request.GET.get("state", "")
    words = dict(targets(account))
    context = {
        "form": form,
        "mappings": [
            (one, words.get(f"{one.action.value} {one.target}", f"{one.action.words} {one.target}"))
            for one in hub.mappings(account)
        ],
        "events": hub.events(account, state=state if state in _SHOWN else ""),
        "state": state if state in _SHOWN else "",
        "states": _SHOWN,
        "address": f"/rest/{account}/eventhub/events",
        "may_change": may(request, "connection"),
    }
    return render(request, "eventhub/hub.html", context, status=422 if form.errors else 200)


@require_POST
@page
@changes("connection")
def act(request: HttpRequest) -> HttpResponse:
    """Take a mapping away, or take an event up again."""
    account, verb = account_id(request), request.POST.get("do", "")
    id_ = number(request.POST.get("id"))
    try:
        if verb == "unmap":
            hub.remove_mapping(account, id_)
            note(request, "event hub mapping removed", str(id_))
        elif verb == "take-up":
            view = hub.take_up(account, id_, clock=now_clock())
            note(request, "event taken up", str(id_))
            messages.info(request, view.words)
    except Problem as problem:
        tell(request, problem)
    return redirect("event-hub")
