"""API keys over HTTP: what they are held to, how often they may call, their last use, a new one for an old one."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tandem.kit import clock as clocks
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.domain import Restriction
from tandem.planner.accounts.errors import AccountRefused, CredentialUnknown, TooManyCalls
from tandem.planner.accounts.models import ApiCredential, KeyCalls
from tandem.planner.accounts.service import programs

pytestmark = pytest.mark.django_db
INFO, UPDATE = "/current/general/GetApiKeyInfo", "/current/general/GetLastDataUpdate"
GROUPS = "/current/groups/GetTargetGroupDetails"
TOO_MANY = {
    "status": 429,
    "error": "Too Many Requests",
    "message": "You have exceeded the rate limit for this API group. Please retry later.",
}


@pytest.fixture(autouse=True)
def clock(shop, monkeypatch):
    monkeypatch.setattr(clocks, "from_environment", lambda: shop.clock)
    return shop.clock


@pytest.fixture
def held(shop):
    """Hold the full credential to something."""

    def run(**restriction):
        accounts.restrict_credential(
            shop.account.id, credential_id=shop.full.id, restriction=Restriction(**restriction),
            actor="ada", clock=shop.clock,
        )  # fmt: skip

    return run


def said(answer):
    return answer.status_code, answer.json()


class TestFunctions:
    @pytest.mark.parametrize("words", ["general/*", "General/getlastdataupdate"])
    def test_what_is_not_named_is_forbidden(self, call, held, words):
        held(functions=(words,))
        assert call(UPDATE).status_code == 200
        assert call("/v3.0/GENERAL/GetLastDataUpdate").status_code == 200
        assert said(call(GROUPS)) == (403, "Forbidden")

    def test_by_token_too(self, call, held, shop):
        held(functions=("groups/*",))
        token = call(
            "/current/general/login", {"Username": "shop", "Password": shop.full.password}, headers={}
        ).json()
        assert call(GROUPS, headers={"Authorization-Token": token}).status_code == 200
        assert said(call(UPDATE, headers={"Authorization-Token": token})) == (403, "Forbidden")

    def test_a_third_party_gets_nothing_by_being_named(self, call, shop):
        accounts.restrict_credential(
            shop.account.id, credential_id=shop.third.id, restriction=Restriction(functions=("groups/*",)),
            actor="ada", clock=shop.clock,
        )  # fmt: skip
        assert said(call(GROUPS, key=shop.third.api_key)) == (403, "Forbidden")

    def test_a_key_may_always_ask_about_itself(self, call, held, shop):
        held(functions=("groups/*",), networks=("127.0.0.0/8", "2001:db8::/32"), limit=7)
        info = call(INFO).json()
        assert {name: info[name] for name in ("Name", "Role", "Functions", "IPAllowList", "RateLimit")} == {
            "Name": "shop", "Role": "full", "Functions": ["groups/*"],
            "IPAllowList": ["127.0.0.0/8", "2001:db8::/32"], "RateLimit": {"Requests": 7, "Seconds": 10},
        }  # fmt: skip
        assert info["KeyPrefix"] == shop.full.api_key[:8]
        assert shop.full.api_key not in str(info)

    @pytest.mark.parametrize("words", ["nothing/*", "general/Nothing", "*", "general"])
    def test_a_name_that_is_none_is_refused(self, held, shop, words):
        with pytest.raises(AccountRefused):
            held(functions=("general/*", words))
        assert accounts.get_credential(shop.account.id, shop.full.id).restriction == Restriction()


class TestNetworks:
    def test_elsewhere_is_forbidden(self, call, client, held, shop):
        held(networks=("203.0.113.0/24",))
        assert said(call(UPDATE)) == (403, "Forbidden")
        answer = client.get(UPDATE, headers={"X-API-KEY": shop.full.api_key}, REMOTE_ADDR="203.0.113.9")
        assert answer.status_code == 200
        mapped = client.get(
            UPDATE, headers={"X-API-KEY": shop.full.api_key}, REMOTE_ADDR="::ffff:203.0.113.9"
        )
        assert mapped.status_code == 200

    def test_neither_login_nor_token_goes_round_it(self, call, client, held, shop):
        body = {"Username": "shop", "Password": shop.full.password}
        token = call("/current/general/login", body, headers={}).json()
        held(networks=("203.0.113.0/24",))
        assert said(call(UPDATE, headers={"Authorization-Token": token})) == (403, "Forbidden")
        assert said(call("/current/general/login", body, headers={})) == (403, "Forbidden")

    @pytest.mark.parametrize(
        ("proxies", "forwarded", "status"),
        [
            ((), "203.0.113.9", 403),
            (("127.0.0.1",), "203.0.113.9", 200),
            (("127.0.0.1",), "203.0.113.9, 198.51.100.1", 403),
            (("127.0.0.1", "198.51.100.0/24"), "203.0.113.9, 198.51.100.1", 200),
            (("127.0.0.1",), "rubbish", 403),
            (("127.0.0.1",), "", 403),
        ],
    )
    def test_behind_a_proxy(self, call, client, held, shop, settings, proxies, forwarded, status):
        settings.TANDEM_PROXIES = proxies
        held(networks=("203.0.113.0/24",))
        headers = {"X-API-KEY": shop.full.api_key, "X-Forwarded-For": forwarded}
        assert client.get(UPDATE, headers=headers).status_code == status

    @pytest.mark.parametrize("network", ["everywhere", "203.0.113.0/40", ""])
    def test_what_is_no_network_is_refused(self, held, network):
        with pytest.raises(AccountRefused):
            held(networks=(network,))


class TestLimit:
    def test_the_setting_then_429_then_free_again(self, call, shop, clock, settings):
        settings.TANDEM_KEY_LIMIT = "3/10"
        for _ in range(3):
            assert call(UPDATE).status_code == 200
            clock.move(seconds=2)
        answer = call(UPDATE)
        assert said(answer) == (429, TOO_MANY)
        assert answer.headers["Retry-After"] == "4"
        assert answer.headers["Content-Length"] == str(len(answer.content))
        clock.move(seconds=3)
        assert call(UPDATE).status_code == 429
        clock.move(seconds=1)
        assert [call(UPDATE).status_code for _ in range(2)] == [200, 429]

    def test_its_own(self, call, held, shop):
        held(limit=2)
        assert [call(UPDATE).status_code for _ in range(3)] == [200, 200, 429]
        assert call(UPDATE, key=shop.third.api_key).status_code == 200

    def test_forbidden_calls_count_and_tokens_do_not(self, call, held, shop):
        held(limit=1, functions=("groups/*",))
        assert [call(UPDATE).status_code for _ in range(2)] == [403, 429]
        programs._logins._failures.clear()
        token = call(
            "/current/general/login", {"Username": "shop", "Password": shop.full.password}, headers={}
        ).json()
        codes = [call(GROUPS, headers={"Authorization-Token": token}).status_code for _ in range(4)]
        assert codes == [200] * 4

    @pytest.mark.parametrize("limit", [0, -1, 10_001])
    def test_a_limit_that_is_none_is_refused(self, held, limit):
        with pytest.raises(AccountRefused):
            held(limit=limit)

    def test_the_count_is_not_logged_to_disk(self, db):
        with connection.cursor() as cursor:
            cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'planner_accounts_keycalls'")
            assert cursor.fetchone() == ("u",)


@pytest.mark.django_db(transaction=True)
def test_connections_at_once_share_one_window(shop, held):
    held(limit=20)
    codes = []

    def calls():
        for _ in range(10):
            try:
                accounts.caller_of_key(shop.full.api_key, clock=shop.clock)
                codes.append(200)
            except TooManyCalls as refused:
                codes.append(429)
                assert refused.wait == 10
        connection.close()

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes.count(200), codes.count(429)) == (20, 20)
    assert len(KeyCalls.objects.get(credential_id=shop.full.id).calls) == 20


class TestUse:
    def test_time_and_address_of_the_last_use(self, call, client, shop, clock):
        assert accounts.get_credential(shop.account.id, shop.full.id).used_at is None
        call(UPDATE)
        first = clock.now
        found = accounts.get_credential(shop.account.id, shop.full.id)
        assert (found.used_at, found.used_from) == (first, "127.0.0.1")
        clock.move(seconds=4)
        client.get(UPDATE, headers={"X-API-KEY": shop.full.api_key}, REMOTE_ADDR="203.0.113.9")
        assert accounts.get_credential(shop.account.id, shop.full.id).used_at == first
        clock.move(seconds=1)
        client.get(UPDATE, headers={"X-API-KEY": shop.full.api_key}, REMOTE_ADDR="203.0.113.9")
        found = accounts.get_credential(shop.account.id, shop.full.id)
        assert (found.used_at, found.used_from) == (clock.now, "203.0.113.9")


class TestRotation:
    def rotated(self, shop, **more):
        return accounts.rotate_key(
            shop.account.id, credential_id=shop.full.id, actor="ada", clock=shop.clock, **more
        )

    def test_the_old_key_works_until_the_overlap_ends(self, call, shop, clock):
        made = self.rotated(shop)
        assert made.old_until == clock.now + timedelta(hours=24)
        assert made.api_key not in repr(made)
        assert made.api_key not in str(ApiCredential.objects.values_list())
        assert [call(UPDATE, key=key).status_code for key in (made.api_key, shop.full.api_key)] == [200, 200]
        clock.move(hours=24)
        assert call(UPDATE, key=made.api_key).status_code == 200
        assert said(call(UPDATE, key=shop.full.api_key)) == (401, "Unauthorized")

    def test_both_keys_share_one_limit(self, call, shop, held):
        held(limit=2)
        made = self.rotated(shop)
        codes = [call(UPDATE, key=k).status_code for k in (made.api_key, shop.full.api_key, made.api_key)]
        assert codes == [200, 200, 429]

    def test_at_once(self, call, shop):
        made = self.rotated(shop, overlap=timedelta(0))
        assert call(UPDATE, key=made.api_key).status_code == 200
        assert call(UPDATE).status_code == 401

    def test_disabled_shuts_out_both(self, call, shop):
        made = self.rotated(shop)
        accounts.disable_credential(
            shop.account.id, credential_id=shop.full.id, actor="ada", clock=shop.clock
        )
        for key in (made.api_key, shop.full.api_key):
            assert said(call(UPDATE, key=key)) == (401, "Unauthorized")
        with pytest.raises(CredentialUnknown):
            self.rotated(shop)

    def test_only_the_own_accounts(self, shop):
        other = accounts.create_account(name="Other", zone="Europe/Oslo", clock=shop.clock)
        for act in (
            lambda: accounts.rotate_key(other.id, credential_id=shop.full.id, actor="a", clock=shop.clock),
            lambda: accounts.get_credential(other.id, shop.full.id),
            lambda: accounts.restrict_credential(
                other.id, credential_id=shop.full.id, restriction=Restriction(), actor="a", clock=shop.clock
            ),
        ):
            with pytest.raises(CredentialUnknown):
                act()
