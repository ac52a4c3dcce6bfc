"""The editor of a version: the source and, beside it, what it looks like and what is wrong with it."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.kit.web import is_fragment
from tandem.messenger.accounts import service as accounts
from tandem.messenger.projects import service as projects_service
from tandem.messenger.projects.domain import EmailSource, SmsSource, VersionState
from tandem.messenger.web.pages import account_id, actor, changes, now_clock, number, page
from tandem.messenger.web.projects.looks import describe

_SOURCE = {"rows": 26, "class": "source", "spellcheck": "false", "wrap": "off"}


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
        help_text=gettext_lazy("MJML is made into HTML that fits phones and every mail program."),
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

    count_links = forms.BooleanField(
        label=gettext_lazy("Count clicks on links"),
        required=False,
        help_text=gettext_lazy(
            "Links become short ones of this server; the preview counts them. What is switched off for the "
            "account, the list or a contact is not counted."
        ),
    )

    def source(self) -> SmsSource:
        """The source as the compiler takes it."""
        return SmsSource(text=self.cleaned_data["text"], count_links=self.cleaned_data["count_links"])


STARTING = """<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text font-size="20px">Hello {{print contact.firstName "there"}}</mj-text>
        <mj-text>Write your message here.</mj-text>
        <mj-text font-size="12px"><a href="{{message.unsubscribeUrl}}">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def edit(request: HttpRequest, trigger_id: int) -> HttpResponse:
    """A form filled with a draft, the version named by `from`, the active or the newest one.

    Preview, asked for or while typing (htmx), keeps the text in a draft: nothing is sent from it until it is activated.
    """
    account = account_id(request)
    trigger = projects_service.get_trigger(account, trigger_id)
    draft = _draft(trigger, number(request.POST.get("draft") or request.GET.get("draft")))
    kind = EmailForm if trigger.channel == "email" else SmsForm
    if request.method == "GET":
        return _shown(request, trigger, draft, kind(initial=_filled(trigger, draft, request)))
    form = kind(request.POST)
    saved = _save(request, trigger_id, draft, form) if form.is_valid() else None
    if is_fragment(request):
        return render(request, "projects/_look.html", _look(request, trigger, saved or draft))
    if saved is None:
        return _shown(request, trigger, draft, form)
    if request.POST.get("do") == "preview":
        query = urlencode({"draft": saved.id, "contact": _contact(request)})
        return redirect(f"{request.path}?{query}#look")
    accounts.record(
        account,
        actor=actor(request),
        action="version saved",
        subject=f"{trigger_id}/{saved.id}",
        clock=now_clock(),
    )
    messages.success(request, _("Saved as a draft. Nothing is sent from it until you activate it."))
    return redirect("version", trigger_id, saved.id)


def _shown(request: HttpRequest, trigger: Any, draft: Any, form: Any) -> HttpResponse:
    project = projects_service.get_project(account_id(request), trigger.project_id)
    context = {**_look(request, trigger, draft), "form": form, "project": project}
    return render(request, "projects/edit.html", context, status=422 if form.errors else 200)


def _look(request: HttpRequest, trigger: Any, draft: Any) -> dict[str, Any]:
    contact = _contact(request)
    if draft is None:
        return {"trigger": trigger, "draft": None, "contact": contact}
    return {**describe(request, trigger, draft, contact), "draft": draft}


def _contact(request: HttpRequest) -> str:
    return (request.POST.get("contact") or request.GET.get("contact") or "").strip()[:150]


def _draft(trigger: Any, version_id: int) -> Any:
    return next((v for v in trigger.versions if v.id == version_id and v.state == VersionState.DRAFT), None)


def _save(request: HttpRequest, trigger_id: int, draft: Any, form: Any) -> Any:
    account, clock, name = account_id(request), now_clock(), form.cleaned_data["name"]
    try:
        if draft is None:
            return projects_service.save_draft(account, trigger_id, form.source(), name=name, clock=clock)
        return projects_service.change_draft(account, draft.id, form.source(), name=name, clock=clock)
    except Problem as problem:
        form.problem(problem)
        return None


def _filled(trigger: Any, draft: Any, request: HttpRequest) -> dict[str, Any]:
    wanted = number(request.GET.get("from")) or trigger.active_version_id
    versions = trigger.versions
    start = draft or next(
        (version for version in versions if version.id == wanted), versions[0] if versions else None
    )
    if start is None:
        return {"kind": "mjml", "body": STARTING}
    source, name = start.source, draft.name if draft else ""
    if isinstance(source, SmsSource):
        return {"name": name, "text": source.text, "count_links": source.count_links}
    return {
        "name": name,
        "subject": source.subject,
        "kind": "mjml" if source.mjml else "html",
        "body": source.mjml or source.html,
        "text": source.text,
    }
