"""Two messenger accounts under one planner account, and a second planner account: nothing crosses over."""

import email
import json
import re
import socket
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.fixtures.alder_and_birch import ACCOUNTS, CHANNELS, PASSWORD, PEOPLE
from tests.fixtures.common_and_quince import LEAD_SECONDS
from tests.fixtures.days import wait_until_all_settled
from tests.fixtures.doors import (
    Browser,
    addresses,
    command_tree,
    filled,
    parameters,
    python,
    run_commands,
    side,
)
from tests.fixtures.processes import wait_for
from tests.journeys.conftest import Home

from tandem.kit.webhooks import signed_headers

MESSENGER = "tests.fixtures.alder_and_birch"
PLANNER = "tests.fixtures.common_and_quince"
SETTLED_WITHIN = 100
CLOSED = {401, 403, 404, 405}


class Houses:
    """The running stack and all that is known of it."""

    def __init__(self, home):
        self.home = home
        self.facts = {"planner_url": home.url("planner"), "messenger_url": home.url("messenger") + "/rest"}

    def step(self, half, name, key=None):
        answer = side(self.home, MESSENGER if half == "messenger" else PLANNER, name, self.facts)
        self.facts |= answer if key is None else {key: answer}
        return answer

    @property
    def birch(self):
        """What exists of Birch, by the names that addresses use."""
        theirs = self.facts["messenger"]["birch"]
        return {
            **theirs,
            **self.facts["ids"],
            "trigger_id": theirs["email_trigger"],
            "version_id": theirs["email_version"],
            "original_id": "birch-1",
            "channel": "email",
            "shape": "json",
            "kind": "birch",
        }

    @property
    def alder(self):
        ours = self.facts["messenger"]["alder"]
        return {**ours, "trigger_id": ours["email_trigger"], "version_id": ours["email_version"]}

    @property
    def quince(self):
        """What exists of Quince, by the names that addresses use."""
        return {
            **self.facts["planner"]["quince"],
            **self.facts["quince"],
            "customer_id": "quince-1",
            "connection_id": self.facts["connections"]["quince"],
            "template_id": self.facts["messenger"]["birch"]["email_trigger"],
            "group_id": self.facts["groups"]["quince"],
            "verb": "cancel",
            "kind": "quince",
            "model": "churn_risk",
            "name": "quince",
        }

    def outbox(self, name, channel):
        """Messages of an account's Maildir."""
        box = self.home.home / "outbox" / str(ACCOUNTS[name]) / channel / "new"
        return [email.message_from_bytes(file.read_bytes()) for file in box.glob("*")]


@pytest.fixture(scope="module")
def houses():
    home = Home(Path(tempfile.mkdtemp(prefix="tandem-two-")), migrated=True)
    (home.home / "tandem.env").write_text("TANDEM_PROVIDER_LOCK=1\n")
    try:
        made = Houses(home)
        made.step("messenger", "prepare", "messenger")
        made.step("planner", "prepare", "planner")
        for half in ("planner", "messenger"):
            home.start(half)
            wait_for(home.url(half) + "/ui/sign-in", 90)
        made.step("messenger", "listen", "urls")
        made.step("planner", "connect")
        planned = made.step("planner", "plan")
        for half in ("planner", "messenger"):
            home.stop(half)
        send_at = datetime.fromisoformat(planned["send_at"])
        home.set_clock(send_at - timedelta(seconds=LEAD_SECONDS + 6))
        home.up()
        ours = [one["campaign_id"] for one in planned["campaigns"].values()]
        assert wait_until_all_settled(home, ours, send_at, SETTLED_WITHIN) == {"sent"}
        made.step("messenger", "ids", "ids")
        made.before = {half: _state_of(made, half) for half in ("planner", "messenger")}
        yield made
    finally:
        home.close()


def test_four_registrations_of_each_event(houses):
    key = houses.facts["planner"]["keys"]["alder"]
    answer = httpx.get(
        houses.home.url("planner") + "/current/general/GetRegisteredEventListeners",
        headers={"X-API-KEY": key},
    )
    rows = [
        one for one in answer.json() if one["EventTypeID"] in (4, 11, 13)
    ]  # others' events are others' business
    found = {(one["EventTypeID"], one["ChannelID"]): one["ListenerURL"] for one in rows}
    urls = {
        name: houses.home.run("listener", "show", "--account", name.title(), "--json")["url"]
        for name in ACCOUNTS
    }
    wanted = {
        (event, channel): urls[name]
        for event in (4, 11, 13)
        for name in ACCOUNTS
        for channel in CHANNELS[name]
    }
    assert found == wanted
    assert [len([1 for event, _ in found if event == kind]) for kind in (4, 13)] == [4, 4]
    assert len(set(found.values())) == 2


