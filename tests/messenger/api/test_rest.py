"""The REST API over HTTP, as public clients speak it: paths, types, both ways of signing in, errors."""

import base64
import json
import urllib.error
import urllib.request

import pytest
from django.test import Client

from tandem.kit import clock as clocks
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.domain import HEADERS, Changes
from tandem.messenger.contacts.models import ImportBatch
from tandem.messenger.projects import service as projects
from tandem.messenger.projects.domain import EmailSource, SmsSource

CLOCK = clocks.from_environment()


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(_house)


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    """An account with an API user, a list with one contact, a project with an email and an SMS trigger."""
    return House(*kept_house.take(settings, tmp_path))


def _house(folder):
    account = accounts.create_account(name="Shop", zone="Europe/Stockholm", customer_id=7001)
    way_in = accounts.create_api_user(account.id, "planner")
    people = contacts.create_list(account.id, name="Customers", clock=CLOCK)
    contacts.define_property(account.id, name="bonusLevel", data_type="INTEGER", clock=CLOCK)
    contacts.save_contact(
        account.id, people.id, "a b/c@d",
        Changes(columns={"email": "anna@shop.example", "first_name": "Anna", "mobile": "+46701234567"},
                properties={"bonusLevel": "10"}),
        force=True, source="test", clock=CLOCK,
    )  # fmt: skip
    project = projects.create_project(
        account.id,
        name="Loyalty",
        from_address="news@shop.example",
        from_name="Shop",
        sms_sender="Shop",
        clock=CLOCK,
    )
    more = {"project_id": project.id, "list_id": people.id, "clock": CLOCK}
    mail = projects.create_trigger(account.id, name="Welcome", channel="email", **more)
    sms = projects.create_trigger(account.id, name="Reminder", channel="sms", **more)
    source = EmailSource(
        subject="Hi {{contact.firstName}}",
        html='<p>{{contact.bonusLevel}} {{contact.city}}</p><a href="{{message.unsubscribeUrl}}">off</a>',
    )
    projects.add_active_version(account.id, mail.id, source, clock=CLOCK)
    projects.add_active_version(
        account.id, sms.id, SmsSource(text="Hej {{contact.firstName}} ç"), clock=CLOCK
    )
    return account.id, way_in, people.id, project.id, mail.id, sms.id


class House:
    """The ids, and calls with the token."""

    def __init__(self, account, way_in, people, project, mail, sms):
        self.account, self.way_in, self.people = account, way_in, people
        self.project, self.mail, self.sms = project, mail, sms
        self.client = Client()
        self.token = {"X-Carma-Authentication-Token": way_in.token}

    def call(self, method, path, status=200, *, headers=None, body=None, kind="application/json"):
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.client.generic(
            method,
            f"/rest/{self.account}{path}",
            data,
            kind,
            headers=self.token if headers is None else headers,
        )
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/json"), answer.content
        return answer.json()

    def get(self, path, status=200, **more):
        return self.call("GET", path, status, **more)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class TestWayIn:
    def test_token_and_basic(self, house):
        assert house.get("/ping") == {"message": "pong"}
        assert house.get("/ping", headers=basic("planner", house.way_in.password)) == {"message": "pong"}

    def test_the_token_decides_even_if_it_is_wrong(self, house):
        right = basic("planner", house.way_in.password)
        assert "error" in house.get("/ping", 401, headers={**right, "X-Carma-Authentication-Token": "x"})
        assert "error" in house.get("/ping", 401, headers={**right, "X-Carma-Authentication-Token": ""})

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Basic x"},
            {"Authorization": "Bearer x"},
            basic("planner", "wrong"),
            basic("no", "x"),
        ],
    )
    def test_without_right_credentials(self, house, headers):
        answer = Client().get(f"/rest/{house.account}/ping", headers=headers)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Basic")
        assert set(answer.json()) == {"error"}

    def test_credentials_of_another_account(self, house):
        other = accounts.create_account(name="Other", zone="Europe/Oslo")
        way_in = accounts.create_api_user(other.id, "planner")
        assert "error" in house.get("/lists", 403, headers={"X-Carma-Authentication-Token": way_in.token})
        assert "error" in house.get("/lists", 403, headers=basic("planner", way_in.password))
        assert house.get("/ping", headers=basic("planner", house.way_in.password))

    def test_a_closed_way_in(self, house):
        accounts.deactivate_api_user(house.account, house.way_in.id)
        house.get("/ping", 401)

    def test_another_account_sees_nothing(self, house):
        other = accounts.create_account(name="Other", zone="Europe/Oslo")
        way_in = accounts.create_api_user(other.id, "x")
        base, headers = f"/rest/{other.id}", {"X-Carma-Authentication-Token": way_in.token}
        for path in (f"/lists/{house.people}", f"/triggers/{house.mail}", f"/projects/{house.project}"):
            assert Client().get(base + path, headers=headers).status_code == 404
        assert Client().get(f"{base}/lists", headers=headers).json() == []


