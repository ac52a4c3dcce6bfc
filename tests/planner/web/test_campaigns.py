from datetime import UTC, date, datetime

import pytest

from tandem.contract.messenger_api import Preview, Project, Trigger
from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts
from tandem.planner.campaigns import service as campaigns
from tandem.planner.campaigns.offer import PromotionView
from tandem.planner.channels import service as channels
from tandem.planner.customers import service as customers
from tandem.planner.customers.domain import ConsentRow
from tandem.planner.execution import service as execution
from tandem.planner.modelling import service as modelling
from tandem.planner.targeting import service as targeting

pytestmark = pytest.mark.django_db

CLIENT_OF = "tandem.planner.channels.service.templates.client_of"
FIELDS = {
    "api_url": "http://127.0.0.1:9/rest",
    "customer_id": "2601",
    "user_name": "api",
    "password": "s3cret-password",
    "token": "t0ken-value",
}
EVERYBODY = {
    "version": 1,
    "combinator": "and",
    "not": False,
    "rules": [{"field": "orders", "operator": ">=", "value": 1}],
}
NOBODY = {**EVERYBODY, "rules": [{"field": "orders", "operator": ">=", "value": 99}]}


class Messenger:
    """Two projects: 3 with email templates 11 and 12, 4 with email template 21 and SMS template 22."""

    def projects(self):
        return tuple(
            Project(id=number, name=name, description="") for number, name in ((3, "Spring"), (4, "Club"))
        )

    def triggers(self):
        rows = (
            (11, 3, "We miss you", 1),
            (12, 3, "Come back", 1),
            (21, 4, "Points", 1),
            (22, 4, "Points SMS", 2),
        )
        return tuple(
            Trigger(
                id=number, name=name, description="", project_id=project, channel_type=kind, list_id=7, active=True,
                active_campaign=1,
            )
            for number, project, name, kind in rows
        )  # fmt: skip

    def preview(self, trigger_id, campaign_id, original_id, list_id=None):
        return Preview(
            subject="Hello", sender="shop@aster.example", html="<p>Hello <b>you</b></p>", text="Hello you"
        )


@pytest.fixture(scope="module")
def kept_stage(keep):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CLIENT_OF, lambda *_: Messenger())
        return keep(_stage)


@pytest.fixture
def stage(kept_stage, db, settings, tmp_path, monkeypatch):
    """Thirty customers in a snapshot, a group, and a connected messenger with its templates read."""
    monkeypatch.setattr(CLIENT_OF, lambda *_: Messenger())
    return kept_stage.take(settings, tmp_path)


@pytest.fixture
def account(stage):
    return stage["account"]


def _stage(folder):
    clock = FrozenClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    account = accounts.create_account(name="Aster", zone="Europe/Stockholm", currency="SEK", clock=clock)
    orders = folder / "orders.csv"
    lines = [f"C{n},2026-10-{n % 28 + 1:02},{n}.50" for n in range(1, 31)]
    orders.write_text("\n".join(["customer_id,date,amount", *lines]))
    customers.import_orders(account.id, orders, clock=clock)
    modelling.build_snapshot(account.id, date(2026, 11, 22), clock=clock)
    connection = channels.add_account(account.id, name="Symplify", **FIELDS)
    channels.read_templates(account.id, connection.id, clock=clock)
    group = targeting.save_group(account.id, name="Everybody", condition=EVERYBODY, clock=clock)
    return {"account": account, "group": group.id, "connection": connection.id}


@pytest.fixture
def filled(stage):
    return {
        "name": "Win back",
        "group": stage["group"],
        "channel": "email",
        "connection": stage["connection"],
        "project": "3",
        "template": ["11"],
        "day": "2026-11-24",
        "time": "10:00",
        "control": "10",
        "lead": "15",
        "late": "60",
    }


def was(filled, **before):
    return {
        "project_was": filled["project"],
        "channel_was": "email",
        "connection_was": filled["connection"],
        **before,
    }


def sentences(answer):
    return [sentence for _, sentence in answer.context["errors"]]


def test_without_messenger_or_group_the_page_says_what_comes_first(other_account, sign_in):
    client = sign_in(other_account)
    assert "Connect the messenger first" in client.get("/ui/campaigns/new").content.decode()
    assert "Plan your first campaign" in client.get("/ui/campaigns").content.decode()


def test_the_form_opens_with_the_defaults(client, stage):
    page = client.get("/ui/campaigns/new")
    draft = page.context["draft"]
    assert (draft.day, draft.time, draft.control, draft.channel) == ("2026-11-24", "10:00", "10", "email")
    assert "Stockholm time" in page.content.decode()