def test_each_account_fills_its_own_outbox_only(houses):
    for name in ACCOUNTS:
        campaigns = houses.facts["campaigns"]
        for channel in ("email", "sms"):
            messages = houses.outbox(name, channel)
            assert len(messages) == PEOPLE
            assert {m["X-Tandem-Campaign"] for m in messages} == {
                str(campaigns[f"{name} {channel}"]["occurrence"])
            }
            receivers = {m["To"] for m in messages}
            mark = f"{name}-" if channel == "email" else f"+4670174{ACCOUNTS[name] % 10}"
            assert len(receivers) == PEOPLE and all(mark in one for one in receivers), receivers


@pytest.mark.parametrize("signed", [False, True])
def test_an_event_of_the_other_account_sends_nothing_and_is_recorded(houses, signed):
    theirs = houses.facts["campaigns"]["birch email"]["occurrence"]
    secrets = side(houses.home, PLANNER, "secrets", houses.facts)
    before = [len(houses.outbox(name, c)) for name in ACCOUNTS for c in ("email", "sms")]
    for channel in (604, 504):
        body = json.dumps(
            {
                "EventTypeID": 13,
                "TimeStamp": "2026-01-02 10:00:00",
                "CampaignID": theirs,
                "ChannelID": channel,
            }
        ).encode()
        headers = {"Content-Type": "application/json"}
        if signed:
            headers |= signed_headers(
                secrets[str(channel)], message_id=f"msg_{channel}", at=datetime.now(UTC), body=body
            )
        assert httpx.post(houses.facts["urls"]["alder"], content=body, headers=headers).status_code == 200
    shown = _until_refused(houses, theirs)
    words = [call["words"] for call in shown["calls"] if call["campaign_id"] == theirs]
    assert "Refused: channel 604 is not of this account. Nothing is sent." in words
    row = next(one for one in shown["inbox"] if one["campaign_id"] == theirs)
    assert row["channel_id"] == 504 and row["sending_id"] is None
    assert f"Campaign {theirs} is for channel 604, not for channel 504. Nothing is sent." in row["problem"]
    sendings = houses.home.run("sendings", "list", "--account", "Alder", "--json")
    assert len(sendings) == houses.facts["ids"]["sendings"]["alder"] == 2
    assert [len(houses.outbox(name, c)) for name in ACCOUNTS for c in ("email", "sms")] == before


def _until_refused(houses, campaign):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        shown = houses.home.run("listener", "show", "--account", "Alder", "--json")
        if any(one["campaign_id"] == campaign and one["state"] == "refused" for one in shown["inbox"]):
            return shown
        time.sleep(0.3)
    raise AssertionError(shown["inbox"])


def _walk(browser, patterns, own, theirs, canary):
    """Every page of one account with the ids of another: closed; its own pages: nothing of the other."""
    wrong = []
    for pattern in patterns:
        if pattern in ("ui/sign-in", "ui/sign-out"):
            continue
        names = parameters(pattern)
        if not names:
            answer = browser.get(filled(pattern, {}))
            if canary in answer.text.lower() or answer.status_code >= 500:
                wrong.append((pattern, answer.status_code))
            continue
        mixed = [theirs] + [{**theirs, name: own[name]} for name in names[:-1] if name in own]
        for values in mixed:
            path = filled(pattern, values)
            for answer in (
                browser.get(path),
                browser.post(path, {"do": "remove", "sure": "yes", "name": "x"}),
            ):
                said = (
                    answer.text.lower().replace(path.lower(), "").replace(str(values[names[-1]]).lower(), "")
                )
                if answer.status_code not in CLOSED or canary in said:
                    wrong.append((answer.request.method, path, answer.status_code))
    return wrong


