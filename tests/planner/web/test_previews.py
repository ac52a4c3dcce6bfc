"""Previews and tests on the planner's pages: a walk through a group, what a sample lacks, tests by the messenger."""

# ruff: noqa: F811 - fixtures of another file are asked for by name

import re

import pytest
from tests.planner.web.test_campaigns import (  # noqa: F401 - fixtures
    CLIENT_OF,
    NOBODY,
    Messenger,
    account,
    filled,
    kept_stage,
    stage,
)

from tandem.clients.messenger import MessengerHasNot, MessengerRefused, NoPreview, NoTests
from tandem.contract.messenger_api import Preview, SmsPreview
from tandem.contract.messenger_tests import AllowedAddress, SentTest, SentTo, TemplateVersion, parse_versions
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.channels import seen
from tandem.planner.channels import service as channels
from tandem.planner.targeting import service as targeting
from tandem.planner.web.channel_templates.sampling import SAMPLE

pytestmark = pytest.mark.django_db
ANNA = "anna@shop.example"


class Own(Messenger):
    """A messenger that previews per customer and sends tests; C3 is unknown, C1 to C9 lack a city."""

    def __init__(self):
        self.sent, self.versions_sent, self.asked = [], [], []

    def preview(self, trigger_id, campaign_id, original_id, list_id=None):
        if original_id == "C3":
            raise MessengerHasNot("The messenger does not know this (404).")
        missing = ("city", "firstname") if len(original_id) < 3 else ()
        sms = None
        if trigger_id == 22:
            sms = SmsPreview(text=f"Hi {original_id}", encoding="GSM-7", parts=1 + len(missing), cost="0.09",
                             currency="SEK")  # fmt: skip
        return Preview(
            subject=f"Hello {original_id}", sender="shop@aster.example", html="" if sms else f"<p>{original_id}</p>",
            text="", sms=sms, missing=missing, fallbacks=missing[1:],
        )  # fmt: skip

    def test_addresses(self):
        return (
            AllowedAddress(channel="email", address=ANNA, verified=True),
            AllowedAddress(channel="email", address="new@shop.example", verified=False),
            AllowedAddress(channel="sms", address="+46701112233", verified=True),
        )

    def versions(self, trigger_id):
        return (
            TemplateVersion(id=110, name="May", active=True),
            TemplateVersion(id=777, name="June", active=False),
        )

    def send_test(self, trigger_id, campaign_id, original_id, to, key):
        self.versions_sent.append(campaign_id)
        repeated = key in [one[-1] for one in self.sent]
        if not repeated:
            self.sent.append((trigger_id, original_id, tuple(to), key))
        return self._test(key, repeated=repeated)

    def sent_test(self, trigger_id, campaign_id, test_id):
        self.asked.append(campaign_id)
        return self._test(test_id)

    def _test(self, key, *, repeated=False):
        line = SentTo(
            to=ANNA, state="refused", answer="550 5.1.1 no such person", note="this address has bounced"
        )
        return SentTest(id=key, waiting=False, repeated=repeated, messages=(line,))


@pytest.fixture
def own(stage, monkeypatch):
    made = Own()
    monkeypatch.setattr(CLIENT_OF, lambda *_, **__: made)
    return made


def use(monkeypatch, **methods):
    made = Own()
    for name, answer in methods.items():
        setattr(made, name, answer)
    monkeypatch.setattr(CLIENT_OF, lambda *_, **__: made)
    return made


def raising(problem):
    def answer(*_, **__):
        raise problem

    return answer


def text(answer):
    return " ".join(answer.content.decode().split())


def people(stage):
    group = targeting.get_group(stage["account"].id, stage["group"])
    return [one.customer_id for one in targeting.sample(stage["account"].id, group.condition, size=SAMPLE)]


def base(stage, template=11):
    return f"/ui/templates/{stage['connection']}/{template}"