class TestReads:
    def test_apiurl_has_exactly_five_keys(self, house):
        keys = {"serverBaseUrl", "webserviceUrl", "swaggerUrl", "restUrl", "controllerUrl"}
        assert set(house.get("/apiurl")) == keys
        assert house.get("/apiurl")["restUrl"].endswith("/rest")

    def test_triggers_in_full(self, house):
        found = house.get("/triggers?unknown=1")
        assert [t["id"] for t in found] == [house.mail, house.sms]
        mail = found[0]
        assert mail == house.get(f"/triggers/{house.mail}?nostat=false&noOfMessages=100")
        for name in (
            "id",
            "type",
            "projectId",
            "listId",
            "dateCreated",
            "dateModified",
            "channelTypeId",
            "activeCampaign",
        ):
            assert type(mail[name]) is int
        assert (mail["channelTypeId"], found[1]["channelTypeId"], mail["active"]) == (1, 2, True)
        assert mail["dateCreated"] > 10**12
        version = mail["campaignVersions"][0]
        assert version["campaignId"] == mail["activeCampaign"]
        assert (version["statDtos"], version["locked"], version["campaignTypeId"]) == (None, True, 1)
        assert house.get(f"/triggers/{house.mail}/campaigns") == [version]

    def test_basic_leaves_the_versions_out(self, house):
        assert "campaignVersions" not in house.get("/triggers?basic=true")[0]

    def test_triggers_of_one_project(self, house):
        assert house.get(f"/triggers?projectId={house.project + 1}") == []
        assert len(house.get(f"/triggers?projectId={house.project}")) == 2

    def test_projects(self, house):
        (one,) = house.get("/projects")
        assert one == house.get(f"/projects/{house.project}")
        assert (one["name"], type(one["dateCreated"])) == ("Loyalty", int)

    def test_lists_and_properties(self, house):
        (one,) = house.get("/lists")
        assert one == house.get(f"/lists/{house.people}")
        assert (one["contacts"], one["breakdown"]["email"]["contacts"]) == (1, 1)
        assert house.get("/lists?typeId=2") == []
        named = {p["name"]: p for p in house.get("/properties")}
        assert named["bonusLevel"]["dataType"] == "INTEGER"
        assert named["originalId"]["staticProperty"] is True
        headers = {
            said.lower() for one in named.values() if one["staticProperty"] for said in one["fileHeaders"]
        }
        assert headers == set(HEADERS), "what an import understands"

    def test_preview(self, house):
        version = house.get(f"/triggers/{house.mail}")["activeCampaign"]
        path = f"/triggers/{house.mail}/campaigns/{version}/preview"
        shown = house.get(f"{path}?originalId=a%20b%2Fc%40d")
        assert (shown["subject"], shown["from"], shown["sms"]) == (
            "Hi Anna",
            "Shop <news@shop.example>",
            None,
        )
        assert "10" in shown["html"]
        assert shown["missing"] == ["city"]
        assert "error" in house.get(f"{path}?originalId=nobody", 404)

    def test_preview_of_an_sms(self, house):
        version = house.get(f"/triggers/{house.sms}")["activeCampaign"]
        shown = house.get(f"/triggers/{house.sms}/campaigns/{version}/preview?originalId=a+b%2Fc@d")
        assert shown["sms"] == {"text": "Hej Anna ç", "encoding": "UCS-2", "parts": 1}


