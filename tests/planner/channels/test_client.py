"""The messenger answering well, wrongly and not at all: each is told apart and names the wrong field."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import orjson
import pytest

from tandem.clients import messenger as client
from tandem.kit.http import Http
from tandem.kit.problems import Refused

TRIGGER = {
    "id": "11",
    "projectId": 1,
    "name": "We miss you",
    "channelTypeId": 1,
    "activeCampaign": 5,
    "active": True,
}


@pytest.fixture
def server():
    answers = {}
    asked = answers["asked"] = []

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            path, _, query = self.path.partition("?")
            asked.append((path, query))
            after = dict(parse_qsl(query)).get("lastId", "-1")
            none = (404, b'{"error":"none"}', "application/json")
            status, body, kind = answers.get(f"{path} after {after}") or answers.get(path, none)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{door.server_port}"
    http = Http(allow_private=(address,))
    made = client.MessengerClient(f"http://{address}/rest/", "5004", "", "", "t0ken", http)
    yield made, answers
    http.close()
    door.shutdown()
    door.server_close()


def put(answers, path, document, status=200):
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    answers[f"/rest/5004{path}"] = (status, body, "application/json")


def test_projects_fall_back_to_those_of_the_triggers(server):
    made, answers = server
    put(answers, "/triggers", [TRIGGER, {**TRIGGER, "id": 12, "projectId": 2, "unknown": None}])
    assert [project.id for project in made.projects()] == [1, 2]
    assert [trigger.id for trigger in made.triggers(2)] == [12]


@pytest.mark.parametrize(
    ("status", "body", "error", "field"),
    [
        (401, b"{}", client.MessengerRefusedPassword, "password"),
        (403, b"{}", client.MessengerRefusedCustomer, "customer_id"),
        (200, b"<!DOCTYPE html><p>hello", client.MessengerAnsweredHtml, "api_url"),
        (500, b"{}", client.MessengerBroken, ""),
        (429, b"{}", client.MessengerBusy, ""),
        (204, b"", client.MessengerRefused, ""),
        (200, b'[{"id": 1, "proj', client.MessengerBroken, ""),
        (200, b'{"not": "an array"}', client.MessengerBroken, ""),
    ],
)
def test_a_wrong_answer_is_told_apart(server, status, body, error, field):
    made, answers = server
    put(answers, "/triggers", body, status)
    with pytest.raises(error) as told:
        made.triggers()
    assert told.value.field == field


def test_a_page_of_contacts_that_comes_twice_stops_the_reading(server):
    made, answers = server
    put(answers, "/lists/1/contacts/all", [{"id": 1, "originalId": "a"}, {"id": 2, "originalId": "b"}])
    with pytest.raises(client.MessengerBroken, match="twice"):
        list(made.contacts(1, page=2))


def test_silence_on_consent_is_no_consent(server):
    made, answers = server
    put(answers, "/lists/1/contacts/all", [{"id": 1, "originalId": "a", "emailAddress": "a@example.com"}])
    put(answers, "/lists/1/contacts/all after 1", [])
    (contact,) = made.contacts(1)
    assert (contact.has_email, contact.email_consent, contact.has_mobile) == (True, False, False)


def test_nobody_there():
    made = client.MessengerClient(
        "http://127.0.0.1:9/rest", "1", "u", "p", "", Http(allow_private=("127.0.0.1:9",))
    )
    with pytest.raises(client.MessengerUnreachable):
        made.ping()


@pytest.mark.parametrize(
    "url", ["", "ftp://host/rest", "http://host/api", "http://u:p@host/rest", "http://host:x/rest"]
)
def test_an_address_that_cannot_be_right_is_refused(url):
    with pytest.raises(Refused):
        client.checked_url(url)
