"""Events over HTTP: mapped, in order, once; what is mapped to nothing is kept and can be taken up."""

from dataclasses import replace

import pytest
from tests.fixtures.messages import SOURCE, create_desk, create_trigger
from tests.fixtures.sendings import CLOCK

from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import UnknownList
from tandem.messenger.delivery.models import Sending
from tandem.messenger.eventhub import service as hub
from tandem.messenger.eventhub.domain import EventState
from tandem.messenger.eventhub.errors import AlreadyDone, BadMapping, UnknownEvent, UnknownMapping
from tandem.messenger.eventhub.models import HubEvent
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.errors import UnknownTrigger

pytestmark = pytest.mark.django_db
PATH = "/eventhub/events"


@pytest.fixture(scope="module")
def kept_desks(keep):
    return keep(lambda _: (create_desk(), create_desk(7002, "Other")))


@pytest.fixture
def desks(kept_desks, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_desks.take(settings, tmp_path)


@pytest.fixture
def desk(desks):
    return desks[0]


def mapping(desk, selector, action, target):
    return hub.add_mapping(desk.account, selector=selector, action=action, target=target, clock=CLOCK)


def event(desk, status=200, **body):
    return desk.call("POST", PATH, status, {"Type": "GENERIC_USER", **body})


def test_an_event_makes_a_contact_in_the_mapped_list(desk):
    mapping(desk, "Newsletter", "create-user", desk.people)
    answer = event(
        desk,
        MappingSelector="newsletter",
        EventId="e1",
        OriginalId="n1",
        EmailAddress="n1@people.example",
        FirstName="Nils",
        Properties={"shoeSize": 44},
    )
    assert answer["status"] == "DONE"
    contact = desk.contact("n1")
    assert (contact["emailAddress"], contact["firstName"]) == ("n1@people.example", "Nils")
    assert contact["namedProperties"] == {"shoeSize": "44"}
    assert HubEvent.objects.get().body is None


def test_the_selector_is_the_type_if_none_is_given(desk):
    mapping(desk, "GENERIC_USER", "update-user", desk.people)
    event(desk, OriginalId="bo", City="Lund")
    assert desk.contact()["city"] == "Lund"


def test_an_update_makes_nobody(desk):
    mapping(desk, "GENERIC_USER", "update-user", desk.people)
    answer = event(desk, OriginalId="nobody", City="Lund")
    assert answer["status"] == "FAILED"
    assert "no such contact" in answer["message"]
    desk.get(f"/lists/{desk.people}/contacts/nobody", 404)


def test_an_event_never_subscribes_anyone_again(desk):
    mapping(desk, "GENERIC_USER", "create-user", desk.people)
    desk.call("PUT", f"/lists/{desk.people}/contacts/bo/update?force=true", body={"unsubscribed": True})
    event(desk, OriginalId="bo", FirstName="B", Unsubscribed=False)
    assert desk.contact()["unsubscribed"] is True


def test_an_event_makes_the_contact_and_sends_it_a_message(desk):
    mapping(desk, "welcome", "send-trigger", desk.mail)
    mapping(desk, "welcome", "create-user", desk.people)
    answer = event(
        desk,
        MappingSelector="welcome",
        OriginalId="n2",
        EmailAddress="n2@people.example",
        Properties={"bonus": "9"},
    )
    assert answer["status"] == "DONE"
    assert "CreateUser" in answer["message"] and "Accepted" in answer["message"]
    assert Sending.objects.get(kind="message").values == {"bonus": "9"}


def test_all_actions_of_an_event_hold_or_none(desk):
    elsewhere = contacts.create_list(desk.account, name="Elsewhere", clock=CLOCK).id
    project = projects.get_trigger(desk.account, desk.mail).project_id
    trigger = create_trigger(replace(desk, people=elsewhere), "Other", project, SOURCE)
    mapping(desk, "welcome", "create-user", desk.people)
    mapping(desk, "welcome", "send-trigger", trigger)

    answer = event(desk, MappingSelector="welcome", OriginalId="n3")

    assert answer["status"] == "FAILED"
    desk.get(f"/lists/{desk.people}/contacts/n3", 404)
    assert not Sending.objects.filter(kind="message").exists()


def test_an_event_with_a_known_id_changes_nothing_more(desk):
    mapping(desk, "GENERIC_USER", "send-trigger", desk.mail)
    first = event(desk, EventId="e9", OriginalId="bo")
    second = event(desk, EventId="e9", OriginalId="bo")
    assert first == second
    assert Sending.objects.filter(kind="message").count() == 1


def test_an_unknown_selector_is_kept_shown_and_taken_up_later(desk):
    answer = event(desk, MappingSelector="later", OriginalId="bo", City="Ystad")
    assert answer["status"] == "KEPT"
    assert "mapped to nothing" in answer["message"]
    (kept,) = hub.events(desk.account, state="kept")
    assert hub.take_up(desk.account, kept.id, clock=CLOCK).state is EventState.KEPT

    mapping(desk, "later", "update-user", desk.people)
    assert hub.take_up(desk.account, kept.id, clock=CLOCK).state is EventState.DONE
    assert desk.contact()["city"] == "Ystad"
    with pytest.raises(AlreadyDone):
        hub.take_up(desk.account, kept.id, clock=CLOCK)


def test_events_are_kept_in_the_order_of_arrival(desk):
    mapping(desk, "GENERIC_USER", "update-user", desk.people)
    for n in range(5):
        event(desk, OriginalId="bo", City=f"C{n}")
    assert desk.contact()["city"] == "C4"
    ids = [one.id for one in hub.events(desk.account)]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"Type": ""},
        {"Type": ["x"]},
        {"Type": "x" * 201},
        {"Type": "X", "Properties": []},
        {"Type": "X", "Properties": {"a": {"b": 1}}},
        {"Type": "X", "Properties": {"": "1"}},
        {"Type": "X", "FirstName": {"a": 1}},
        {"Type": "X", "EventId": "a\nb"},
    ],
)
def test_what_cannot_be_read_is_refused_and_not_kept(desk, body):
    assert "error" in desk.call("POST", PATH, 400, body)
    assert not HubEvent.objects.exists()