class TestContacts:
    def contacts(self, house):
        return f"/lists/{house.people}/contacts"

    def test_the_full_shape(self, house):
        one = house.get(f"{self.contacts(house)}/a%20b%2Fc@d")
        assert (one["originalId"], one["emailAddress"], one["sex"]) == ("a b/c@d", "anna@shop.example", "")
        assert one["namedProperties"] == {"bonusLevel": "10"}
        assert list(one["properties"].values()) == ["10"]
        assert one["originalIdHashed"] == one["originalIDHashed"]
        assert (one["zipcode"], one["zipCode"], one["optOutDate"], one["deviceInfo"]) == ("", "", 0, [])
        assert one["mobileNumberValid"] is True

    def test_a_plus_may_be_a_blank(self, house):
        path = self.contacts(house)
        assert house.get(f"{path}/a+b%2Fc%40d")["originalId"] == "a b/c@d"
        contacts.save_contact(
            house.account, house.people, "a+b", Changes(), force=True, source="test", clock=CLOCK
        )
        assert house.get(f"{path}/a%2Bb")["originalId"] == "a+b"
        assert house.get(f"{path}/a+b/subscriptionstatus") == {
            "status": "SUBSCRIBED",
            "mobileStatus": "SUBSCRIBED",
        }

    def test_a_slash_before_a_last_word(self, house):
        path = f"{self.contacts(house)}/a%20b%2Fc%40d"
        assert house.get(f"{path}/bouncestatus") == {"status": "NONE"}
        assert house.get(f"{path}/subscriptionstatus")["status"] == "SUBSCRIBED"

    def test_empty_parts_are_not_collapsed(self, house):
        for path in ("/", "//subscriptionstatus", "//"):
            assert "error" in house.get(self.contacts(house) + path, 404)
        assert "error" in house.get(f"//lists/{house.people}", 404)

    def test_pages_ascend_by_internal_id(self, house):
        for number in range(7):
            contacts.save_contact(
                house.account, house.people, f"n{number}", Changes(), force=True, source="test", clock=CLOCK
            )
        path, seen, last = self.contacts(house), [], -1
        for _ in range(4):
            page = house.get(f"{path}/all?pageSize=3&lastId={last}&channel=mixed&includeProperties=false")
            seen += [one["id"] for one in page]
            last = seen[-1]
        assert seen == sorted(set(seen))
        assert len(seen) == 8

    def test_a_line_of_a_page_is_the_contact(self, house):
        path = self.contacts(house)
        one = house.get(f"{path}/a%20b%2Fc@d")
        contacts.unsubscribe(house.account, one["id"], "email", source="link", clock=CLOCK)
        one = house.get(f"{path}/a%20b%2Fc@d")
        assert one["optOutDate"] > 10**12
        assert house.get(f"{path}/all") == house.get(f"{path}/unsubscribed") == [one]
        (bare,) = house.get(f"{path}/all?includeProperties=false")
        assert bare == {**one, "properties": {}, "namedProperties": {}}

    def test_ends_of_pages(self, house):
        path = self.contacts(house)
        one = house.get(f"{path}/all?pageSize=-5&lastId=-99999999999999999999999")
        assert len(one) == 1
        assert house.get(f"{path}/all?lastId=99999999999999999999999") == []
        assert house.get(f"{path}/all?email=nobody@shop.example") == []
        assert house.get(f"{path}/all?email=ANNA@shop.example&channel=EMAIL") == one
        assert house.get(f"{path}/all?channel=SMS") == one

    def test_modes(self, house):
        one = house.get(f"{self.contacts(house)}/a%20b%2Fc@d")
        contacts.unsubscribe(house.account, one["id"], "email", source="link", clock=CLOCK)
        assert len(house.get(f"{self.contacts(house)}/unsubscribed")) == 1
        assert house.get(f"{self.contacts(house)}/unsubscribed?channel=SMS") == []
        assert house.get(f"{self.contacts(house)}/bounced") == []

    def test_put_back_without_force_never_resubscribes(self, house):
        path = f"{self.contacts(house)}/a%20b%2Fc%40d"
        before = house.get(path)
        contacts.unsubscribe(house.account, before["id"], "email", source="link", clock=CLOCK)
        after = house.call("PUT", f"{path}/update", body={**before, "firstName": "Ann"})
        assert (after["firstName"], after["unsubscribed"]) == ("Ann", True)
        after = house.call("PUT", f"{path}/update?force=true", body=before)
        assert after["unsubscribed"] is True, "the opt-out is newer than the caller's copy"
        after = house.call("PUT", f"{path}/update?force=true", body=after | {"unsubscribed": False})
        assert after["unsubscribed"] is False

    def test_making_a_contact_again_never_resubscribes_and_every_change_names_its_program(self, house):
        one = {"originalId": "anew", "unsubscribed": True}
        made = house.call("POST", self.contacts(house), body=one)
        assert made["unsubscribed"] is True
        for path in (self.contacts(house), "/contacts"):
            body = {**one, "unsubscribed": False, "optOutDate": 0, "listId": house.people}
            assert house.call("POST", path, body=body)["unsubscribed"] is True
        [proof] = contacts.proofs_of(house.account, "anew")
        assert (proof.door, proof.change, bool(proof.actor)) == ("api", "unsubscribed", True)

    def test_put_of_an_unknown_contact(self, house):
        path = f"{self.contacts(house)}/new/update"
        assert "error" in house.call("PUT", path, 404, body={"firstName": "N"})
        made = house.call(
            "PUT", f"{path}?force=true", body={"firstName": "N", "namedProperties": {"size": "M"}}
        )
        assert (made["originalId"], made["namedProperties"]) == ("new", {"size": "M"})
        for reserved in ("all", "bounced", "unsubscribed"):
            house.call("POST", self.contacts(house), 400, body={"originalId": reserved})

    def test_bad_bodies(self, house):
        path = f"{self.contacts(house)}/new/update?force=true"
        for body in (
            b"",
            b"{",
            b"[1]",
            b'{"unsubscribed":"no"}',
            b'{"firstName":["x"]}',
            b'{"emailAddress":"x"}',
        ):
            assert "error" in house.call("PUT", path, 400, body=body)
        assert "error" in house.get(f"{self.contacts(house)}/new", 404)


