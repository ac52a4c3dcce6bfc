"""The overview: what needs a person, what is sent today, how old the data is."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from tandem.messenger.accounts import service as accounts
from tandem.messenger.alarms import service as alarms
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery import service as delivery
from tandem.messenger.listener import service as listener_service
from tandem.messenger.projects import service as projects
from tandem.messenger.record import service as record
from tandem.messenger.web.pages import account_id, now_clock, page


@dataclass(frozen=True)
class Step:
    """One line of the first-run checklist."""

    done: bool
    title: str
    words: str
    url: str
    action: str


@dataclass(frozen=True)
class Concern:
    """Something that waits for a person."""

    words: str
    url: str
    action: str


@require_GET
@page
def overview(request: HttpRequest) -> HttpResponse:
    """Attention, today, data age; on a fresh account the checklist."""
    account = account_id(request)
    listener = listener_service.overview(account, clock=now_clock())
    sendings = delivery.list_sendings(account, limit=100)
    lists = contacts.list_lists(account)
    zone = ZoneInfo(accounts.get_account(account).zone)
    today = now_clock().business().astimezone(zone).date()
    steps = _steps(listener, lists, projects.list_triggers(account), sendings)
    context = {
        "concerns": [
            *_concerns_of_alarms(account),
            *_concerns_of_record(account),
            *_concerns_of_listener(listener),
            *_concerns_of_sendings(account, sendings),
        ],
        "today": [sending for sending in sendings if sending.due_at.astimezone(zone).date() == today],
        "recent": [sending for sending in sendings if sending.due_at.astimezone(zone).date() != today][:5],
        "lists": lists,
        "listener": listener,
        "steps": steps,
        "steps_done": sum(step.done for step in steps),
    }
    return render(request, "overview/overview.html", context)


def _steps(listener: Any, lists: Any, triggers: Any, sendings: Any) -> list[Step]:
    registered = bool(listener.bindings) and all(row.registered_at for row in listener.bindings)
    active = any(trigger.active_version_id for trigger in triggers)
    return [
        Step(any(row.contacts for row in lists), _("Bring contacts"), _("A list with people in it."),
             reverse("lists"), _("Open lists")),
        Step(active, _("Activate a trigger"), _("An email or SMS that can be sent."),
             reverse("projects"), _("Open projects")),
        Step(listener.connection is not None, _("Connect the planner"), _("Its address and a way to sign in."),
             reverse("listener"), _("Open the listener")),
        Step(registered, _("Register the listener"), _("So that the planner tells of its campaigns."),
             reverse("listener"), _("Open the listener")),
        Step(bool(sendings), _("Send the first campaign"), _("Planned in the planner; it appears here by itself."),
             reverse("sendings"), _("Open sendings")),
    ]  # fmt: skip


def _concerns_of_alarms(account: int) -> list[Concern]:
    number = alarms.book.open_count(account)
    words = ngettext("%(n)s alarm is open.", "%(n)s alarms are open.", number) % {"n": number}
    return [Concern(words, reverse("alarms"), _("See what to do"))] if number else []


def _concerns_of_record(account: int) -> list[Concern]:
    """Numbers that do not add up come before all else."""
    return [
        Concern(
            _("The numbers of sending %(id)s do not add up: %(why)s")
            % {"id": one.sending_id, "why": " ".join(one.breaches)[:300]},
            reverse("sending", args=[one.sending_id]),
            _("Look"),
        )
        for one in record.breached(account)
    ]


def _concerns_of_listener(listener: Any) -> list[Concern]:
    url, found = reverse("listener"), []
    if listener.connection is not None and listener.connection.last_problem:
        words = _("The planner could not be asked: %(why)s") % {"why": listener.connection.last_problem}
        found.append(Concern(words, url, _("Open the listener")))
    found += [
        Concern(f"{row.kind} {row.channel_id}: {row.problem}", url, _("Register again"))
        for row in listener.bindings
        if row.problem
    ]
    found += [
        Concern(
            _("Campaign %(id)s is held: %(why)s") % {"id": row.campaign_id, "why": row.problem},
            f"{url}#inbox",
            _("Look"),
        )
        for row in listener.inbox
        if row.state in {"held", "refused"}
    ]
    found += [
        Concern(
            _("Whether campaign %(id)s is cancelled cannot be read: %(why)s")
            % {"id": row.campaign_id, "why": row.problem},
            f"{url}#cancelled",
            _("Look"),
        )
        for row in listener.cancellations
        if row.state == "held"
    ]
    return found


def _concerns_of_sendings(account: int, sendings: Any) -> list[Concern]:
    found = []
    if delivery.is_held(account):
        found.append(Concern(_("All sending of this account is held."), reverse("sendings"), _("Release")))
    for sending in sendings:
        url, name = reverse("sending", args=[sending.id]), sending.name or sending.source_key
        if sending.uncertain:
            words = ngettext(
                "%(name)s: %(n)s message is uncertain.",
                "%(name)s: %(n)s messages are uncertain.",
                sending.uncertain,
            )
            found.append(
                Concern(words % {"name": name, "n": sending.uncertain}, f"{url}?state=uncertain", _("Look"))
            )
        if sending.state == "paused":
            found.append(Concern(_("%(name)s is paused.") % {"name": name}, url, _("Open")))
        if sending.state == "missed":
            found.append(
                Concern(_("%(name)s was missed: too late to send.") % {"name": name}, url, _("Open"))
            )
    return found[:20]