def test_a_process_that_dies_keeps_nothing_so_the_sender_says_it_again(desk, monkeypatch):
    mapping(desk, "GENERIC_USER", "send-trigger", desk.mail)

    def die(step):
        raise RuntimeError(step)

    monkeypatch.setattr(hub.receiving, "failpoint", die)
    with pytest.raises(RuntimeError):
        hub.receive(desk.account, {"Type": "GENERIC_USER", "OriginalId": "bo"}, clock=CLOCK)
    assert not HubEvent.objects.exists()
    assert not Sending.objects.filter(kind="message").exists()


def test_mappings_are_checked_and_of_one_account(desks):
    mine, other = desks
    one = mapping(mine, "Welcome", "create-user", mine.people)
    assert hub.mappings(mine.account) == [one]
    assert hub.mappings(other.account) == []
    for wrong in ({"selector": " "}, {"action": "enter-journey"}, {"selector": "WELCOME"}):
        given = {"selector": "x", "action": "create-user", "target": mine.people, **wrong}
        with pytest.raises(BadMapping):
            hub.add_mapping(mine.account, **given, clock=CLOCK)
    with pytest.raises(UnknownList):
        mapping(other, "x", "create-user", mine.people)
    with pytest.raises(UnknownTrigger):
        mapping(other, "x", "send-trigger", mine.mail)
    with pytest.raises(UnknownMapping):
        hub.remove_mapping(other.account, one.id)
    assert event(other, MappingSelector="welcome", OriginalId="x")["status"] == "KEPT"
    (kept,) = hub.events(other.account)
    with pytest.raises(UnknownEvent):
        hub.take_up(mine.account, kept.id, clock=CLOCK)
    hub.remove_mapping(mine.account, one.id)
    assert hub.mappings(mine.account) == []


def test_a_customer_is_forgotten_here_too(desk):
    event(desk, OriginalId="bo")
    assert hub.forget(desk.account, "bo", dry_run=True) == {"event hub events": 1}
    hub.forget(desk.account, "bo")
    assert hub.events(desk.account) == []