class TestErrors:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nothing", 404),
            ("GET", "/triggers/x", 501),
            ("GET", "/triggers/999999", 404),
            ("GET", "/lists/999999/contacts/all", 404),
            ("GET", "/batches/999999", 404),
            ("POST", "/triggers/1/messages", 400),
            ("POST", "/jobs/generation/fixed", 400),
            ("POST", "/eventhub", 501),
            ("POST", "/journeys/7/commence", 501),
            ("POST", "/batchtrigger/v2", 501),
            ("GET", "/reports", 501),
            ("PATCH", "/ping", 405),
            ("GET", "", 404),
        ],
    )
    def test_always_json(self, house, method, path, status):
        assert set(house.call(method, path, status)) == {"error"}

    def test_a_bad_number(self, house):
        assert "error" in house.get("/triggers?projectId=x", 400)


class TestImports:
    def declare(self, house, **more):
        body = {"delimiter": "124", "encoding": "UTF8", "type": "ADD", "identityColumn": "originalId", **more}
        return house.call("POST", f"/lists/{house.people}/imports", body=body, kind="text/csv")["id"]

    def run(self, house, data, **more):
        path = f"/lists/{house.people}/recipients/{self.declare(house, **more)}"
        batch = house.call("POST", path, body=data, kind="text/csv")["batchId"]
        assert house.get(f"/batches/{batch}")["status"] == "PENDING"
        assert house.call("POST", path, body=data, kind="text/csv")["batchId"] == batch
        contacts.run_batch(house.account, batch, clock=CLOCK)
        return house.get(f"/batches/{batch}")

    def test_add_then_empty_the_list(self, house):
        done = self.run(house, b"originalId|emailAddress\n1|a@example.com")
        assert (done["status"], done["total"], done["affected"], done["type"]) == (
            "FINISHED",
            1,
            1,
            "LIST_IMPORT",
        )
        assert done["customerId"] == house.account
        done = self.run(house, b"originalId", type="REPLACE")
        assert done["status"] == "FINISHED"
        assert house.get(f"/lists/{house.people}/contacts/all") == []
        assert house.get(f"/lists/{house.people}/contacts/1")["active"] is False

    @pytest.mark.parametrize(
        "wrong", [{"delimiter": "|"}, {"delimiter": "10"}, {"encoding": "EBCDIC"}, {"type": "X"}]
    )
    def test_settings_that_cannot_be_used(self, house, wrong):
        body = {"delimiter": "124", "encoding": "UTF8", "type": "ADD", **wrong}
        assert "error" in house.call("POST", f"/lists/{house.people}/imports", 400, body=body)
        assert not ImportBatch.objects.exists()

    def test_an_upload_nobody_declared(self, house):
        for name in ("x", "bd48b5cc-b118-4062-8d06-09efa765592b"):
            house.call("POST", f"/lists/{house.people}/recipients/{name}", 404, body=b"originalId\n1")

    def test_a_file_without_the_identity_column(self, house):
        done = self.run(house, b"id|emailAddress\n1|a@example.com")
        assert (done["status"], done["affected"]) == ("ERROR", 0)
        assert "originalId" in done["feedback"][0]

    def test_a_file_in_another_encoding(self, house):
        assert self.run(house, "originalId|city\n1|Malmö".encode("latin-1"))["status"] == "ERROR"
        done = self.run(house, "originalId|city\n1|Malmö".encode("latin-1"), encoding="ISO-8859-1")
        assert done["status"] == "FINISHED"
        assert house.get(f"/lists/{house.people}/contacts/1")["city"] == "Malmö"


