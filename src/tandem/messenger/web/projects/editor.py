"""The editor of a new version: saves a draft, then shows it with its faults, if any."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.projects import service as projects_service
from tandem.messenger.projects.domain import EmailSource, SmsSource
from tandem.messenger.web.pages import account_id, actor, changes, now_clock, number, page

_SOURCE = {"rows": 20, "class": "source", "spellcheck": "false", "wrap": "off"}


class EmailForm(TandemForm):
    """The source of an email."""

    name = forms.CharField(label=gettext_lazy("Name of the version"), required=False, max_length=200)
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=998,
        error_messages={"required": gettext_lazy("Give the email a subject.")},
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Language of the body"),
        choices=[("mjml", "MJML"), ("html", "HTML")],
        widget=forms.Select,
    )
    body = forms.CharField(
        label=gettext_lazy("Body"),
        widget=forms.Textarea(attrs=_SOURCE),
        strip=False,
        error_messages={"required": gettext_lazy("Write the body of the email.")},
    )
    text = forms.CharField(
        label=gettext_lazy("Text part"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "source", "spellcheck": "false"}),
    )

    def source(self) -> EmailSource:
        """The source as the compiler takes it."""
        data = self.cleaned_data
        return EmailSource(
            subject=data["subject"],
            text=data["text"],
            mjml=data["body"] if data["kind"] == "mjml" else "",
            html=data["body"] if data["kind"] == "html" else "",
        )


class SmsForm(TandemForm):
    """The source of an SMS."""

    name = forms.CharField(label=gettext_lazy("Name of the version"), required=False, max_length=200)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "source"}),
        error_messages={"required": gettext_lazy("Write the text of the SMS.")},
    )

    def source(self) -> SmsSource:
        """The source as the compiler takes it."""
        return SmsSource(text=self.cleaned_data["text"])


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def edit(request: HttpRequest, trigger_id: int) -> HttpResponse:
    """A form filled with the version named by `from`, else the active or the newest one."""
    trigger = projects_service.get_trigger(account_id(request), trigger_id)
    kind = EmailForm if trigger.channel == "email" else SmsForm
    form = kind(request.POST) if request.method == "POST" else kind(initial=_filled(trigger, request))
    if request.method == "POST" and form.is_valid():
        saved = _save(request, trigger_id, form)
        if saved is not None:
            return redirect("version", trigger_id, saved)
    return render(
        request, "projects/edit.html", {"trigger": trigger, "form": form}, status=422 if form.errors else 200
    )


def _save(request: HttpRequest, trigger_id: int, form: Any) -> int | None:
    account, clock = account_id(request), now_clock()
    try:
        saved = projects_service.save_draft(
            account, trigger_id, form.source(), name=form.cleaned_data["name"], clock=clock
        )
    except Problem as problem:
        form.problem(problem)
        return None
    accounts.record(
        account, actor=actor(request), action="version saved", subject=f"{trigger_id}/{saved.id}", clock=clock
    )
    messages.success(request, _("Saved as a draft. Nothing is sent from it until you activate it."))
    return int(saved.id)


def _filled(trigger: Any, request: HttpRequest) -> dict[str, str]:
    wanted = number(request.GET.get("from")) or trigger.active_version_id
    versions = trigger.versions
    start = next((version for version in versions if version.id == wanted), versions[0] if versions else None)
    if start is None:
        return {"kind": "mjml"}
    source = start.source
    if isinstance(source, SmsSource):
        return {"text": source.text}
    return {
        "subject": source.subject,
        "kind": "mjml" if source.mjml else "html",
        "body": source.mjml or source.html,
        "text": source.text,
    }
