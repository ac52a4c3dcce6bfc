"""What becomes of messages in doubt, chosen on pages: of one sending, of the account's new ones, and by whom."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.fixtures.sendings import create_contacts, create_sending

from tandem.messenger.accounts import service as accounts
from tandem.messenger.delivery import policies
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import Channel

pytestmark = pytest.mark.django_db


def signed_in(account: int, role: str = "editor") -> Client:
    user = accounts.create_user(account, email=f"{role}@{account}.example", password="a long one", role=role)
    client = Client()
    client.force_login(get_user_model().objects.get(pk=user.id))
    return client


def test_of_one_sending_and_of_new_ones(house):
    client, people = signed_in(house.account_id), create_contacts(house, 2)
    sending = create_sending(house, people)
    assert 'value="hold" checked' in client.get(f"/ui/sendings/{sending}").content.decode()
    client.post(f"/ui/sendings/{sending}/policy", {"policy": "resend"})
    assert 'value="resend" checked' in client.get(f"/ui/sendings/{sending}").content.decode()
    client.post("/ui/settings/policy", {"policy": "resend"})
    assert "Chosen by editor@" in client.get("/ui/settings").content.decode()
    assert policies.default_of(house.account_id).policy == "resend"
    said = client.post("/ui/settings/policy", {"policy": "twice"}, follow=True).content.decode()
    assert "There is no policy" in said
    done = [line.action for line in accounts.recent_activity(house.account_id)]
    assert {"sending in doubt: resend", "new sendings in doubt: resend"} <= set(done)


def test_sms_are_refused_in_words_viewers_may_look_and_strangers_not_even_that(house):
    sms = create_sending(house, create_contacts(house, 1), channel=Channel.SMS)
    client = signed_in(house.account_id)
    assert 'name="policy"' not in client.get(f"/ui/sendings/{sms}").content.decode()
    said = client.post(f"/ui/sendings/{sms}/policy", {"policy": "resend"}, follow=True).content.decode()
    assert "may have cost money" in said
    viewer = signed_in(house.account_id, "viewer")
    assert viewer.post(f"/ui/sendings/{sms}/policy", {"policy": "hold"}).status_code == 403
    assert viewer.post("/ui/settings/policy", {"policy": "resend"}).status_code == 403
    stranger = signed_in(accounts.create_account(name="Southwind", zone="UTC").id)
    for said in ({"policy": "hold"}, {}):
        assert stranger.post(f"/ui/sendings/{sms}/policy", said).status_code == 404
    assert delivery.get_sending(house.account_id, sms).policy == "hold"
