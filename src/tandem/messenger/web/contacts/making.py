"""A new list, and a file of contacts into one."""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.web.pages import account_id, actor, changes, now_clock, page

#: what a page takes; larger files go by the command or the API, which read them block by block
LARGEST = 20 << 20
DELIMITERS = ((",", gettext_lazy("Comma")), (";", gettext_lazy("Semicolon")), ("\t", gettext_lazy("Tab")))


class ListForm(TandemForm):
    """A list."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("A market or a brand: a person unsubscribes from one list."),
        error_messages={"required": gettext_lazy("Give the list a name.")},
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=2000)


class FileForm(TandemForm):
    """A file of contacts."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV with a first line such as originalId,emailAddress,mobileNumber,firstName. Nobody is subscribed again."
        ),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )
    delimiter = forms.ChoiceField(label=gettext_lazy("Separated by"), choices=DELIMITERS)

    def clean_file(self) -> Any:
        """Not larger than a page takes."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(
                _("The file is larger than %(mb)s MB. Use `tandem contacts import`.") % {"mb": LARGEST >> 20}
            )
        return file


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def new_list(request: HttpRequest) -> HttpResponse:
    """A new list; contacts are next."""
    form = ListForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = contacts.create_list(account_id(request), **form.cleaned_data, clock=now_clock())
        except Problem as problem:
            form.problem(problem)
        else:
            _record(request, "list made", made.name)
            messages.success(request, _("The list is made. Bring contacts into it."))
            return redirect("list-import", made.id)
    return _form(request, form, title=_("New list"), action=_("Make the list"), leave=reverse("lists"))


@require_http_methods(["GET", "POST"])
@page
@changes("content")
def import_file(request: HttpRequest, list_id: int) -> HttpResponse:
    """A file of contacts is added; what is wrong with it is said."""
    account = account_id(request)
    found = contacts.get_list(account, list_id)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if request.method == "POST" and form.is_valid() and _import(request, list_id, form):
        return redirect("list", list_id)
    title = _("Bring contacts into %(list)s") % {"list": found.name}
    return _form(
        request, form, title=title, action=_("Import"), leave=reverse("list", args=[list_id]), has_file=True
    )


def _import(request: HttpRequest, list_id: int, form: FileForm) -> bool:
    with tempfile.NamedTemporaryFile(suffix=".csv") as kept:
        for block in form.cleaned_data["file"].chunks():
            kept.write(block)
        kept.flush()
        try:
            done = contacts.import_file(
                account_id(request), list_id, Path(kept.name), delimiter=form.cleaned_data["delimiter"],
                clock=now_clock(),
            )  # fmt: skip
        except Problem as problem:
            form.problem(problem)
            return False
    if done.status == "ERROR":
        form.add_error("file", " ".join(done.problems) or _("The file cannot be read."))
        return False
    _record(request, "contacts imported", str(list_id))
    messages.success(
        request,
        _("%(n)s of %(all)s lines are contacts now.") % {"n": done.affected, "all": done.total},
    )
    for problem in done.problems[:5]:
        messages.warning(request, problem)
    return True


def _form(request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "contacts/form.html", {"form": form, **context}, status=status)


def _record(request: HttpRequest, action: str, subject: str) -> None:
    accounts.record(
        account_id(request), actor=actor(request), action=action, subject=subject[:100], clock=now_clock()
    )
