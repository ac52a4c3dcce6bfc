"""Whatever is asked of any call: JSON, never empty, never a redirect, never a failure of ours; ids, credentials."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from django.test import Client
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.fixtures.sendings import create_contacts, create_house, create_sending

from tandem.messenger.accounts import service as accounts
from tandem.messenger.api.rest.endpoint import CHOICES, TEXTS
from tandem.messenger.api.rest.table import ENDPOINTS, KNOWN
from tandem.messenger.contacts.domain import RESERVED_IDS, clean
from tandem.messenger.projects import service as projects

pytestmark = pytest.mark.django_db
SAME = settings(
    max_examples=examples(5),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TOKEN = "X-Carma-Authentication-Token"
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
NUMBERS = st.one_of(st.integers(0, 2**70), st.sampled_from([0, 2**31, 2**63 - 1, 10**16, 10**17]))
SEGMENTS = st.one_of(
    WORDS.map(lambda text: quote(text, safe="")), NUMBERS.map(str), st.just("%2F%00%ff"), st.just("")
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    WORDS,
    st.sampled_from(["TRIGGER", "CAMPAIGN"]),
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)
KINDS = st.sampled_from(
    ["application/json", "text/csv", 'text/csv; charset="x\\"', "multipart/form-data", "", "ä/b"]
)
CONTACT = (
    "originalId", "listId", "emailAddress", "mobileNumber", "firstName", "dateOfBirth", "properties", "namedProperties",
    "unsubscribed", "dateModified", "optOutDate", "active", "country",
)  # fmt: skip


@pytest.fixture(scope="module")
def kept_house(keep):
    def build(_):
        house = create_house()
        sending_id = create_sending(house, create_contacts(house, 2))
        way_in = accounts.create_api_user(house.account_id, "program")
        other = accounts.create_account(name="Other", zone="Europe/Oslo")
        theirs = accounts.create_api_user(other.id, "program")
        return house, sending_id, way_in, other.id, theirs

    return keep(build)


@pytest.fixture
def shop(kept_house, db, settings, tmp_path):
    return Shop(*kept_house.take(settings, tmp_path))


class Shop:
    """Calls as they are on the wire: the path is sent as it is written."""

    def __init__(self, house, sending_id, way_in, other_id, theirs):
        self.house, self.way_in, self.other_id, self.theirs = house, way_in, other_id, theirs
        self.client = Client(raise_request_exception=False)
        version = projects.get_trigger(house.account_id, house.email_trigger).active_version_id
        self.ids = {
            "projectId": 1, "triggerId": house.email_trigger, "campaignId": version, "listId": house.list_id,
            "originalId": "c1", "mode": "all", "channel": "email", "sendingId": sending_id,
        }  # fmt: skip

    def call(self, method, path, body=b"", kind="application/json", *, account=None, headers=None):
        raw = f"/rest/{self.house.account_id if account is None else account}/{path}"
        answer = self.client.generic(
            method, "/rest/x", body, kind, REQUEST_URI=raw, QUERY_STRING=raw.partition("?")[2],
            headers={TOKEN: self.way_in.token} if headers is None else headers,
        )  # fmt: skip
        assert answer["Content-Type"] == "application/json", (raw, answer.status_code)
        assert not 300 <= answer.status_code < 400 and answer.status_code != 204, raw
        assert answer.status_code < 500 or answer.status_code == 501, (method, raw, body, answer.content)
        said = json.loads(answer.content)
        assert answer.status_code < 400 or set(said) >= {"error"}, raw
        return answer.status_code, said


def path_of(draw, endpoint, ids):
    """The call's address, each parameter right, or anything."""
    parts = []
    for part in endpoint.parts:
        name = part.strip("{}")
        if not part.startswith("{"):
            parts.append(part)
        elif name in CHOICES:
            parts.append(draw(st.one_of(st.sampled_from(CHOICES[name]), SEGMENTS)))
        else:
            parts.append(draw(st.one_of(st.just(str(ids.get(name, 1))), SEGMENTS)))
    return "/".join(parts)


def query_of(draw, endpoint):
    names = st.one_of(st.sampled_from([one.name for one in endpoint.query] or ["x"]), WORDS)
    given = draw(st.lists(st.tuples(names, st.one_of(WORDS, NUMBERS.map(str), st.just("true"))), max_size=4))
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in given)


