"""The messenger answering well, wrongly and not at all: each is told apart and names the wrong field."""

import threading
import time
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
            said = (
                answers.get(f"{path} after {after}")
                or answers.get(f"{path} {query}")
                or answers.get(path, none)
            )
            status, body, kind = said
            time.sleep(answers.get("wait", 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in answers.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, args=(0.01,), daemon=True).start()
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


def test_a_short_page_is_not_the_end(server):
    made, answers = server
    put(answers, "/lists/1/contacts/all", [{"id": 1, "originalId": "a"}])
    put(answers, "/lists/1/contacts/all after 1", [{"id": 2, "originalId": "b"}])
    put(answers, "/lists/1/contacts/all after 2", [])
    assert [one.original_id for one in made.contacts(1)] == ["a", "b"]


def test_keys_in_any_case_texts_for_numbers_and_flags_and_null(server):
    made, answers = server
    put(
        answers, "/triggers",
        [{"ID": "11", "projectID": "1", "Name": None, "channeltypeid": "4", "ACTIVECAMPAIGN": "5", "active": "true"}],
    )  # fmt: skip
    [trigger] = made.triggers()
    assert (trigger.id, trigger.name, trigger.channel_type, trigger.usable) == (11, "Template 11", 4, True)
    put(answers, "/lists/1/contacts/all after 7", None)
    put(
        answers, "/lists/1/contacts/all",
        [{"ID": "7", "originalID": 12, "emailAddress": "a@x.example", "unsubscribed": "false", "bounced": None}],
    )  # fmt: skip
    [contact] = made.contacts(1)
    assert (contact.id, contact.original_id, contact.has_email, contact.email_consent) == (
        7,
        "12",
        True,
        True,
    )
    put(answers, "/lists", [{"id": "3", "listTypeId": "2"}])
    assert [(one.id, one.type_id) for one in made.lists()] == [(3, 2)]


def test_what_a_trimmed_answer_leaves_out_is_asked_for_in_full(server):
    made, answers = server
    put(answers, "/triggers", [{"id": 11, "projectId": 1, "name": "We miss you", "active": True}])
    full = {**TRIGGER, "activeCampaign": None, "campaignVersions": [{"campaignId": 9, "active": True}]}
    answers["/rest/5004/triggers basic=false"] = (200, orjson.dumps([full]), "application/json")
    [trigger] = made.triggers()
    assert (trigger.active_campaign, trigger.usable) == (9, True)
    assert [dict(parse_qsl(query))["basic"] for _, query in answers["asked"]] == ["true", "false"]


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>none</html>"), (501, b'{"error":"no"}'), (200, b'{"error":"no"}')]
)
def test_no_list_of_projects_however_it_is_said(server, status, body):
    made, answers = server
    put(answers, "/triggers", [TRIGGER])
    put(answers, "/projects", body, status)
    assert [project.name for project in made.projects()] == ["Project 1"]


def test_a_web_page_for_the_connection_test_is_another_address(server):
    made, answers = server
    put(answers, "/apiurl", b"<html>none</html>", 404)
    with pytest.raises(client.MessengerAnsweredHtml):
        made.sign_in()


def test_an_answer_that_takes_too_long(server):
    made, answers = server
    made._timeout = 0.2
    put(answers, "/triggers", [TRIGGER])
    answers["wait"] = 1.0
    with pytest.raises(client.MessengerUnreachable) as told:
        made.triggers()
    assert told.value.sent


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("", 60), ("soon", 60), ("999999", 3600)])
def test_how_long_to_wait(server, header, seconds):
    made, answers = server
    put(answers, "/triggers", b'{"error":"wait"}', 429)
    answers["headers"] = {"Retry-After": header} if header else {}
    with pytest.raises(client.MessengerBusy) as told:
        made.triggers()
    assert told.value.seconds == seconds


def test_patience_ends(server):
    made, answers = server
    slept = []
    made._patience, made._sleep = 20.0, slept.append
    put(answers, "/triggers", b'{"error":"wait"}', 429)
    answers["headers"] = {"Retry-After": "8"}
    with pytest.raises(client.MessengerBusy):
        made.triggers()
    assert slept == [8.0, 8.0]


def test_ten_seconds(server):
    assert server[0]._timeout == 10.0


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
