"""Our own conformance run against a running messenger of ours: nothing differs."""

from datetime import UTC, datetime

import pytest

from tandem.conform.findings import Verdict
from tandem.conform.messenger import MessengerConformance, MessengerWishes
from tandem.conform.talk import MessengerTalk, Pace
from tandem.contract.messenger_calls import CALLS
from tandem.kit import clock as clocks
from tandem.kit.http import Http
from tandem.messenger.accounts import service as accounts
from tandem.messenger.api.rest.endpoint import Endpoint
from tandem.messenger.api.rest.table import ENDPOINTS
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import Changes
from tandem.messenger.contacts.service import batches
from tandem.messenger.exports import service as exports
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource

CLOCK = clocks.from_environment()
NOW = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("writes", "sends"), [(False, False), (True, False), (True, True)])
def test_nothing_differs(live_server, settings, tmp_path, writes, sends):
    """Its pauses are where the worker gets its turn."""
    settings.TANDEM_STORAGE = tmp_path
    account = accounts.create_account(name="Live", zone="Europe/Stockholm", customer_id=5004)
    way_in = accounts.create_api_user(account.id, "conform")
    people = contacts.create_list(account.id, name="Customers", clock=CLOCK)
    for number in range(3):
        contacts.save_contact(
            account.id, people.id, f"c {number}/@",
            Changes(columns={"email": f"c{number}@people.example", "first_name": "Anna"}),
            force=True, source="test", clock=CLOCK,
        )  # fmt: skip
    project = projects.create_project(
        account.id, name="P", from_address="news@shop.example", from_name="Shop", clock=CLOCK
    )
    mail = projects.create_trigger(
        account.id, name="Welcome", channel="email", project_id=project.id, list_id=people.id, clock=CLOCK
    )
    source = EmailSource(subject="Hi", html='<p>x</p><a href="{{message.unsubscribeUrl}}">off</a>')
    projects.add_active_version(account.id, mail.id, source, clock=CLOCK)
    url = live_server.url.replace("localhost", "127.0.0.1")
    http = Http(allow_private=(url.removeprefix("http://"),))
    talk = MessengerTalk(f"{url}/rest", "5004", token=way_in.token, http=http, pace=Pace(10_000, sleep=_work))
    more = {"trigger": mail.id, "send_to": "c 1/@"} if sends else {}
    report = MessengerConformance(talk, MessengerWishes(allow_writes=writes, **more), now=NOW).run()
    http.close()
    assert {one.name: one.notes for one in report.findings if one.verdict is Verdict.DIFFERS} == {}
    assert report.profile == ""
    assert {one.name for one in report.findings if one.verdict is Verdict.NOT_OFFERED} == set()
    works = {flow.name for flow in report.flows if flow.outcome == "works"}
    assert works >= {"Check the connection", "Offer templates", "Read consent", "Preview a message"}
    assert ("Push contacts" in works, "Hand over a list by the bridge" in works) == (writes, sends)
    slow = [one.name for one in report.findings if "not done" in one.why]
    assert slow == []


def _work(seconds):
    batches.run_waiting(clock=CLOCK)
    exports.run_waiting(clock=CLOCK)


def test_every_call_of_the_contract_is_in_our_table():
    ours = {(one.method, len(one.parts)): [] for one in ENDPOINTS}
    for one in ENDPOINTS:
        ours[one.method, len(one.parts)].append(one)
    assert [call.name for call in CALLS if not _known(ours, call)] == []


def _known(ours, call):
    """Whether a call's address, with something for its values, is one of ours."""
    segments = tuple("7" if part.startswith("{") else part for part in call.path.split("/"))
    found: list[Endpoint] = ours.get((call.method, len(segments)), [])
    return any(one.read(segments) is not None for one in found)
