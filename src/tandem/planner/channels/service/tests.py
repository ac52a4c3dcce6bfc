"""Looks at many previews at once, and test messages: all of it by the messenger, over its API."""

import time
from collections.abc import Sequence

from tandem.clients.messenger import MessengerHasNot, MessengerRefused, MessengerUnreachable, NoPreview
from tandem.contract.messenger_api import Preview
from tandem.contract.messenger_tests import AllowedAddress, SentTest, TemplateVersion
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem, Refused
from tandem.planner.accounts import service as accounts
from tandem.planner.channels.domain import TemplateView, fits
from tandem.planner.channels.seen import Survey, compare
from tandem.planner.channels.service import templates
from tandem.planner.channels.service.accounts import row_of

MOST_ADDRESSES = 20
#: a page waits so long for the previews of a sample
SECONDS = 8.0


def survey(account_id: int, channel_account_id: int, template_id: int, customer_ids: Sequence[str]) -> Survey:
    """The previews of some customers, compared. What the messenger cannot do is told in the answer."""
    template = templates.get_template(account_id, channel_account_id, template_id)
    client = templates.client_of(account_id, row_of(account_id, channel_account_id))
    seen: dict[str, Preview] = {}
    failed: dict[str, str] = {}
    deadline, stopped = time.monotonic() + SECONDS, ""
    for customer_id in customer_ids:
        try:
            found = client.preview(template.id, template.active_campaign, customer_id, template.list_id)
        except (NoPreview, MessengerUnreachable) as problem:
            stopped = f"{problem.detail} {problem.advice}".strip()
            break
        except Problem as problem:
            failed[customer_id] = problem.detail
            continue
        if found.link:
            stopped = "This messenger cannot show a message before it is sent."
            break
        seen[customer_id] = found
        if time.monotonic() > deadline and len(seen) + len(failed) < len(customer_ids):
            stopped = f"The messenger is slow: stopped after {SECONDS:.0f} seconds."
            break
    return compare(seen, asked=len(customer_ids), failed=failed, stopped=stopped)


def test_addresses(account_id: int, channel_account_id: int, template_id: int) -> tuple[AllowedAddress, ...]:
    """The verified addresses that fit the template. Raises NoTests where the messenger sends none for others."""
    template = templates.get_template(account_id, channel_account_id, template_id)
    found = templates.client_of(account_id, row_of(account_id, channel_account_id)).test_addresses()
    return tuple(one for one in found if one.verified and fits(template.channel, one.channel))


def send_test(
    account_id: int,
    channel_account_id: int,
    template_id: int,
    customer_id: str,
    to: Sequence[str],
    *,
    version_id: int = 0,
    key: str,
    actor: str,
    clock: Clock,
) -> SentTest:
    """Let the messenger send its template to verified addresses, as one customer; under the same key once.

    version_id: 0 = the active one. Raises Refused for no or too many addresses and a template that is not active,
    and what the messenger answers.
    """
    template = templates.get_template(account_id, channel_account_id, template_id)
    version_id = version_id or _active(template)
    if not 0 < len(set(to)) <= MOST_ADDRESSES:
        raise Refused(f"Choose 1 to {MOST_ADDRESSES} addresses for the test.", field="to")
    client = templates.client_of(account_id, row_of(account_id, channel_account_id))
    client.test_addresses()  # tells a messenger without tests from one that refuses this one
    made = client.send_test(template.id, version_id, customer_id, to, key)
    if not made.repeated:
        accounts.record(
            account_id, actor=actor, action="test.sent", subject=f"template {template_id}",
            detail={"addresses": len(made.messages)}, clock=clock,
        )  # fmt: skip
    return made


def show_test(
    account_id: int, channel_account_id: int, template_id: int, test_id: str, version_id: int = 0
) -> SentTest:
    """A test as it stands now. Raises what the messenger answers."""
    template = templates.get_template(account_id, channel_account_id, template_id)
    client = templates.client_of(account_id, row_of(account_id, channel_account_id))
    return client.sent_test(template.id, version_id or _active(template), test_id)


def test_versions(account_id: int, channel_account_id: int, template_id: int) -> tuple[TemplateVersion, ...]:
    """What a test may be made of, the active version first, then drafts; only the active one where it is not told."""
    template = templates.get_template(account_id, channel_account_id, template_id)
    try:
        found = templates.client_of(account_id, row_of(account_id, channel_account_id)).versions(template.id)
    except (MessengerHasNot, MessengerRefused):
        found = ()
    if not found and template.active_campaign:
        return (TemplateVersion(id=template.active_campaign, name="", active=True),)
    return found


def _active(template: TemplateView) -> int:
    if not template.active_campaign:
        raise Refused(
            f"{template.name} has no active version.",
            "Choose a draft, or activate one in the messenger, then read the templates again.",
        )
    return template.active_campaign