def test_a_group_is_walked_through_round_about(client, stage, own):
    asked = [one for one in people(stage) if one != "C3"]
    page = client.get(f"{base(stage)}?group={stage['group']}")
    first = people(stage)[0]
    assert page.context["walk"].customer_id == first
    assert f"Customer 1 of {SAMPLE} sampled of Everybody." in text(page)
    following = people(stage)[1]
    assert f"customer={following}" in text(page)
    last = client.get(f"{base(stage)}?group={stage['group']}&customer={people(stage)[-1]}")
    assert last.context["walk"].next == first
    assert client.get(f"{base(stage)}?group={stage['group']}&customer={asked[3]}").context[
        "preview"
    ].subject == (f"Hello {asked[3]}")


def test_a_customer_outside_of_the_sample_is_told_apart_from_one_outside_of_the_group(
    client, stage, own, clock
):
    inside = next(f"C{n}" for n in range(4, 31) if f"C{n}" not in people(stage))
    assert "This customer is in Everybody." in text(
        client.get(f"{base(stage)}?group={stage['group']}&customer={inside}")
    )
    nobody = targeting.save_group(stage["account"].id, name="Nobody", condition=NOBODY, clock=clock)
    page = text(client.get(f"{base(stage)}?group={nobody.id}&customer={inside}"))
    assert "This customer is not in Nobody." in page or "Nobody is in this group today." in page
    assert "This customer is not in Everybody." in text(
        client.get(f"{base(stage)}?group={stage['group']}&customer=stranger")
    )


def test_what_is_missing_and_what_falls_back_are_told_apart(client, stage, own):
    page = text(client.get(f"{base(stage)}?customer=C1"))
    assert re.search(r"<dt>Missing</dt><dd>.*?</svg> city <span", page)
    assert re.search(r"<dt>Falls back</dt><dd>firstname <span", page)
    facts = text(client.get(f"{base(stage, 22)}/facts?customer=C1"))
    assert "3 parts, GSM-7, 5 characters" in facts
    assert "0.09 SEK" in facts
    assert "Missing" not in text(client.get(f"{base(stage)}/facts?customer=C12"))


def test_without_a_price_no_cost_is_shown(client, stage, monkeypatch):
    sms = SmsPreview(text="Hi", encoding="GSM-7", parts=1)
    use(monkeypatch, preview=lambda *_: Preview(subject="", sender="", html="", text="Hi", sms=sms))
    assert "Cost" not in text(client.get(f"{base(stage, 22)}?customer=C1"))


def test_a_sample_of_twenty_tells_what_its_customers_lack(client, stage, own):
    short = [one for one in people(stage) if len(one) < 3 and one != "C3"]
    failed = [one for one in people(stage) if one == "C3"]
    answer = client.get(f"{base(stage)}/sample?group={stage['group']}", headers={"HX-Request": "true"})
    survey = answer.context["survey"]
    assert (survey.asked, survey.seen, survey.whole) == (20, 20 - len(failed), 20 - len(failed) - len(short))
    assert [(one.name, list(one.missing), list(one.falls_back)) for one in survey.fields] == [
        ("city", short, []), ("firstname", [], short),
    ]  # fmt: skip
    page = text(answer)
    assert "<html" not in page
    assert "city is missing" in page and "firstname falls back" in page
    assert f"{base(stage)}?group={stage['group']}&amp;customer={short[0]}" in page
    whole = client.get(f"{base(stage, 22)}/sample?group={stage['group']}")
    assert "<h1" in text(whole)
    assert [parts for parts, _ in whole.context["survey"].parts] == [1, 3]


def test_a_messenger_without_previews_is_told_once(client, stage, monkeypatch):
    asked = []

    def preview(*words):
        asked.append(words)
        raise NoPreview("This messenger cannot show a message before it is sent.")

    use(monkeypatch, preview=preview)
    page = client.get(f"{base(stage)}/sample?group={stage['group']}")
    assert len(asked) == 1
    assert "cannot show a message before it is sent" in text(page)


