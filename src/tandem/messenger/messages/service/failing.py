"""A request for a message that was refused, told to webhooks: the caller may not have read the answer."""

from tandem.kit.clock import Clock
from tandem.kit.problems import NotFound, Problem
from tandem.messenger.contacts.service import finding
from tandem.messenger.projects import service as projects
from tandem.messenger.webhooks import service as webhooks
from tandem.messenger.webhooks.domain import Event, EventType


def tell_refused(
    account_id: int, trigger_id: int, original_id: str | None, problem: Problem, *, clock: Clock
) -> None:
    """Trigger Failed: which trigger, for whom as far as it was said, and why."""
    if not webhooks.is_wanted(account_id, EventType.TRIGGER_FAILED):
        return
    more = {
        "triggerId": trigger_id,
        "status": problem.status,
        "error": f"{problem.detail} {problem.advice}".strip(),
    }
    event = Event(at=clock.business(), contact=original_id, module="TRIGGER", more=more)
    try:
        trigger = projects.get_trigger(account_id, trigger_id)
    except NotFound:
        webhooks.publish(account_id, EventType.TRIGGER_FAILED, [event], clock=clock)
        return
    event = Event(
        at=event.at,
        list_id=trigger.list_id,
        list_name=finding.name_of_list(trigger.list_id),
        contact=original_id,
        version_id=trigger.active_version_id,
        campaign=trigger.name,
        project_id=trigger.project_id,
        project=projects.get_project(account_id, trigger.project_id).name,
        module=event.module,
        channel=trigger.channel.value.upper(),
        more=more,
    )
    webhooks.publish(account_id, EventType.TRIGGER_FAILED, [event], clock=clock)
