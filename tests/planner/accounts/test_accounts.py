from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service
from tandem.planner.accounts.domain import KeyLimit
from tandem.planner.accounts.errors import (
    AccountRefused,
    AccountUnknown,
    ChooseAccount,
    NameTaken,
    TooManyFailures,
    WrongCredentials,
)
from tandem.planner.accounts.models import ApiCredential
from tandem.planner.accounts.service import people

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


@pytest.fixture
def clock():
    people._failures._failures.clear()
    return FrozenClock(datetime(2027, 3, 1, 12, 0, tzinfo=UTC))


@pytest.fixture
def account(clock):
    return service.create_account(name="Shop", zone="Europe/Stockholm", currency="sek", clock=clock)


class TestAccounts:
    def test_made_and_found(self, account):
        assert account.currency == "SEK"
        for chosen in (None, "", "shop", str(account.id), account.id):
            assert service.find_account(chosen) == account

    def test_several_must_be_chosen_from(self, account, clock):
        service.create_account(name="Other", zone="UTC", clock=clock)
        with pytest.raises(ChooseAccount):
            service.find_account(None)

    def test_none(self, db):
        with pytest.raises(AccountUnknown):
            service.find_account(None)

    @pytest.mark.parametrize("change", [{"name": " "}, {"zone": "Mars/Base"}, {"currency": "E1R"}])
    def test_refused(self, clock, change):
        with pytest.raises(AccountRefused):
            service.create_account(**{"name": "A", "zone": "UTC", "currency": "EUR"} | change, clock=clock)
        assert service.list_accounts() == ()

    def test_name_taken(self, account, clock):
        with pytest.raises(NameTaken):
            service.create_account(name="Shop", zone="UTC", clock=clock)


class TestPeople:
    def test_signs_in_whatever_the_case_of_the_address(self, account, clock):
        user = service.create_user(account.id, email="Ada@Example.test", password=GOOD, clock=clock)
        assert service.authenticate(" ada@example.TEST", GOOD, clock=clock).pk == user.id

    def test_ten_wrong_passwords_are_enough(self, account, clock):
        service.create_user(account.id, email="ada@example.test", password=GOOD, clock=clock)
        for _ in range(9):
            people._failures.failed("user ada@example.test", clock.system())
        with pytest.raises(WrongCredentials):
            service.authenticate("ada@example.test", "wrong", clock=clock)
        with pytest.raises(TooManyFailures):
            service.authenticate("ada@example.test", GOOD, clock=clock)
        clock.move(minutes=16)
        assert service.authenticate("ada@example.test", GOOD, clock=clock)

    @pytest.mark.parametrize("change", [{"email": "x"}, {"password": "short"}, {"role": "king"}])
    def test_refused(self, account, clock, change):
        with pytest.raises(AccountRefused):
            service.create_user(
                account.id, **{"email": "a@example.test", "password": GOOD} | change, clock=clock
            )
        assert service.list_users(account.id) == ()

    def test_a_password_is_changed_in_ones_own_account_alone(self, account, clock):
        other = service.create_account(name="Other", zone="UTC", clock=clock)
        user = service.create_user(account.id, email="ada@example.test", password=GOOD, clock=clock)
        with pytest.raises(AccountRefused):
            service.set_password(
                other.id, user_id=user.id, password="another one, long", actor="t", clock=clock
            )
        service.set_password(
            account.id, user_id=user.id, password="another one, long", actor="t", clock=clock
        )
        with pytest.raises(WrongCredentials):
            service.authenticate("ada@example.test", GOOD, clock=clock)


class TestPrograms:
    def test_secrets_are_kept_as_hashes_and_not_printed(self, account, clock):
        made = service.create_api_credential(account.id, clock=clock)
        kept = str(ApiCredential.objects.values_list())
        assert not [secret for secret in (made.password, made.api_key) if secret in kept + repr(made)]
        assert service.caller_of_key(made.api_key, clock=clock).account_id == account.id

    def test_disabled_is_shut_out(self, account, clock):
        made = service.create_api_credential(account.id, clock=clock)
        token = service.login(made.user_name, made.password, clock=clock)
        service.disable_credential(account.id, credential_id=made.id, actor="test", clock=clock)
        for way in (
            lambda: service.caller_of_key(made.api_key, clock=clock),
            lambda: service.caller_of_token(token, clock=clock),
        ):
            with pytest.raises(WrongCredentials):
                way()

    def test_who_did_what(self, account, clock):
        service.create_api_credential(account.id, actor="ada", clock=clock)
        assert [(row.actor, row.action) for row in service.recent_activity(account.id)] == [
            ("ada", "credential.created"),
            ("system", "account.created"),
        ]


class TestLimit:
    def test_is_read_as_calls_and_seconds(self):
        assert KeyLimit.parse("50/10") == KeyLimit(most=50, window=timedelta(seconds=10))

    @pytest.mark.parametrize(
        "text", ["", "50", "50/", "/10", "0/10", "50/0", "many/10", "50/3601", "10001/10"]
    )
    def test_what_is_none_is_said_at_the_start(self, text, settings):
        settings.TANDEM_KEY_LIMIT = text
        with pytest.raises(ImproperlyConfigured, match="as 50/10"):
            apps.get_app_config("planner_accounts").ready()