def test_a_slow_messenger_is_not_waited_for(stage, own, monkeypatch):
    monkeypatch.setattr("tandem.planner.channels.service.tests.SECONDS", -1)
    found = channels.survey(stage["account"].id, stage["connection"], 11, ["C1", "C2"])
    assert (found.seen, "slow" in found.stopped) == (1, True)


def test_a_survey_of_nobody_is_empty():
    assert seen.compare({}, asked=0, failed={}).whole == 0


def test_a_test_is_sent_by_the_messenger_once_and_its_answer_shown(client, stage, own, account):
    page = text(client.get(f"{base(stage)}/test?group={stage['group']}&customer=C5"))
    assert ANNA in page and "new@shop.example" not in page and "+46701112233" not in page
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    form = {"to": [ANNA], "customer": "C5", "group": stage["group"], "token": token}
    shown = text(client.post(f"{base(stage)}/test", form, follow=True))
    assert "550 5.1.1 no such person" in shown
    assert "this address has bounced" in shown
    assert "it was not sent again" in text(client.post(f"{base(stage)}/test", form, follow=True))
    assert own.sent == [(11, "C5", (ANNA,), token)]
    done = [one for one in accounts.recent_activity(account.id) if one.action == "test.sent"]
    assert len(done) == 1
    assert "anna" not in str(done).lower()


def test_a_refusal_of_the_messenger_is_told_in_its_words(client, stage, monkeypatch):
    use(monkeypatch, send_test=raising(MessengerRefused("The messenger refused this (422: not verified).")))
    answer = client.post(f"{base(stage)}/test", {"to": [ANNA], "customer": "C5", "token": "t"})
    assert answer.status_code == 502
    assert "422: not verified" in text(answer)
    none = client.post(f"{base(stage)}/test", {"customer": "C5", "token": "t"})
    assert (none.status_code, "Choose 1 to 20 addresses" in text(none)) == (422, True)
    many = [f"a{n}@shop.example" for n in range(21)]
    assert client.post(f"{base(stage)}/test", {"to": many, "token": "t"}).status_code == 422


def test_a_messenger_without_tests_is_told_in_words(client, stage, monkeypatch):
    gone = NoTests("This messenger sends no test messages for other programs.")
    use(monkeypatch, test_addresses=raising(gone))
    assert "sends no test messages for other programs" in text(client.get(f"{base(stage)}/test"))
    assert client.post(f"{base(stage)}/test", {"to": [ANNA], "token": "t"}).status_code == 502


def test_a_draft_is_tested_before_anybody_plans_anything(client, stage, own):
    page = text(client.get(f"{base(stage)}/test?customer=C5"))
    assert '<option value="110">Active, as campaigns send it: May</option>' in page
    assert '<option value="777">Draft, not sent by campaigns: June</option>' in page
    form = {"to": [ANNA], "customer": "C5", "token": "t1", "version": "777"}
    shown = client.post(f"{base(stage)}/test", form, follow=True)
    assert "550 5.1.1 no such person" in text(shown)
    assert '<option value="777" selected>' in text(shown)
    assert (own.versions_sent, own.asked) == ([777], [777])


def test_a_messenger_that_does_not_tell_versions_is_sent_the_active_one(client, stage, monkeypatch):
    made = use(monkeypatch, versions=raising(MessengerHasNot("The messenger does not know this (404).")))
    assert "Active, as campaigns send it</option>" in text(client.get(f"{base(stage)}/test?customer=C5"))
    client.post(f"{base(stage)}/test", {"to": [ANNA], "customer": "C5", "token": "t1", "version": ""})
    active = channels.get_template(stage["account"].id, stage["connection"], 11).active_campaign
    assert made.versions_sent == [active]


