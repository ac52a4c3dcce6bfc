"""Jobs, exports and imports over HTTP: shapes, refusals, who may ask again when."""

import json

import pytest
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_contacts, create_house

from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.delivery.models import Sending
from tandem.messenger.exports import service as exports
from tandem.messenger.jobs import service as jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def kept_house(keep):
    def build(_):
        house = create_house()
        return house, accounts.create_api_user(house.account_id, "program").token

    return keep(build)


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    return Caller(*kept_house.take(settings, tmp_path))


class Caller:
    """Calls with a token."""

    def __init__(self, house, token):
        self.house, self.client, self.token = house, Client(), token

    def call(self, method, path, status=200, body=None, *, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        self.answer = self.client.generic(
            method,
            f"/rest/{self.house.account_id}/{path}",
            data,
            kind,
            headers={"X-Carma-Authentication-Token": self.token},
        )
        got = self.answer.status_code, self.answer["Content-Type"]
        assert got == (status, "application/json"), self.answer.content
        return self.answer.json()

    def job(self, **more):
        return self.call(
            "POST", "jobs/generation/fixed", body={"type": "TRIGGER", "id": self.house.email_trigger, **more}
        )

    def upload(self, job, body=b"email\toriginalid\na@people.example\tc1\n", status=200, kind="text/csv"):
        path = f"jobs/generation/fixed/{job['id']}/recipients/automapping"
        return self.call("POST", path, status, body, kind=kind)


class TestJobs:
    def test_the_whole_way(self, house):
        create_contacts(house.house, 2)
        job = house.job()
        assert (job["contentUploaded"], job["listId"], job["deliveryTime"]) == (False, house.house.list_id, 0)
        assert type(job["campaignId"]) is int
        (entry,) = job["feedback"]
        assert (entry["feedback"], entry["severity"]) == ("WAITING_FOR_CONTENT", "SEVERITY_INFO")
        assert entry["timestamp"] > 10**12
        assert house.upload(job)["contentUploaded"] is True
        assert set(house.upload(job, status=409)) == {"error"}
        jobs.run_waiting(clock=CLOCK)
        done = house.call("GET", f"jobs/generation/fixed/{job['id']}")
        assert [one["feedback"] for one in done["feedback"]][-2:] == ["GENERATION_STARTED", "DONE"]
        assert (done["recipients"], Sending.objects.get().pk) == (1, done["sendingId"])

    def test_a_campaign_with_numbers_as_texts(self, house):
        job = house.job()
        body = {"type": "CAMPAIGN", "id": str(job["campaignId"]), "listId": str(job["listId"])}
        assert house.call("POST", "jobs/generation/fixed", body=body)["type"] == "CAMPAIGN"

    @pytest.mark.parametrize("written", ["+0100", "+01:00", "Z"])
    def test_a_time(self, house, written):
        year = CLOCK.business().year
        said = f"{year}-12-31T11:00:00{written}"
        assert house.job(deliveryTime=said)["deliveryTime"] % 3_600_000 == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"deliveryTime": "2026-12-31T11:00:00"},
            {"deliveryTime": "2026-13-31T11:00:00Z"},
            {"deliveryTime": "2020-12-31T11:00:00Z"},
            {"deliveryTime": 1},
            {"deliveryTime": "9999-12-31T23:59:59-2359"},
            {"type": "X"},
            {"type": ["TRIGGER"]},
            {"id": None},
            {"id": True},
            {"id": "9" * 5000},
            {"listId": "x", "type": "CAMPAIGN"},
        ],
    )
    def test_what_cannot_be_made(self, house, wrong):
        body = {"type": "TRIGGER", "id": house.house.email_trigger, **wrong}
        assert set(house.call("POST", "jobs/generation/fixed", 400, body)) == {"error"}

    def test_of_another_account(self, house):
        other = create_house("Southwind")
        token = accounts.create_api_user(other.account_id, "program").token
        theirs = Caller(other, token).job()
        house.upload(theirs, status=404)
        house.call("GET", f"jobs/generation/fixed/{theirs['id']}", 404)
        house.call("POST", "jobs/generation/fixed", 404, {"type": "TRIGGER", "id": other.email_trigger})
        body = {"type": "CAMPAIGN", "id": theirs["campaignId"], "listId": house.house.list_id}
        house.call("POST", "jobs/generation/fixed", 404, body)

    def test_bodies_that_cannot_be_taken_leave_the_job_waiting(self, house, settings):
        job = house.job()
        house.upload(job, b"", 400)
        house.upload(job, b"email\nx\n", 400)
        house.upload(job, b"originalId\nc1", 400, kind="text/csv; charset=ebcdic")
        assert house.upload(
            job, "originalId\tcity\nc1\tMalmö".encode("latin-1"), kind="text/csv; charset=ISO-8859-1"
        )
        assert len(list(settings.TANDEM_STORAGE.glob("*/imports/*"))) == 1

    def test_a_body_in_chunks_is_not_taken_because_its_end_cannot_be_told(self, house):
        job = house.job()
        for path in (f"jobs/generation/fixed/{job['id']}/recipients/automapping", "jobs/generation/fixed"):
            answer = Client().post(
                f"/rest/{house.house.account_id}/{path}",
                headers={"X-Carma-Authentication-Token": house.token, "Transfer-Encoding": "chunked"},
            )
            assert (answer.status_code, set(answer.json())) == (411, {"error"})


