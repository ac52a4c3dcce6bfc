"""Snippets: texts of the account that templates put in by name."""

import re

from django.db import transaction

from tandem.kit.clock import Clock
from tandem.messenger.contacts.service import attribute_names
from tandem.messenger.projects.domain import SnippetView
from tandem.messenger.projects.errors import BadProject, TemplateWrong, UnknownSnippet
from tandem.messenger.projects.handlebars import Reader
from tandem.messenger.projects.models import Snippet
from tandem.messenger.projects.tags import Names

LARGEST_SNIPPET = 64 * 1024
MOST_SNIPPETS = 500
_NAME = re.compile(r"[^\s'\"{}](?:[^'\"{}\x00-\x1f]{0,98}[^\s'\"{}])?")


def save_snippet(account_id: int, name: str, text: str, *, clock: Clock) -> SnippetView:
    """Make or replace a snippet; versions activated before keep the old text. Raises TemplateWrong for its tags."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise BadProject(
            "A snippet needs a name of at most 100 characters without quotes and braces.", "Give it a name.",
            field="name",
        )  # fmt: skip
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip() or len(text) > LARGEST_SNIPPET:
        raise BadProject(
            f"A snippet holds 1 to {LARGEST_SNIPPET} characters.",
            "Write a text, or shorten it.",
            field="text",
        )
    _check(account_id, name, text)
    now = clock.system()
    with transaction.atomic():
        row = Snippet.objects.select_for_update().filter(account_id=account_id, name__iexact=name).first()
        if row is None and Snippet.objects.filter(account_id=account_id).count() >= MOST_SNIPPETS:
            raise BadProject(f"There are {MOST_SNIPPETS} snippets already.", "Delete one first.")
        row = row or Snippet(account_id=account_id, name=name, created_at=now)
        row.text, row.modified_at = text, now
        row.save()
    return _view(row)


def list_snippets(account_id: int) -> tuple[SnippetView, ...]:
    """Every snippet, by name."""
    return tuple(map(_view, Snippet.objects.filter(account_id=account_id).order_by("name")))


def get_snippet(account_id: int, snippet_id: int) -> SnippetView:
    """One snippet. Raises UnknownSnippet."""
    row = Snippet.objects.filter(account_id=account_id, pk=snippet_id).first()
    if row is None:
        raise UnknownSnippet(f"There is no snippet {snippet_id}.", "List the snippets to see them.")
    return _view(row)


def delete_snippet(account_id: int, snippet_id: int) -> None:
    """Take a snippet away; activated versions keep their text, drafts that name it cannot be activated."""
    get_snippet(account_id, snippet_id)
    Snippet.objects.filter(account_id=account_id, pk=snippet_id).delete()


def snippet_texts(account_id: int) -> dict[str, str]:
    """Name -> text."""
    return dict(Snippet.objects.filter(account_id=account_id).values_list("name", "text"))


def _check(account_id: int, name: str, text: str) -> None:
    names = Names(attribute_names(account_id), {**snippet_texts(account_id), name: text})
    reader = Reader("Snippet", text, names, inside=(name.lower(),))
    reader.read()
    if reader.faults:
        raise TemplateWrong(reader.faults)


def _view(row: Snippet) -> SnippetView:
    return SnippetView(id=row.pk, name=row.name, text=row.text, modified_at=row.modified_at)