def test_versions_on_the_wire_are_the_active_one_and_drafts_whatever_their_keys():
    rows = [
        {"campaignId": 1, "campaignName": "old", "active": False, "locked": True},
        {"CampaignID": 2, "campaignName": None, "active": False, "locked": False},
        {"campaignId": 3, "campaignName": "now", "active": True, "locked": True},
        {"campaignId": 4, "active": False, "locked": False},
        {"campaignId": None, "locked": False},
        "nothing",
    ]
    assert [(one.id, one.name, one.active) for one in parse_versions(rows)] == [
        (3, "now", True), (4, "", False), (2, "", False),
    ]  # fmt: skip


def test_an_sms_is_the_same_bubble_in_its_frame(client, stage, own):
    frame = client.get(f"{base(stage, 22)}/frame?customer=C5").content.decode()
    assert "<p>Hi C5</p>" in frame
    assert "border-radius: 1.25rem 1.25rem 1.25rem .25rem" in frame


def test_a_waiting_test_is_asked_for_again(client, stage, monkeypatch):
    line = SentTo(to=ANNA, state="waiting", answer="", note="")
    waiting = SentTest(id="k", waiting=True, repeated=False, messages=(line,))
    use(monkeypatch, sent_test=lambda *_: waiting)
    assert 'hx-trigger="every 1s"' in text(client.get(f"{base(stage)}/test?test=k"))


def test_viewers_look_and_send_nothing(stage, own, sign_in, account):
    viewer = sign_in(account, "viewer")
    assert viewer.get(f"{base(stage)}/sample?group={stage['group']}").status_code == 200
    assert "Send a test" not in text(viewer.get(base(stage)))
    assert viewer.get(f"{base(stage)}/test").status_code == 403
    assert viewer.post(f"{base(stage)}/test", {"to": [ANNA]}).status_code == 403


def test_another_account_sees_none_of_it(stage, own, sign_in, other_account):
    theirs = sign_in(other_account)
    for path in ("", "/frame", "/facts", "/sample", "/test"):
        assert theirs.get(f"{base(stage)}{path}").status_code == 404, path
    assert theirs.post(f"{base(stage)}/test", {"to": [ANNA]}).status_code == 404
    mine = channels.add_account(
        other_account.id, name="S", api_url="http://127.0.0.1:9/rest", customer_id="1", user_name="a",
        password="b", token="",
    )  # fmt: skip
    assert theirs.get(f"/ui/templates/{mine.id}/11?group={stage['group']}").status_code == 404


def test_the_plan_shows_it_as_a_customer_that_is_asked_for_and_leads_to_a_test(client, filled, stage, own):
    page = client.post("/ui/campaigns/new", {**filled, "do": "refresh", "as_customer": "C7"})
    assert page.context["panel"].customer_id == "C7"
    shown = text(page)
    assert f"{base(stage)}/test?group={stage['group']}&amp;customer=C7" in shown
    assert f"{base(stage)}/sample?group={stage['group']}" in shown
    assert f"{base(stage)}/frame?customer=C7" in shown
    walked = client.post("/ui/campaigns/new", {**filled, "do": "next", "person": "0", "as_customer": "C7"})
    assert walked.context["panel"].customer_id == people(stage)[1]
    back = client.post("/ui/campaigns/new", {**filled, "do": "previous", "person": "0"})
    assert back.context["panel"].customer_id == people(stage)[-1]


def test_the_occurrence_shows_it_as_one_of_the_group(client, filled, stage, own):
    client.post("/ui/campaigns/new", {**filled, "do": "draft"})
    (view,) = campaigns.list_campaigns(stage["account"].id)
    page = text(client.get(f"/ui/campaigns/{view.id}"))
    assert f"{base(stage)}/frame?group={stage['group']}" in page
    assert f"{base(stage)}/test?group={stage['group']}" in page
    first = next(one for one in people(stage))
    frame = client.get(f"{base(stage)}/frame?group={stage['group']}")
    assert (first in text(frame)) or first == "C3"
    assert frame.headers["Content-Security-Policy"].startswith("sandbox;")