def test_no_page_of_the_messenger_shows_a_row_of_the_other(houses):
    browser = Browser(houses.home.url("messenger"), "alder@house.example", PASSWORD)
    patterns = addresses(houses.home, "messenger")
    assert len(patterns) > 20
    assert _walk(browser, patterns, houses.alder, houses.birch, "birch") == []
    theirs = houses.birch
    posts = [
        ("/ui/settings/api-users", {"do": "token", "user": theirs["api_user_id"]}),
        ("/ui/settings/api-users", {"do": "close", "user": theirs["api_user_id"]}),
        ("/ui/listener/act", {"do": "retry", "inbox": theirs["inbox"]}),
        ("/ui/listener/act", {"do": "unbind", "channel_id": 604}),
        ("/ui/webhooks/event-hub/act", {"do": "unmap", "id": theirs["mapping_id"]}),
        ("/ui/webhooks/event-hub/act", {"do": "take-up", "id": theirs["event_number"]}),
        ("/ui/alarms/act", {"do": "silence", "alarm": theirs["alarm_id"]}),
    ]
    for path, form in posts:
        assert "birch" not in browser.post(path, form, follow_redirects=True).text.lower()
    own = {"contact": "birch-1"}
    ours = houses.alder
    page = f"/ui/projects/triggers/{ours['trigger_id']}/versions/{ours['version_id']}"
    assert "birch-1@" not in browser.get(page, **own).text
    browser.close()
    assert _state_of(houses, "messenger") == houses.before["messenger"]


def test_no_page_of_the_planner_shows_a_row_of_the_other(houses):
    browser = Browser(houses.home.url("planner"), "common@house.example", PASSWORD)
    patterns = addresses(houses.home, "planner")
    assert len(patterns) > 20
    own = {"connection_id": houses.facts["connections"]["alder"]}
    assert _walk(browser, patterns, own, houses.quince, "quince") == []
    theirs = houses.quince
    posts = [
        ("/ui/templates/read", {"connection": theirs["connection_id"]}),
        ("/ui/customers/forget", {"customer": "quince-1", "again": "quince-1"}),
        ("/ui/customers/objection", {"customer": "quince-1", "how": "by letter"}),
        ("/ui/alarms/act", {"do": "silence", "alarm": theirs["alarm_id"]}),
        ("/ui/campaigns/new", {
            "do": "draft", "name": "Stray", "group": theirs["group_id"], "channel": "email", "day": "2030-01-02",
            "connection": theirs["connection_id"], "project": houses.birch["project_id"], "time": "10:00",
            "template": theirs["template_id"], f"share_{theirs['template_id']}": "100", "control": "0",
        }),
    ]  # fmt: skip
    for path, form in posts:
        answer = browser.post(path, form, follow_redirects=True)
        assert answer.status_code in {404, 422}, (path, answer.status_code)
        assert "quince" not in answer.text.lower().replace("quince-1", "")
    browser.close()
    assert _state_of(houses, "planner") == houses.before["planner"]


ENDPOINTS = (
    "from tandem.messenger.api.rest.table import ENDPOINTS; import json; "
    "print(json.dumps([[one.method, one.path] for one in ENDPOINTS if one.answer]))"
)
NUMBERS = {
    "projectId": "project_id", "triggerId": "trigger_id", "campaignId": "version_id", "listId": "list_id",
    "batchId": "batch_id", "contactId": "contact_id", "jobId": "job_id",
    "sendingId": "sending_id", "keyId": "dkim_key_id",
}  # fmt: skip
WORDS = {"originalId": "birch-1", "importId": "birch-1", "mode": "all", "channel": "email"}


def _rest_path(path, numbers):
    return re.sub(r"{(\w+)}", lambda found: WORDS.get(found[1]) or str(numbers[NUMBERS[found[1]]]), path)


def _numbers_in(path):
    return len([one for one in re.findall(r"{(\w+)}", path) if one in NUMBERS])