def test_choosing_a_group_shows_how_many_it_holds(client, filled):
    page = client.post("/ui/campaigns/new", {**filled, "do": "refresh"}, headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert "<html" not in page.content.decode()
    assert page.context["panel"].count.members == 30
    assert page.context["panel"].control == 3
    assert page.context["panel"].customer_id.startswith("C")


def test_every_missing_part_is_named_with_its_field(client, stage):
    answer = client.post("/ui/campaigns/new", {"do": "draft", "channel": "email", "control": "x"})
    assert answer.status_code == 422
    assert sentences(answer)[:4] == [
        "Give the campaign a name.",
        "Choose who gets it: a target group.",
        "Choose a project, then at least one of its templates.",
        "Choose at least one date.",
    ]
    assert 'href="#id_name"' in answer.content.decode()
    assert campaigns.list_campaigns(answer.wsgi_request.user.account_id) == ()


def test_changing_the_project_clears_the_templates_and_says_so(client, filled):
    page = client.post("/ui/campaigns/new", {**filled, **was(filled), "project": "4", "do": "refresh"})
    assert page.context["draft"].templates == ()
    assert page.context["draft"].cleared == ("We miss you",)
    assert "were cleared" in page.content.decode()
    assert [one.name for one in page.context["around"].templates] == ["Points"]


def test_a_template_of_another_project_is_refused_by_name(client, filled):
    answer = client.post("/ui/campaigns/new", {**filled, "template": ["11", "21"], "do": "draft"})
    assert answer.status_code == 422
    assert "Points belongs to Club" in sentences(answer)[0]


def test_shares_must_make_a_hundred(client, filled):
    wrong = {**filled, "template": ["11", "12"], "share_11": "50", "share_12": "40", "do": "draft"}
    answer = client.post("/ui/campaigns/new", wrong)
    assert sentences(answer) == ["The shares of the templates add up to 90 %; make them 100 %."]


@pytest.mark.parametrize(
    ("day", "time", "words"),
    [
        ("2026-11-22", "10:00", "past"),
        ("2026-11-23", "10:05", "at least 15 minutes from now"),
        ("2027-03-28", "02:30", "does not exist"),
        ("tomorrow", "10:00", "Choose at least one date."),
    ],
)
def test_times_that_cannot_be_are_refused_in_words(client, account, filled, day, time, words):
    answer = client.post("/ui/campaigns/new", {**filled, "day": day, "time": time, "do": "review"})
    assert answer.status_code == 422
    assert words in " ".join(sentences(answer))
    assert campaigns.list_campaigns(account.id) == ()


def test_a_campaign_is_reviewed_then_scheduled_without_javascript(client, account, filled):
    review = client.post("/ui/campaigns/new", {**filled, "do": "review"})
    assert "Is this right?" in review.content.decode()
    assert "We miss you" in review.context["review"].sentence
    assert campaigns.list_campaigns(account.id) == ()
    answer = client.post("/ui/campaigns/new", {**filled, "do": "schedule"})
    saved = campaigns.list_campaigns(account.id)[0]
    assert answer.headers["Location"] == f"/ui/campaigns/{saved.id}"
    assert saved.state == "scheduled"
    assert "Win back" in client.get("/ui/campaigns").content.decode()


def test_saving_with_htmx_leads_on_by_header(client, filled):
    answer = client.post("/ui/campaigns/new", {**filled, "do": "draft"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith("/ui/campaigns/")


def test_a_refresh_writes_nothing(client, account, filled):
    client.post("/ui/campaigns/new", {**filled, "do": "refresh"})
    assert campaigns.list_campaigns(account.id) == ()


def test_a_draft_is_changed_on_the_same_page(client, account, filled):
    client.post("/ui/campaigns/new", {**filled, "do": "draft"})
    saved = campaigns.list_campaigns(account.id)[0]
    page = client.get(f"/ui/campaigns/{saved.id}/edit")
    assert page.context["draft"].name == "Win back"
    client.post(f"/ui/campaigns/{saved.id}/edit", {**filled, "name": "Win back again", "do": "draft"})
    assert [one.name for one in campaigns.list_campaigns(account.id)] == ["Win back again"]


def test_an_empty_group_warns_before_anything_is_planned(client, account, filled, clock):
    empty = targeting.save_group(account.id, name="Nobody", condition=NOBODY, clock=clock)
    page = client.post("/ui/campaigns/new", {**filled, "group": empty.id, "do": "refresh"})
    assert "Nobody is in this group today" in page.content.decode()


def test_search_that_finds_nothing_can_be_cleared(client, filled):
    client.post("/ui/campaigns/new", {**filled, "do": "draft"})
    page = client.get("/ui/campaigns?q=<script>").content.decode()
    assert "No campaign matches" in page
    assert "Clear search" in page
    assert "<script>'" not in page


def test_another_account_sees_no_campaign(client, account, filled, other_account, sign_in):
    client.post("/ui/campaigns/new", {**filled, "do": "schedule"})
    saved = campaigns.list_campaigns(account.id)[0]
    theirs = sign_in(other_account)
    assert theirs.get(f"/ui/campaigns/{saved.id}/edit").status_code == 404
    assert "Win back" not in theirs.get("/ui/campaigns").content.decode()
    assert "Win back" not in theirs.get("/ui/").content.decode()
    frame = theirs.get(f"/ui/templates/{filled['connection']}/11/frame")
    assert frame.status_code == 404
    assert "Hello" not in frame.content.decode()


def test_a_viewer_may_not_plan(account, sign_in, stage):
    viewer = sign_in(account, "viewer")
    assert viewer.get("/ui/campaigns").status_code == 200
    assert viewer.get("/ui/campaigns/new").status_code == 403


def test_the_overview_ticks_itself(client, filled):
    before = client.get("/ui/")
    assert [step.done for step in before.context["steps"]] == [True, False, True, True, False]
    client.post("/ui/campaigns/new", {**filled, "do": "draft"})
    assert client.get("/ui/").context["steps"][-1].done


def test_a_template_is_previewed_in_a_document_that_can_do_nothing(client, filled):
    page = client.get(f"/ui/templates/{filled['connection']}/11?customer=C1")
    assert 'sandbox=""' in page.content.decode()
    assert "Hello" in page.content.decode()
    frame = client.get(f"/ui/templates/{filled['connection']}/11/frame?customer=C1")
    assert frame.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert frame.content.decode() == "<p>Hello <b>you</b></p>"
    assert client.get(f"/ui/templates/{filled['connection']}/999").status_code == 404


def test_templates_are_read_again_on_demand(client, filled):
    page = client.post("/ui/templates/read", {"connection": filled["connection"]}, follow=True)
    assert "Read 2 projects with 4 templates." in page.content.decode()
    assert "Points SMS" in page.content.decode()


def test_the_occurrence_page_shows_the_timeline_and_cancels(client, account, filled):
    client.post("/ui/campaigns/new", {**filled, "do": "schedule"})
    saved = campaigns.list_campaigns(account.id)[0]
    page = client.get(f"/ui/campaigns/{saved.id}")
    assert "Step by step" in page.content.decode()
    assert len(page.context["timeline"].steps) >= 4
    fragment = client.get(f"/ui/campaigns/{saved.id}", headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert 'hx-trigger="every 2s"' in fragment.content.decode()
    assert client.post(f"/ui/campaigns/{saved.id}/cancel").status_code == 302
    assert campaigns.get_campaign(account.id, saved.id).state == "cancelled"
    assert "every 2s" not in client.get(f"/ui/campaigns/{saved.id}").content.decode()


def test_a_made_list_shows_its_numbers(client, account, filled, clock):
    client.post("/ui/campaigns/new", {**filled, "do": "schedule"})
    saved = campaigns.list_campaigns(account.id)[0]
    consent = [
        ConsentRow(
            customer_id=f"C{n}", has_email=True, email_consent=n > 5, has_mobile=False, sms_consent=False
        )
        for n in range(1, 26)
    ]
    customers.refresh_consent(account.id, filled["connection"], consent, full=True, read_at=clock.business())
    clock.move(hours=23, minutes=50)
    execution.make_list(account.id, saved.occurrence_id, clock=clock)
    page = client.get(f"/ui/campaigns/{saved.id}")
    assert page.context["timeline"].outcome.listed == 30
    outcome = page.context["timeline"].outcome
    parts = (
        outcome.control + outcome.sent + sum(outcome.skipped.values()) + outcome.failed + outcome.uncertain
    )
    assert parts == 30
    assert "No contact" in page.content.decode()
    assert "No consent" in page.content.decode()


def test_a_fetched_campaign_is_cancelled_with_what_is_certain(client, account, filled, clock):
    client.post("/ui/campaigns/new", {**filled, "control": "0", "do": "schedule"})
    saved = campaigns.list_campaigns(account.id)[0]
    url = f"/ui/campaigns/{saved.id}"
    consent = ConsentRow(
        customer_id="C1", has_email=True, email_consent=True, has_mobile=False, sms_consent=False
    )
    customers.refresh_consent(
        account.id, filled["connection"], [consent], full=True, read_at=clock.business()
    )
    clock.move(hours=23, minutes=50)
    execution.make_list(account.id, saved.occurrence_id, clock=clock)
    assert "The messenger has nothing of the list, so nobody gets it." in client.get(url).content.decode()
    execution.details_served(account.id, saved.occurrence_id, 504, rows=1, clock=clock)
    assert "The messenger has the list already." in client.get(url).content.decode()
    page = client.post(f"{url}/cancel", follow=True).content.decode()
    assert "is being cancelled. The messenger has its list and is told to stop." in page
    assert "Nobody listens to event 4." in page
    assert "Not yet known" in page
    assert 'hx-trigger="every 2s"' in page
    assert "Yes, cancel it" not in page
    totals, stated = {0: 0, 5: 1, 9: 0}, {(11, 0), (11, 5), (11, 9)}
    execution.metrics_arrived(account.id, saved.occurrence_id, totals, stated=stated, clock=clock)
    page = client.get(url).content.decode()
    assert "1 not sent, 0 sent, 0 failed. The messenger sent nothing." in page
    assert "every 2s" not in page


def test_a_move_the_state_forbids_is_said_in_words(client, account, filled):
    client.post("/ui/campaigns/new", {**filled, "do": "draft"})
    saved = campaigns.list_campaigns(account.id)[0]
    page = client.post(f"/ui/campaigns/{saved.id}/run-now", follow=True)
    assert 'role="alert"' in page.content.decode()
    assert client.post(f"/ui/campaigns/{saved.id}/explode").status_code == 404


def test_another_account_cannot_touch_the_occurrence(client, account, filled, other_account, sign_in):
    client.post("/ui/campaigns/new", {**filled, "do": "schedule"})
    saved = campaigns.list_campaigns(account.id)[0]
    theirs = sign_in(other_account)
    assert theirs.get(f"/ui/campaigns/{saved.id}").status_code == 404
    assert theirs.post(f"/ui/campaigns/{saved.id}/cancel").status_code == 404
    assert campaigns.get_campaign(account.id, saved.id).state == "scheduled"


def test_the_offer_is_planned_shown_and_changed(client, account, filled, clock):
    campaigns.add_promotions(account.id, [PromotionView(code="WB23", name="Welcome back")], clock=clock)
    offer = {
        "action": "Free shipping",
        "duration": "7",
        "tags": "vip, july",
        "notes": "Try <it>",
        "promo_code": ["WB23"],
        "conditional": "on",
        "clearance": "4",
    }
    assert "Welcome back" in client.get("/ui/campaigns/new").content.decode()
    client.post("/ui/campaigns/new", {**filled, **offer, "do": "draft"})
    [saved] = campaigns.list_campaigns(account.id)
    assert (saved.action, saved.duration_days, saved.tags, saved.notes) == (
        "Free shipping", 7, ("vip", "july"), "Try <it>",
    )  # fmt: skip
    assert (saved.promo_codes, saved.clearance_minutes) == (("WB23",), 4)
    page = client.get(f"/ui/campaigns/{saved.id}").content.decode()
    for words in (
        "Free shipping",
        "7 days",
        "WB23",
        "vip",
        "Try &lt;it&gt;",
        "Cleared by a third party until",
    ):
        assert words in page
    draft = client.get(f"/ui/campaigns/{saved.id}/edit").context["draft"]
    assert (draft.action, draft.tags, draft.promo_codes, draft.conditional, draft.clearance) == (
        "Free shipping", "vip, july", ("WB23",), True, "4",
    )  # fmt: skip
    client.post(f"/ui/campaigns/{saved.id}/edit", {**filled, "do": "draft"})
    [saved] = campaigns.list_campaigns(account.id)
    assert (saved.action, saved.promo_codes, saved.clearance_at) == ("Win back", (), None)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"duration": "0"}, "id_duration", "The duration must be from 1 to 365 days."),
        ({"duration": "x"}, "id_duration", "Give the duration in whole days."),
        ({"action": "dn"}, "id_action", "DN is the control group"),
        ({"promo_code": ["NONE"]}, "id_promo_codes", "There is no promotion with the code NONE."),
        (
            {"conditional": "on", "clearance": "15"},
            "id_clearance",
            "Clearance must end after the list is made",
        ),
        ({"conditional": "on", "clearance": ""}, "id_clearance", "Give minutes from 0 to 1440."),
        ({"tags": "t" * 51}, "id_tags", "Use up to 20 tags"),
        ({"notes": "n" * 2001}, "id_notes", "The notes are longer than 2,000 characters."),
    ],
)
def test_an_offer_that_cannot_be_is_refused_at_its_field(client, account, filled, change, field, words):
    page = client.post("/ui/campaigns/new", {**filled, **change, "do": "draft"})
    assert page.status_code == 422
    [(where, sentence)] = page.context["errors"]
    assert where == field
    assert words in sentence
    assert campaigns.list_campaigns(account.id) == ()
