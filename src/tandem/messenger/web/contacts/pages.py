"""What people see when they unsubscribe: the account's page, a list's, a project's; with a preview."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.projects import service as projects
from tandem.messenger.subscriptions import service as subscriptions
from tandem.messenger.subscriptions import showing
from tandem.messenger.subscriptions.domain import (
    LANGUAGES,
    MOST_HEADING,
    MOST_TEXT,
    OwnWords,
    PageSettings,
    language_named,
    words_of,
)
from tandem.messenger.web.pages import account_id, actor, changes, may, now_clock, page


class PageForm(TandemForm):
    """The settings of one level; heading and text are those of the language being edited."""

    heading = forms.CharField(label=gettext_lazy("Heading"), required=False, max_length=MOST_HEADING)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "Plain text above the question. Empty: the next level's words, then the usual ones."
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language where neither person nor browser says one"),
        required=False,
        choices=[
            ("", gettext_lazy("As the next level")),
            *((code, words_of(code)["language"]) for code in LANGUAGES),
        ],
    )
    external_url = forms.CharField(
        label=gettext_lazy("Page elsewhere"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "https only. The link in messages leads there; {originalId} (the customer id), {listId} and "
            "{unsubscribeUrl} are filled in. The unsubscribe button of mail programs still comes to us."
        ),
    )


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def unsubscribe_page(
    request: HttpRequest, list_id: int | None = None, project_id: int | None = None
) -> HttpResponse:
    """Look at and change what one level says."""
    account, level = account_id(request), {"list_id": list_id, "project_id": project_id}
    found = subscriptions.page_of_level(account, **level)
    language = language_named(request.GET.get("lang", "")[:12]) or found.language or "en"
    own = found.words.get(language, OwnWords())
    initial = {
        "heading": own.heading, "text": own.text, "language": found.language, "external_url": found.external_url,
    }  # fmt: skip
    form = PageForm(request.POST) if request.method == "POST" else PageForm(initial=initial)
    if request.method == "POST" and form.is_valid() and _save(request, form, found, language, level):
        return redirect(f"{request.path}?lang={language}")
    context = {
        "form": form, "chosen": language, "languages": _languages(), "may_change": may(request, "content"),
        "preview": _address(level, preview=True), **_where(account, list_id, project_id),
    }  # fmt: skip
    return render(request, "contacts/unsubscribe_page.html", context, status=422 if form.errors else 200)


@require_GET
@page
def preview(request: HttpRequest, list_id: int | None = None, project_id: int | None = None) -> HttpResponse:
    """The page as a person would see it; its buttons do nothing here."""
    account = account_id(request)
    where = _where(account, list_id, project_id)
    scene = showing.Scene(
        language=language_named(request.GET.get("lang", "")[:12]) or "en",
        sender=accounts.get_account(account).name,
        list_name=where["list"].name if where.get("list") else _("the list"),
        channel="sms" if request.GET.get("channel") == "sms" else "email",
        settings=subscriptions.page_for(account, project_id=project_id, list_id=list_id),
    )
    answer = HttpResponse(showing.ask_page(scene))
    answer["Content-Security-Policy"] = "sandbox; " + showing.POLICY.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    ).replace("form-action 'self'", "form-action 'none'")
    answer["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _save(
    request: HttpRequest, form: PageForm, found: PageSettings, language: str, level: dict[str, int | None]
) -> bool:
    data, clock = form.cleaned_data, now_clock()
    words = {**found.words, language: OwnWords(heading=data["heading"], text=data["text"])}
    said = PageSettings(external_url=data["external_url"].strip(), language=data["language"], words=words)
    try:
        subscriptions.save_page(account_id(request), said, **level, clock=clock)
    except Problem as problem:
        form.problem(problem)
        return False
    subject = ", ".join(f"{name} {value}" for name, value in level.items() if value is not None) or "account"
    accounts.record(
        account_id(request),
        actor=actor(request),
        action="unsubscribe page changed",
        subject=subject,
        clock=clock,
    )
    messages.success(request, _("Saved. It holds at once, also for messages that were sent."))
    return True


def _where(account: int, list_id: int | None, project_id: int | None) -> dict[str, Any]:
    """The list or the project of this level. Raises UnknownList, UnknownProject."""
    if list_id is not None:
        return {"list": contacts.get_list(account, list_id)}
    return {"project": projects.get_project(account, project_id)} if project_id is not None else {}


def _address(level: dict[str, int | None], *, preview: bool = False) -> str:
    name = next((key.removesuffix("_id") for key, value in level.items() if value is not None), "account")
    route = f"{name}-unsubscribe-{'preview' if preview else 'page'}"
    return reverse(route, args=[value for value in level.values() if value is not None])


def _languages() -> list[tuple[str, str]]:
    return [(code, words_of(code)["language"]) for code in LANGUAGES]
