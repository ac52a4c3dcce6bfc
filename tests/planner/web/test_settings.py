from datetime import date

import pytest
from tests.fixtures.shop import build

from tandem.planner.accounts import service as accounts
from tandem.planner.modelling import service as modelling
from tandem.planner.modelling.lifecycle.limits import limits_by_hand
from tandem.planner.targeting import service as targeting

pytestmark = pytest.mark.django_db


def test_credentials_are_shown_once(client, account):
    made = client.post("/ui/settings/credentials", {"user_name": "listener", "rights": "full"})
    secrets = made.context["made"]
    assert secrets.api_key in made.content.decode()
    later = client.get("/ui/settings").content.decode()
    assert "listener" in later
    assert secrets.api_key not in later
    assert secrets.password not in later


def test_a_name_that_is_taken_is_refused_with_the_form_kept(client):
    client.post("/ui/settings/credentials", {"user_name": "listener", "rights": "full"})
    again = client.post("/ui/settings/credentials", {"user_name": "listener", "rights": "full"})
    assert again.status_code >= 400
    assert again.context["errors"]
    assert 'value="listener"' in again.content.decode()


def test_another_accounts_credential_cannot_be_switched_off(client, other_account, clock):
    theirs = accounts.create_api_credential(other_account.id, user_name="theirs", clock=clock)
    assert client.post(f"/ui/settings/credentials/{theirs.id}/disable").status_code in {404, 422}
    assert accounts.list_credentials(other_account.id)[0].is_active


def test_settings_show_only_the_own_account(client, other_account, sign_in, clock):
    sign_in(other_account)
    accounts.create_api_credential(other_account.id, user_name="theirs", clock=clock)
    text = client.get("/ui/settings").content.decode()
    assert "birch" not in text.lower()
    assert "theirs" not in text


def test_a_user_is_added_and_may_sign_in(client, account):
    fields = {"email": "new@aster.example", "name": "New", "role": "viewer", "password": "a long enough one"}
    assert client.post("/ui/settings/users", fields).status_code == 302
    assert "new@aster.example" in {user.email for user in accounts.list_users(account.id)}


def test_a_weak_password_is_refused(client, account):
    fields = {"email": "new@aster.example", "name": "New", "role": "viewer", "password": "short"}
    answer = client.post("/ui/settings/users", fields)
    assert answer.status_code >= 400
    assert answer.context["errors"]


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_only_administrators_make_credentials_and_users(account, sign_in, role):
    client = sign_in(account, role)
    assert client.get("/ui/settings").status_code == 200
    refused = client.post("/ui/settings/credentials", {"rights": "full"})
    assert refused.status_code == 403
    assert f"Your role, {role}," in refused.content.decode()
    assert client.post("/ui/settings/users", {}).status_code == 403


@pytest.fixture(scope="module")
def kept_shop(keep):
    return keep(build)


@pytest.fixture
def shop(kept_shop, db, settings, tmp_path):
    return kept_shop.take(settings, tmp_path)


@pytest.fixture
def shopper(shop, sign_in):
    return sign_in(shop.account)


LIMITS = {"new_days": "20", "at_risk_days": "25", "churn_days": "27"}


def test_stage_limits_are_tried_out_before_they_are_kept(shopper, shop):
    shown = shopper.post("/ui/settings/stages", {**LIMITS, "do": "refresh"}, headers={"HX-Request": "true"})
    preview = shown.context["preview"]
    assert sum(then for _, _, then in preview.sizes) == sum(now for _, now, _ in preview.sizes) == 200
    assert {stage: then for stage, _, then in preview.sizes} != {s: now for s, now, _ in preview.sizes}
    assert "<html" not in shown.content.decode()
    assert not limits_by_hand(shop.account.pk)

    assert shopper.post("/ui/settings/stages", {**LIMITS, "do": "save"}).status_code == 302
    modelling.build_snapshot(shop.account.pk, date(2026, 6, 30), clock=shop.clock)
    everybody = {"version": 1, "combinator": "and", "not": False, "rules": [
        {"field": "orders", "operator": ">=", "value": 0}]}  # fmt: skip
    counted = dict(targeting.count(shop.account.pk, everybody).stages)
    assert counted == {stage: then for stage, _, then in preview.sizes if then}

    shopper.post("/ui/settings/stages", {"do": "measure"})
    assert not limits_by_hand(shop.account.pk)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"new_days": "0"}, "new"), ({"at_risk_days": "5"}, "at_risk"), ({"churn_days": "25"}, "churn"),
     ({"churn_days": "soon"}, "churn")],
)  # fmt: skip
def test_limits_that_do_not_work_are_refused_beside_their_field(shopper, shop, changed, field):
    answer = shopper.post("/ui/settings/stages", {**LIMITS, **changed, "do": "save"})
    assert answer.status_code == 422
    assert f'id="id_{field}_days_error"' in answer.content.decode()
    assert not limits_by_hand(shop.account.pk)


def test_a_viewer_sees_the_limits_and_cannot_change_them(shop, sign_in):
    viewer = sign_in(shop.account, "viewer")
    assert "Save the limits" not in viewer.get("/ui/settings/stages").content.decode()
    assert viewer.post("/ui/settings/stages", {**LIMITS, "do": "save"}).status_code == 403


def test_without_customers_the_limits_page_says_what_to_do(client):
    assert "Import a file" in client.get("/ui/settings/stages").content.decode()