class TestExports:
    def test_the_whole_way(self, house):
        body = {"exportType": "PROJECTS", "period": "LAST_DAY"}
        queued = house.call("POST", "batches/exports/statistics", body=body)
        assert type(queued["batchId"]) is str
        path = f"batches/{queued['batchId']}"
        assert (house.call("GET", path)["status"], house.call("GET", path)["type"]) == (
            "PENDING",
            "STAT_EXPORT",
        )
        house.call("GET", f"{path}/result/url", 409)
        exports.run_waiting(clock=CLOCK)
        batch = house.call("GET", path)
        assert (batch["status"], batch["total"], batch["customerId"]) == (
            "FINISHED",
            1,
            house.house.account_id,
        )
        url = house.call("GET", f"{path}/result/url")["url"]
        assert f"/{queued['batchId']}_result.json?" in url
        answer = Client().get(url[url.index("/results/") :])
        assert [one["name"] for one in json.loads(b"".join(answer.streaming_content))] == ["Letters"]

    @pytest.mark.parametrize(
        "body", [{}, [], {"exportType": "SENT"}, {"exportType": "x" * 9999, "period": "TODAY"}]
    )
    def test_what_is_not_exported(self, house, body):
        assert set(house.call("POST", "batches/exports/statistics", 400, body)) == {"error"}

    def test_of_an_import_and_of_nothing(self, house):
        import_id = contacts.start_import(house.house.account_id, house.house.list_id, clock=CLOCK)
        path = f"lists/{house.house.list_id}/recipients/{import_id}"
        batch = house.call("POST", path, body=b"originalId\n1", kind="text/csv")["batchId"]
        for number in (batch, batch + 1000):
            house.call("GET", f"batches/{number}/result/url", 404)


class TestImports:
    def declare(self, house, status=200, **more):
        return house.call("POST", f"lists/{house.house.list_id}/imports", status, {"delimiter": "9", **more})

    def test_while_one_runs_another_has_to_wait(self, house):
        path = f"lists/{house.house.list_id}/recipients/{self.declare(house)['id']}"
        batch = house.call("POST", path, body=b"originalId\n1", kind="text/csv")["batchId"]
        assert set(self.declare(house, 429)) == {"error"}
        assert int(house.answer["Retry-After"]) > 0
        contacts.run_batch(house.house.account_id, batch, clock=CLOCK)
        self.declare(house)

    def test_unsubscribes(self, house):
        create_contacts(house.house, 2)
        path = f"lists/{house.house.list_id}/recipients/{self.declare(house, type='UNSUBSCRIBE')['id']}"
        batch = house.call("POST", path, body=b"originalId\nc1", kind="text/csv")["batchId"]
        contacts.run_batch(house.house.account_id, batch, clock=CLOCK)
        (one,) = house.call("GET", f"lists/{house.house.list_id}/contacts/unsubscribed")
        assert one["originalId"] == "c1"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"delimiter": "9" * 5000},
            {"identityColumn": "x" * 101},
            {"identityColumn": "a\0b"},
            {"encoding": 7},
        ],
    )
    def test_settings_that_cannot_be_used(self, house, wrong):
        assert set(self.declare(house, 400, **wrong)) == {"error"}