@pytest.mark.django_db(transaction=True)
def test_the_exact_requests_of_a_public_client(live_server):
    """As the PyPI client sends them: token header, imports, text/csv without final newline, polling with urllib."""
    account = accounts.create_account(name="Live", zone="Europe/Stockholm", customer_id=5004)
    way_in = accounts.create_api_user(account.id, "client")
    people = contacts.create_list(account.id, name="Customers", clock=CLOCK)
    base = f"{live_server.url}/rest/5004"
    common = {
        "Accept": "application/json",
        "X-Carma-Authentication-Token": way_in.token,
        "Accept-Encoding": "identity",
    }

    def send(method, path, body, kind, **more):
        request = urllib.request.Request(
            base + path, body, {**common, "Content-Type": kind, **more}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)

    declared = b'{"delimiter": "124", "encoding": "UTF8", "type": "ADD", "identityColumn": "originalId"}'
    status, made = send("POST", f"/lists/{people.id}/imports", declared, "application/json")
    assert status == 200
    body = b"originalId|emailAddress\n1|a@example.com"
    status, queued = send("POST", f"/lists/{people.id}/recipients/{made['id']}", body, "text/csv")
    assert status == 200
    contacts.run_batch(account.id, queued["batchId"], clock=CLOCK)
    assert send("GET", f"/batches/{queued['batchId']}", None, "application/json")[1]["status"] == "FINISHED"
    assert send("POST", f"/lists/{people.id}/imports", declared, "text/csv")[0] == 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        send("GET", "/ping", None, "application/json", **{"X-Carma-Authentication-Token": "wrong"})
    assert caught.value.code == 401
    assert "error" in json.load(caught.value)
    caught.value.close()
