"""Which page holds: the project's word, then the list's, then the account's."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q

from tandem.kit.clock import Clock
from tandem.messenger.contacts import service as contacts
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.models import Trigger
from tandem.messenger.subscriptions.domain import (
    LANGUAGES,
    MOST_HEADING,
    MOST_TEXT,
    OwnWords,
    PageSettings,
    address_fault,
    merged,
)
from tandem.messenger.subscriptions.errors import BadPage
from tandem.messenger.subscriptions.models import UnsubscribePage


def page_of_level(
    account_id: int, *, project_id: int | None = None, list_id: int | None = None
) -> PageSettings:
    """What this one level says. Raises UnknownProject, UnknownList."""
    _check_level(account_id, project_id, list_id)
    level: dict[str, Any] = {"project_id": project_id, "list_id": list_id}
    row = UnsubscribePage.objects.filter(account_id=account_id, **level).first()
    return _settings(row) if row else PageSettings()


def page_for(account_id: int, *, project_id: int | None, list_id: int | None) -> PageSettings:
    """What holds for a message of a project to a list."""
    level = Q(project=None, list=None)
    if list_id is not None:
        level |= Q(list_id=list_id)
    if project_id is not None:
        level |= Q(project_id=project_id)
    rows = UnsubscribePage.objects.filter(level, account_id=account_id)
    nearest = sorted(rows, key=lambda row: (row.project_id is None, row.list_id is None))
    return merged([_settings(row) for row in nearest])


def pages_elsewhere(account_id: int, trigger_ids: Collection[int]) -> Mapping[int, str]:
    """Trigger -> the address of its page elsewhere, unfilled; those that have none are left out."""
    if not UnsubscribePage.objects.filter(account_id=account_id).exclude(external_url="").exists():
        return {}
    rows = Trigger.objects.filter(account_id=account_id, pk__in=trigger_ids)
    found = {}
    for pk, project_id, list_id in rows.values_list("pk", "project_id", "list_id"):
        url = page_for(account_id, project_id=project_id, list_id=list_id).external_url
        if url:
            found[pk] = url
    return found


def save_page(
    account_id: int,
    said: PageSettings,
    *,
    project_id: int | None = None,
    list_id: int | None = None,
    clock: Clock,
) -> None:
    """Keep what a level says. Raises BadPage, UnknownProject, UnknownList."""
    _check_level(account_id, project_id, list_id)
    _check(said)
    words = {
        language: {"heading": own.heading, "text": own.text}
        for language, own in said.words.items()
        if own.heading or own.text
    }
    level: dict[str, Any] = {"project_id": project_id, "list_id": list_id}
    UnsubscribePage.objects.update_or_create(
        account_id=account_id,
        **level,
        defaults={
            "external_url": said.external_url,
            "language": said.language,
            "words": words,
            "modified_at": clock.system(),
        },
    )


def _check_level(account_id: int, project_id: int | None, list_id: int | None) -> None:
    if project_id is not None:
        projects.get_project(account_id, project_id)
    if list_id is not None:
        contacts.require_list(account_id, list_id)


def _check(said: PageSettings) -> None:
    if said.external_url and (fault := address_fault(said.external_url)):
        raise BadPage(
            fault, "Write it as https://www.shop.example/leave?id={originalId}.", field="external_url"
        )
    if said.language and said.language not in LANGUAGES:
        raise BadPage("There are no pages in this language.", "Choose one of the list.", field="language")
    for language, own in said.words.items():
        if language not in LANGUAGES:
            raise BadPage("There are no pages in this language.", "Choose one of the list.")
        if len(own.heading) > MOST_HEADING or len(own.text) > MOST_TEXT or "\0" in own.heading + own.text:
            raise BadPage(
                f"A heading has at most {MOST_HEADING} characters, a text at most {MOST_TEXT}.", "Shorten it."
            )


def _settings(row: UnsubscribePage) -> PageSettings:
    words = {
        language: OwnWords(heading=own["heading"], text=own["text"]) for language, own in row.words.items()
    }
    return PageSettings(external_url=row.external_url, language=row.language, words=words)
