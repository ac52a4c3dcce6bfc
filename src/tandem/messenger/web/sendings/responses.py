"""What people did with the messages of a sending, for its page."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from tandem.contract.planner_api import MetricId
from tandem.messenger.delivery import versions as delivery
from tandem.messenger.engagement import service as engagement
from tandem.messenger.engagement.domain import Actor, Kind, SendingResponse
from tandem.messenger.projects import service as projects
from tandem.messenger.reporting import responses

_ACTORS = {
    Actor.PERSON: _("People"),
    Actor.PROXY: _("Privacy proxies, which fetch every picture"),
    Actor.BOT: _("Bots and scanners"),
}
_TOLD = {
    MetricId.OPENED: _("Openings at the planner"),
    MetricId.CLICKED: _("Clicks at the planner"),
    MetricId.SPAM: _("Complaints at the planner"),
    MetricId.BOUNCED: _("Bounces at the planner, after they were taken"),
}


def context(account_id: int, sending_id: int, names: dict[int, str]) -> dict[str, Any]:
    """Nothing where nothing came back. names: template -> its name."""
    found = engagement.response_of(account_id, sending_id)
    if not found.machines:
        return {}
    told = responses.told(account_id, sending_id)
    most = max((link.recipients for link in found.links), default=0)
    return {
        "response": found,
        "machines": _machines(found),
        "links": [
            (names.get(link.template_id, ""), name, target, link)
            for link, (name, target) in _links(account_id, sending_id, found)
        ],
        "most_clicked": most,
        "told_of": [(_TOLD[metric], view) for metric, view in sorted(told.items())],
    }


def _machines(found: SendingResponse) -> list[tuple[Any, int, int]]:
    lines = [
        (words, found.machines.get((Kind.OPENED, actor), 0), found.machines.get((Kind.CLICKED, actor), 0))
        for actor, words in _ACTORS.items()
    ]
    return [line for line in lines if line[1] or line[2]]


def _links(account_id: int, sending_id: int, found: SendingResponse) -> list[tuple[Any, tuple[str, str]]]:
    """Each link with its name and address, the most clicked first."""
    versions = delivery.versions_of(account_id, sending_id)
    known = {
        (template, link.number): (link.name, link.target)
        for template, version in versions.items()
        for link in projects.links_of(account_id, version)
    }
    lines = [(link, known.get((link.template_id, link.number), ("", ""))) for link in found.links]
    return sorted(lines, key=lambda line: (-line[0].recipients, line[0].template_id, line[0].number))
