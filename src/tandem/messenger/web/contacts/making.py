"""A new list."""

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
from tandem.messenger.contacts import service as contacts
from tandem.messenger.web.pages import account_id, changes, note, now_clock, page


class ListForm(TandemForm):
    """A list."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("A market or a brand: a person unsubscribes from one list."),
        error_messages={"required": gettext_lazy("Give the list a name.")},
    )
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=2000)


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
            note(request, "list made", made.name)
            messages.success(request, _("The list is made. Bring contacts into it."))
            return redirect("list-import", made.id)
    return _form(request, form, title=_("New list"), action=_("Make the list"), leave=reverse("lists"))


def _form(request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "contacts/form.html", {"form": form, **context}, status=status)