def body_of(draw, endpoint):
    named = [one.name for one in endpoint.body] or list(CONTACT)
    objects = st.dictionaries(
        st.one_of(st.sampled_from(named), WORDS), st.one_of(LEAVES, ANY_JSON), max_size=5
    )
    texts = st.one_of(objects, ANY_JSON).map(lambda one: json.dumps(one).encode())
    files = st.lists(st.lists(WORDS, max_size=3).map("\t".join), max_size=3).map("\n".join)
    return draw(
        st.one_of(texts, st.binary(max_size=40), files.map(lambda text: f"originalId\n{text}".encode()))
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
@given(data=st.data())
@SAME
def test_any_call(shop, endpoint, data):
    path = path_of(data.draw, endpoint, shop.ids)
    if query := query_of(data.draw, endpoint):
        path += f"?{query}"
    body = (
        body_of(data.draw, endpoint) if endpoint.method != "GET" else data.draw(st.sampled_from([b"", b"{}"]))
    )
    status, _ = shop.call(endpoint.method, path, body, data.draw(KINDS))
    assert status != 501 or endpoint.answer is None or path.split("/")[0].lower() in KNOWN


@given(
    segments=st.lists(st.one_of(SEGMENTS, st.sampled_from(sorted(KNOWN))), max_size=7),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "X"]),
)
@settings(SAME, max_examples=examples(60))
def test_any_address(shop, segments, method):
    assume(method != "HEAD")
    status, _ = shop.call(method, "/".join(segments), b"{}")
    if "" in segments[:-1]:
        assert status in {404, 405}, "nothing is collapsed"


@given(original_id=WORDS.filter(lambda text: text and clean(text) == text and text not in RESERVED_IDS))
@settings(SAME, max_examples=examples(20))
def test_ids_come_back_however_they_are_written(shop, original_id):
    contacts = f"lists/{shop.house.list_id}/contacts"
    status, made = shop.call("POST", contacts, json.dumps({"originalId": original_id}).encode())
    assert (status, made["originalId"]) == (200, original_id)
    for written in (quote(original_id, safe=""), quote_plus(original_id)):
        status, found = shop.call("GET", f"{contacts}/{written}/subscriptionstatus")
        assert (status, found["status"]) == (200, "SUBSCRIBED"), written
    _, found = shop.call("GET", f"{contacts}/{quote(original_id, safe='')}")
    assert found["id"] == made["id"]
    if original_id.strip(".") and "/" not in original_id:
        status, _ = shop.call("GET", f"{contacts}//{quote(original_id, safe='')}")
        assert status == 404


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@given(data=st.data())
@settings(SAME, max_examples=examples(30))
def test_the_token_decides_and_another_number_is_forbidden(shop, data):
    tokens = {
        "none": None,
        "right": shop.way_in.token,
        "theirs": shop.theirs.token,
        "empty": "",
        "wrong": "x",
    }
    users = {
        "none": None, "right": basic("program", shop.way_in.password), "theirs": basic("program", shop.theirs.password),
        "wrong": basic("program", "no"), "broken": "Basic ä", "bearer": f"Bearer {shop.way_in.token}",
    }  # fmt: skip
    token, user = data.draw(st.sampled_from(sorted(tokens))), data.draw(st.sampled_from(sorted(users)))
    account = data.draw(
        st.sampled_from([str(shop.house.account_id), str(shop.other_id), "0", "x", "9" * 30, "%00"])
    )
    headers = {
        name: value
        for name, value in ((TOKEN, tokens[token]), ("Authorization", users[user]))
        if value is not None
    }
    status, _ = shop.call("GET", "ping", account=account, headers=headers)
    decides = token if token != "none" else user
    owner = {"right": str(shop.house.account_id), "theirs": str(shop.other_id)}.get(decides)
    assert status == (401 if owner is None else 200 if owner == account else 403)


@given(body=st.one_of(st.binary(max_size=200), ANY_JSON.map(lambda one: json.dumps(one).encode())))
@settings(SAME, max_examples=examples(20))
def test_any_file(shop, body):
    """Whatever is uploaded: the batch ends, the job is answered."""
    from tandem.kit import clock
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.jobs import service as jobs

    now = clock.from_environment()
    path = f"lists/{shop.house.list_id}"
    _, declared = shop.call("POST", f"{path}/imports", b'{"type":"REPLACE"}')
    _, batch = shop.call("POST", f"{path}/recipients/{declared['id']}", body, "text/csv")
    contacts.run_batch(shop.house.account_id, batch["batchId"], clock=now)
    assert shop.call("GET", f"batches/{batch['batchId']}")[1]["status"] in {"FINISHED", "ERROR"}
    _, job = shop.call(
        "POST",
        "jobs/generation/fixed",
        json.dumps({"type": "TRIGGER", "id": shop.house.email_trigger}).encode(),
    )
    status, _ = shop.call(
        "POST", f"jobs/generation/fixed/{job['id']}/recipients/automapping", body, "text/csv"
    )
    jobs.run_waiting(clock=now)
    _, after = shop.call("GET", f"jobs/generation/fixed/{job['id']}")
    assert after["contentUploaded"] is (status == 200)
    assert status == 400 or after["feedback"][-1]["feedback"] in {"DONE", "ERROR"}


def test_every_parameter_of_an_address_is_known(shop):
    named = {part.strip("{}") for one in ENDPOINTS for part in one.parts if part.startswith("{")}
    assert named - TEXTS - set(CHOICES) <= {
        "projectId", "triggerId", "campaignId", "listId", "batchId", "jobId", "journeyId", "contactId",
            "sendingId", "keyId",
    }  # fmt: skip