def test_no_rest_call_shows_a_row_of_the_other(houses):
    base, token = houses.facts["messenger_url"], houses.alder["token"]
    client = httpx.Client(headers={"X-Carma-Authentication-Token": token}, timeout=20)
    body = {"originalId": "birch-1", "firstName": "Stray", "listId": houses.birch["list_id"]}
    routes = json.loads(python(houses.home, "import django; django.setup(); " + ENDPOINTS, "messenger"))
    for verb, route in routes:
        theirs = _rest_path(route, {**houses.facts["ids"], **houses.birch})
        assert client.request(verb, f"{base}/7002/{theirs}", json=body).status_code in {401, 403}, theirs
        answer = client.request(verb, f"{base}/7001/{theirs}", json=body)
        alone = {200} if verb == "GET" else {400, 404}
        assert answer.status_code in ({404} if _numbers_in(route) else alone), (theirs, answer.text)
        assert "birch" not in answer.text.lower().replace("birch-1", ""), theirs
        if _numbers_in(route) == 2:
            mixed = _rest_path(
                route, {**houses.facts["ids"], **houses.birch, "trigger_id": houses.alder["trigger_id"]}
            )
            assert client.request(verb, f"{base}/7001/{mixed}", json=body).status_code == 404, mixed
    own = f"{base}/7001/lists/{houses.alder['list_id']}/contacts"
    for path in ("birch-1", "birch-1/subscriptionstatus", "birch-1/bouncestatus"):
        assert client.get(f"{own}/{path}").status_code == 404
    assert client.get(f"{own}/all", params={"email": "birch-1@people.example"}).json() == []
    assert client.get(f"{base}/7001/triggers", params={"projectId": houses.birch["project_id"]}).json() == []
    client.close()
    assert _state_of(houses, "messenger") == houses.before["messenger"]


