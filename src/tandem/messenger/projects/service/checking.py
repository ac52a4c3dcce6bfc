"""Compiles in a child and asks who lacks what: before a version is activated, and while it is written."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tandem.messenger.contacts import gaps
from tandem.messenger.contacts.service import attribute_names
from tandem.messenger.projects import trial
from tandem.messenger.projects.compiled import Compiled, load
from tandem.messenger.projects.compiler import Made
from tandem.messenger.projects.domain import Checked, Sender, Source, lacking
from tandem.messenger.projects.models import Project, Trigger
from tandem.messenger.projects.service.snippets import snippet_texts
from tandem.messenger.projects.service.triggers import trigger_row


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A compiled source, and what its list lacks of it as it is stored."""

    made: Made
    stored: dict[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes it prints or compares."""
        return names_of(self.made.data)


def names_of(data: dict[str, Any]) -> tuple[str, ...]:
    """The attributes that compiled data use."""
    parts = [part for part in data.values() if isinstance(part, dict) and "names" in part]
    return tuple(sorted({name for part in parts for name in part["names"]}))


def check(account_id: int, trigger_id: int, source: Source) -> Checked:
    """Whether a source could be activated, and what to know before. Nothing is kept. Raises TemplateWrong."""
    found = ready(trigger_row(account_id, trigger_id), source)
    return Checked(
        warnings=found.made.warnings,
        names=found.names,
        links=len(found.made.links),
        lacking=lacking(found.stored["contacts"], found.stored["missing"]),
    )


def ready(trigger: Trigger, source: Source) -> Ready:
    """Compiled, tried out and compared with the list. Raises TemplateWrong."""
    made = _made(_job(trigger, source))
    count, missing = gaps.lacking(trigger.account_id, trigger.list_id, trigger.channel, names_of(made.data))
    return Ready(made=made, stored={"contacts": count, "missing": missing})


def draft(trigger: Trigger, source: Source) -> Compiled:
    """The compiled form of a source that is not activated. Raises TemplateWrong."""
    return _loaded(_job(trigger, source))


def _job(trigger: Trigger, source: Source) -> bytes:
    project = Project.objects.get(account_id=trigger.account_id, pk=trigger.project_id)
    sender = Sender(
        name=project.from_name,
        address=project.from_address,
        reply_to=project.reply_to,
        sms=project.sms_sender,
    )
    return trial.job_of(
        source,
        names=attribute_names(trigger.account_id),
        sender=sender,
        snippets=snippet_texts(trigger.account_id),
    )


@lru_cache(maxsize=16)
def _made(job: bytes) -> Made:
    """Page, frame and activation ask for the same source within moments."""
    return trial.made(job)


@lru_cache(maxsize=16)
def _loaded(job: bytes) -> Compiled:
    return load(_made(job).data)
