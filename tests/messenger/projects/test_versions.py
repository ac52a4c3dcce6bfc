"""Versions in the database: what activation keeps, what never changes, what snippets and senders do to drafts."""

import pytest
from django.db import IntegrityError, connection, transaction
from tests.fixtures.sendings import CLOCK, change_contact, create_contacts, create_house

from tandem.messenger.contacts import gaps
from tandem.messenger.contacts import service as contacts
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource, SmsSource
from tandem.messenger.projects.errors import BadProject, TemplateWrong, UnknownSnippet, VersionFixed
from tandem.messenger.projects.models import TriggerVersion

pytestmark = pytest.mark.django_db
HTML = (
    "<html><body><p>Hi {{contact.firstName}} of {{contact.city}}, {{contact.level}}</p>"
    '<p><a href="https://x.example/a">A</a> '
    '<a href="https://x.example/b?c={{contact.city}}" data-tags="sale">B</a> '
    '<a href="{{message.unsubscribeUrl}}">C</a></p>'
    "{{snippet 'footer'}}</body></html>"
)


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(lambda _: create_house("Northwind"))


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    made = kept_house.take(settings, tmp_path)
    contacts.define_property(made.account_id, name="level", clock=CLOCK)
    projects.save_snippet(made.account_id, "Footer", "<p>Bye {{contact.firstName}}</p>", clock=CLOCK)
    return made


def active(house, html=HTML, **more):
    source = EmailSource(subject="Hello", html=html)
    return projects.add_active_version(house.account_id, house.email_trigger, source, clock=CLOCK, **more)


def test_activation_keeps_links_and_what_contacts_lacked(house):
    create_contacts(house, 8)
    change_contact(house, "c1", city="Lund")
    change_contact(house, "c2", email="")
    change_contact(house, "c3", active=False)
    version = active(house)
    assert version.lacking.contacts == 6
    assert [(lack.name, lack.contacts, lack.percent) for lack in version.lacking.lacks] == [
        ("level", 6, 100),
        ("city", 5, 83),
    ]
    assert [
        (link.number, link.name, link.target, link.tags)
        for link in projects.links_of(house.account_id, version.id)
    ] == [
        (1, "A", "https://x.example/a", ()),
        (2, "B", "https://x.example/b?c={{contact.city}}", ("sale",)),
    ]
    assert projects.links_of(house.account_id + 1, version.id) == ()


def test_a_property_is_missing_when_empty_null_or_absent(house):
    names = create_contacts(house, 4)
    level = str(next(p.id for p in contacts.list_properties(house.account_id) if p.name == "level"))
    for name, held in zip(names, ({level: "gold"}, {level: ""}, {level: None}, {}), strict=True):
        change_contact(house, name, properties=held)
    assert gaps.lacking(house.account_id, house.list_id, "email", ["level", "nothing"]) == (4, {"level": 3})
    assert gaps.lacking(house.account_id, house.list_id, "sms", []) == (4, {})


def test_a_snippet_is_frozen_in_an_active_version(house):
    version = active(house)
    projects.save_snippet(house.account_id, "footer", "<p>See you</p>", clock=CLOCK)
    assert len(projects.list_snippets(house.account_id)) == 1
    assert (
        "Bye Ann"
        in projects.compiled_version(house.account_id, version.id).readable({"firstname": "Ann"}, "x")[0]
    )
    draft = projects.save_draft(
        house.account_id, house.email_trigger, EmailSource(subject="x", html=HTML), clock=CLOCK
    )
    assert "See you" in projects.preview(house.account_id, house.email_trigger, draft.id).html
    projects.delete_snippet(house.account_id, projects.list_snippets(house.account_id)[0].id)
    with pytest.raises(TemplateWrong, match="no snippet 'footer'"):
        projects.activate(house.account_id, draft.id, clock=CLOCK)


def test_snippets_are_checked_and_stay_in_their_account(house):
    other = create_house("Southwind")
    one = projects.list_snippets(house.account_id)[0]
    with pytest.raises(UnknownSnippet):
        projects.get_snippet(other.account_id, one.id)
    with pytest.raises(TemplateWrong, match="no snippet 'footer'"):
        projects.check(other.account_id, other.email_trigger, EmailSource(subject="x", html=HTML))
    with pytest.raises(TemplateWrong, match="contains itself"):
        projects.save_snippet(house.account_id, "footer", "{{snippet 'FOOTER'}}", clock=CLOCK)
    for name in ("", "a'b", "{x", " "):
        with pytest.raises(BadProject):
            projects.save_snippet(house.account_id, name, "x", clock=CLOCK)


def test_checking_keeps_nothing(house):
    before = TriggerVersion.objects.filter(account_id=house.account_id).count()
    found = projects.check(
        house.account_id, house.sms_trigger, SmsSource(text="Hi {{trigger.code}} {{contact.city}}")
    )
    assert (found.names, found.links) == (("city", "trigger.code"), 0)
    assert "unless the message brings" in found.warnings[0]
    assert TriggerVersion.objects.filter(account_id=house.account_id).count() == before


@pytest.mark.parametrize("change", [{"source": {"text": "x"}}, {"compiled": {}}, {"state": "draft"}])
def test_the_database_keeps_an_activated_version(house, change):
    version = active(house)
    with pytest.raises(IntegrityError), transaction.atomic():
        TriggerVersion.objects.filter(account_id=house.account_id, pk=version.id).update(**change)
    with pytest.raises(VersionFixed):
        projects.change_draft(house.account_id, version.id, EmailSource(subject="x", html="y"), clock=CLOCK)


def test_a_version_compiled_before_this_format_is_still_sent(house):
    version = active(house, '<html><body><p>{{print contact.firstName "you"}}</p></body></html>')
    data = TriggerVersion.objects.get(account_id=house.account_id, pk=version.id).compiled
    for part in ("subject", "html", "text"):
        data[part].pop("tests")
    del data["counting"]
    from tandem.messenger.projects.compiled import load

    old = load({**data, "format": 1})
    assert "<p>Ann</p>" in old.readable({"firstname": "Ann"}, "x")[0]
    assert "<p>you</p>" in old.readable({}, "x")[0]


def test_a_refused_activation_leaves_no_version_behind(house):
    before = TriggerVersion.objects.filter(account_id=house.account_id).count()
    with pytest.raises(TemplateWrong):
        active(house, "<p>{{contact.no}}</p>")
    assert TriggerVersion.objects.filter(account_id=house.account_id).count() == before
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM messenger_projects_versionlink WHERE account_id = %s", [house.account_id]
        )
        assert cursor.fetchone() == (0,)