@pytest.mark.parametrize(
    ("service", "path"), [("messenger", "/rest/7001/lists/1/imports"), ("planner", "/current/general/login")]
)
def test_a_refused_call_whose_body_comes_late_leaves_the_connection_open(houses, service, path):
    address = urlsplit(houses.home.url(service))
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        answers = connection.makefile("rb")
        for _ in range(3):
            head = f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 6\r\n\r\n"
            connection.sendall(head.encode())
            time.sleep(0.3)
            connection.sendall(b'{"a"::')
            assert answers.readline().split()[1] in {b"400", b"401"}
            length = 0
            while (line := answers.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            answers.read(length)


FUNCTIONS = (
    "from tandem.planner.api.table import FUNCTIONS; import json; "
    "print(json.dumps([[f.group, f.path or f.name, f.method, "
    "any(p.required and p.name == 'CampaignID' for p in (*f.params, *(f.body.fields if f.body else ())))] "
    "for f in FUNCTIONS if f.answer]))"
)
#: they carry no id of another account: what they change is the caller's own
OWN_ONLY = {"login", "RegisterEventListener", "UnregisterEventListener"}


def test_no_call_of_the_planners_api_shows_a_row_of_the_other(houses):
    key = houses.facts["planner"]["keys"]["alder"]
    client = httpx.Client(
        base_url=houses.home.url("planner") + "/current", headers={"X-API-KEY": key}, timeout=20
    )
    theirs = houses.quince
    query = {"CampaignID": theirs["occurrence"], "ChannelID": 504, "Date": theirs["day"]}
    metrics = [
        {
            "CampaignID": theirs["occurrence"],
            "ChannelID": 504,
            "TemplateID": 1,
            "MetricID": 0,
            "MetricValue": 9,
        }
    ]
    functions = json.loads(python(houses.home, "import django; django.setup(); " + FUNCTIONS, "planner"))
    for group, name, method, of_a_campaign in functions:
        if name in OWN_ONLY:
            continue
        path = f"/{group}/{name}".replace("{CustomerID}", "quince-1")
        body = metrics if method == "POST" else None
        answer = client.request(method, path, params=query, json=body)
        if answer.status_code == 429:
            time.sleep(int(answer.headers["Retry-After"]))
            answer = client.request(method, path, params=query, json=body)
        closed = answer.status_code in {400, 404} or answer.content == b"[]"
        assert closed or not of_a_campaign, (name, answer.text)
        assert answer.status_code < 500, (name, answer.text)
        assert "quince" not in answer.text.lower(), name
    client.close()
    assert _state_of(houses, "planner") == houses.before["planner"]


def _state_of(houses, half):
    """What the other account sees of itself, so that a change by a stranger shows."""
    if half == "planner":
        looks = (
            ["campaign", "list"], ["groups", "list"], ["discover", "list"], ["users", "list"], ["keys", "list"],
            ["models", "list"],
            ["account", "list"], ["customers", "list"], ["customers", "show", "quince-1"],
        )  # fmt: skip
        return _seen(
            run_commands(houses.home, half, [[*one, "--account", "Quince", "--json"] for one in looks])
        )
    looks = (
        ["sendings", "list"], ["triggers", "list"], ["contacts", "lists"], ["messenger-account", "api-users"],
        ["sendings", "ledger", str(houses.facts["ids"]["sending_id"])],
    )  # fmt: skip
    return _seen(run_commands(houses.home, half, [[*one, "--account", "Birch", "--json"] for one in looks]))


def _seen(answers):
    """Without the times at which the services read the other side by themselves."""
    return [(code, re.sub(r'"(consent|templates)_read_at":"[^"]*"', "", said)) for code, said in answers]


def _messenger_commands(houses):
    """Command -> its words with Birch's ids, and whether it must be refused."""
    b = {name: str(value) for name, value in houses.birch.items()}
    letter = houses.home.home / "letter.html"
    letter.write_text("<html><body><p>Hello</p></body></html>")
    people = houses.home.home / "people.csv"
    people.write_text("originalId\nbirch-1\n")
    return {
        "contacts lists": ([], False),
        "contacts create-list": (["Alder second"], False),
        "contacts import": ([str(people), "--list", b["list_id"]], True),
        "contacts forget": (["birch-1", "--dry-run"], False),
        "contacts export": (["birch-1"], False),
        "contacts consent": (["birch-1"], False),
        "contacts unsubscribe": (["birch-1", "--list", b["list_id"], "--reason", "stray"], True),
        "triggers create-project": (["Alder third", "--from-address", "a@alder.example"], False),
        "triggers create": (
            ["x", str(letter), "--project", b["project_id"], "--list", b["list_id"], "--subject", "x"], True,
        ),
        "triggers list": ([], False),
        "triggers preview": ([b["trigger_id"], "--as", "birch-1"], True),
        "triggers check": ([b["trigger_id"], str(letter), "--subject", "x"], True),
        "triggers draft": ([b["trigger_id"], str(letter), "--subject", "x"], True),
        "triggers activate": ([b["trigger_id"], b["version_id"]], True),
        "triggers versions": ([b["trigger_id"]], True),
        "triggers links": ([b["trigger_id"], b["version_id"]], True),
        "triggers snippets": ([], False),
        "triggers save-snippet": (["alder second", str(letter)], False),
        "triggers delete-snippet": ([b["snippet_id"]], True),
        "tests send": ([b["trigger_id"], "--to", "tester@alder.example"], True),
        "tests addresses": ([], False),
        "tests add": (["second@alder.example"], False),
        "tests verify": ([b["address_id"], "123456"], True),
        "tests remove": ([b["address_id"]], True),
        "tests sms-price": (["0.05"], False),
        "tests list": ([], False),
        "listener connect": (
            ["--planner-url", houses.home.url("planner"), "--zone", "Europe/Stockholm", "--api-key",
             houses.facts["planner"]["keys"]["alder"]], False,
        ),
        "listener show": ([], False),
        "listener profile": ([], False),
        "listener unregister": ([], False),
        "listener register": ([], False),
        "listener rotate": (["--overlap", "600"], False),
        "listener test": ([], False),
        "listener retry": ([b["inbox"]], True),
        "webhooks list": ([], False),
        "webhooks add": (["https://alder.example/hook", "--event", "sms-inbox"], False),
        "webhooks change": ([b["webhook_id"], "--off"], True),
        "webhooks remove": ([b["webhook_id"]], True),
        "webhooks test": ([b["webhook_id"]], True),
        "webhooks latest": ([b["webhook_id"]], True),
        "webhooks failures": ([b["webhook_id"]], True),
        "webhooks replay": ([b["webhook_id"], "1"], True),
        "webhooks rotate": ([b["webhook_id"]], True),
        "sms gateway set": (["46elks", "--user", "alder", "--secret", "alder"], False),
        "sms gateway show": ([], False),
        "sms gateway test": (["--dry-run"], False),
        "sms gateway close": (["--dry-run"], False),
        "sms rules": (["--opens", "09:00"], False),
        "sms inbox": ([], False),
        "sms act": ([b["incoming_id"], "unsubscribe"], True),
        "dkim make": (["--domain", "alder.example", "--selector", "t2"], False),
        "dkim list": ([], False),
        "dkim check": (["--domain", "birch.example", "--selector", "birch1"], True),
        "dkim use": (["--domain", "birch.example", "--selector", "birch1", "--unchecked"], True),
        "dkim rotate": (["--domain", "birch.example", "--selector", "birch1"], True),
        "dkim retire": (["--domain", "birch.example", "--selector", "birch1"], True),
        "gates list": ([], False),
        "gates set": (["https://alder.example/gate", "--project", b["project_id"]], True),
        "gates remove": ([b["gate_id"]], True),
        "gates held": ([], False),
        "gates let-go": ([b["sending_id"]], True),
        "eventhub mappings": ([], False),
        "eventhub map": (["stray", "create-user", b["list_id"]], True),
        "eventhub unmap": ([b["mapping_id"]], True),
        "eventhub events": ([], False),
        "eventhub take-up": ([b["event_number"]], True),
        "sendings list": ([], False),
        "sendings show": ([b["sending_id"]], True),
        "sendings ledger": ([b["sending_id"]], True),
        "sendings pause": ([b["sending_id"]], True),
        "sendings resume": ([b["sending_id"]], True),
        "sendings cancel": ([b["sending_id"]], True),
        "sendings retry": ([b["sending_id"]], True),
        "sendings rate": ([b["sending_id"], "1"], True),
        "sendings policy-default": ([], False),
        "sendings policy": ([b["sending_id"], "hold"], True),
        "sendings resolve": ([b["sending_id"], "1", "accepted"], True),
        "pacing show": ([], False),
        "pacing limit": (["--per-day", "1000000"], False),
        "pacing remove": ([b["limit_id"]], True),
        "pacing warm-up": (["birch.example", "--stop"], True),
        "pacing rules": ([], False),
        "counting show": (["--list", b["list_id"]], True),
        "counting switch": (["--list", b["list_id"], "--no-opens"], True),
        "sendings stop": (["--dry-run"], False),
        "sendings start": ([], False),
        "sendings outbox": (["--campaign", str(houses.facts["campaigns"]["birch email"]["occurrence"])], False),
        "bounces list": ([], False),
        "bounces domains": ([], False),
        "bounces quarantine": ([], False),
        "bounces show": ([b["mail_id"]], True),
        "bounces dismiss": ([b["mail_id"]], True),
        "bounces believe": ([b["mail_id"]], True),
        "bounces replies": ([], False),
        "bounces reply": ([b["reply_id"], "--done"], True),
        "bounces forward-replies": (["help@alder.example"], False),
        "bounces lift": ([b["list_id"], "birch-1"], True),
        "record customer": (["birch-1"], False),
        "record sending": ([b["sending_id"]], True),
        "record check": ([b["sending_id"]], True),
        "record breaches": ([], False),
        "record keep": ([], False),
        "jobs list": ([], False),
        "jobs show": ([b["job_id"]], True),
        "exports list": ([], False),
        "exports make": (["LISTS"], False),
        "exports download": ([b["export_id"]], True),
        **_alarm_commands("messenger", b["alarm_id"]),
        "messenger-account user": (["second@alder.example", "--password", PASSWORD], False),
        "messenger-account api-user": (["alder-second"], False),
        "messenger-account api-users": ([], False),
    }  # fmt: skip


def _planner_commands(houses):
    """Command -> its words with Quince's ids, and whether it must be refused."""
    q = {name: str(value) for name, value in houses.quince.items()}
    orders = houses.home.home / "orders.csv"
    orders.write_text("customer,date,amount\nalder-1,2026-02-01,5\n")
    mapping = ["--mapping", "customer=customer,at=date,value=amount"]
    group, campaign, connection = q["group_id"], q["campaign_id"], q["connection_id"]
    plan = ["--name", "x", "--group", group, "--project", "1", "--template", "1", "--date", "2030-01-02"]
    return {
        "customers import": ([str(orders), *mapping], False),
        "customers list": ([], False),
        "customers show": (["quince-1"], True),
        "customers snapshot": ([], False),
        "customers snapshots": ([], False),
        "customers segments": ([], False),
        "customers explain": (["quince-1"], True),
        "customers movement": ([], False),
        "customers attributes": ([], False),
        "customers forget": (["quince-1", "--yes"], True),
        "customers export": (["quince-1"], True),
        "rights attributes": ([], False),
        "rights purpose": (["quince", "sensitive"], True),
        "rights show": (["quince-1"], True),
        "rights object": (["quince-1", "--how", "by letter"], True),
        "rights lift": (["quince-1", "--how", "by letter"], True),
        "groups save": (["Common second", "--text", "orders is at least 1", "--replace", group], True),
        "groups list": ([], False),
        "groups show": ([group], True),
        "groups priority": ([group, "1"], True),
        "groups count": ([group], True),
        "groups expected": ([group], True),
        "groups sample": ([group], True),
        "groups explain": (["alder-1", group], True),
        "models list": ([], False),
        "models show": (["future_value"], True),
        "models train": ([], False),
        "discover run": (["--goal", "orders", "--days", "30"], False),
        "discover list": ([], False),
        "discover show": ([q["run_id"]], True),
        "discover make-group": ([q["discovery_id"]], True),
        "discover dismiss": ([q["discovery_id"]], True),
        "account add": (["--name", "x", "--api-url", "http://127.0.0.1:1/rest", "--customer-id", "1",
                         "--user-name", "x"], True),
        "account check": ([connection], True),
        "account profile": (["--channel-account", connection], True),
        "account add-channel": (["--name", "Served", "--email-channel", "777"], False),
        "account list": ([], False),
        "templates read": (["--at", connection], True),
        "templates list": (["--at", connection], True),
        "templates preview": ([q["template_id"], "quince-1", "--at", connection], True),
        "templates test": ([q["template_id"], "quince-1", "--to", "tester@alder.example", "--at", connection], True),
        "campaign plan": ([*plan, "--channel-account", connection], True),
        "campaign schedule": ([campaign], True),
        "campaign list": ([], False),
        "campaign show": ([campaign], True),
        "campaign run": ([campaign], True),
        "campaign cancel": ([campaign], True),
        "campaign promotions": ([], False),
        "campaign add-promotion": (["WB23", "Welcome back"], False),
        "campaign delete-promotion": (["WB23"], False),
        "realtime save": (["--name", "x", "--event", "x", "--project", "1", "--template", "1",
                           "--channel-account", connection], True),
        "realtime list": ([], False),
        "realtime show": ([q["real_time_id"]], True),
        "realtime start": ([q["real_time_id"]], True),
        "realtime pause": ([q["real_time_id"]], True),
        "realtime log": ([q["real_time_id"]], True),
        "realtime event": (["x1", "--event", "quince purchase", "--customer", "quince-1"], True),
        "users list": ([], False),
        "users add": (["second@common.example"], False),
        "users password": (["quince@house.example"], True),
        "cycle run": ([], False),
        "cycle show": ([], False),
        "cycle history": ([], False),
        "keys list": ([], False),
        "keys add": ([], False),
        "keys restrict": ([q["credential_id"]], True),
        "keys rotate": ([q["credential_id"]], True),
        "keys disable": ([q["credential_id"]], True),
        "listeners list": ([], False),
        "listeners add": (["https://listener.example/x", "--event", "2"], False),
        "listeners remove": ([q["listener_id"]], True),
        "listeners secret": ([q["listener_id"]], True),
        "listeners test": ([q["listener_id"]], True),
        "listeners log": ([], False),
        "listeners replay": (["987"], True),
        **_alarm_commands("planner", q["alarm_id"]),
    }  # fmt: skip


def _alarm_commands(half, theirs):
    """The same of the one group that both halves have."""
    return {
        "alarms list": (["--half", half], False),
        "alarms set": (["--half", half, "--mail", "ops@house.example"], False),
        "alarms test": (["--half", half], False),
        "alarms silence": ([theirs, "--half", half], True),
    }


@pytest.mark.parametrize(
    ("half", "own", "canary"), [("messenger", "Alder", "birch"), ("planner", "Common", "quince")]
)
def test_no_command_shows_a_row_of_the_other(houses, half, own, canary):
    table = (_messenger_commands if half == "messenger" else _planner_commands)(houses)
    tree = command_tree()
    lines = [
        [*name.split(), *words, "--account", own, *(["--json"] if "--json" in tree[name] else [])]
        for name, (words, _) in table.items()
    ]
    answers = run_commands(houses.home, half, lines)
    wrong = []
    for line, (words, refused), (code, said) in zip(lines, table.values(), answers, strict=True):
        text = said.lower()
        for word in words:
            text = text.replace(word.lower(), "")
        if canary in text or (code != 0) is not refused:
            wrong.append((" ".join(line), code, said[-300:]))
    assert wrong == []
    assert _state_of(houses, half) == houses.before[half]


def test_every_command_of_an_account_is_among_those(houses):
    with_account = {name for name, parameters in command_tree().items() if "--account" in parameters}
    assert with_account == {*_messenger_commands(houses), *_planner_commands(houses)}
