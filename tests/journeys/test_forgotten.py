"""A canary person goes through everything, is forgotten, and is looked for everywhere."""

import base64
import email
import email.policy
import hashlib
import quopri
import re
import subprocess
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import duckdb
import httpx
import pytest
from tests.fixtures.days import wait_until_all_settled
from tests.fixtures.doors import Browser, documents
from tests.fixtures.processes import wait_for
from tests.journeys.conftest import Home

from tandem.kit import embedded_postgres

ZONE = "Europe/Stockholm"
LEAD_SECONDS, AHEAD_SECONDS = 8, 16
CANARY = {
    "id": "Canary-7F3A9",
    "first": "Zoltána",
    "last": "Quetzalcoatlus",
    "email": "zoltana.quetz@people.example",
    "mobile": "+46701740699",
    "city": "Xanthopolis",
}
OTHERS = [f"other-{n}" for n in range(1, 6)]
ORDERS = "customer,date,amount\n"
MAPPING = ("--mapping", "customer=customer,at=date,value=amount")


def _files(folder):
    people = [CANARY["id"], *OTHERS]
    lines = [f"{one},2026-01-{n + 2:02},{20 + n}.50" for n, one in enumerate(people)]
    texts = {
        "orders.csv": [ORDERS.strip(), *lines, f"{CANARY['id']},no day,9.00"],
        "profile.csv": [
            "customer,first_name,last_name,email,city",
            f"{CANARY['id']},{CANARY['first']},{CANARY['last']},{CANARY['email']},{CANARY['city']}",
            *(f"{one},Ann,Other,{one}@people.example,Oslo" for one in OTHERS),
        ],
        "contacts.csv": [
            "originalId,emailAddress,mobileNumber,firstName,lastName,city",
            f"{CANARY['id']},{CANARY['email']},{CANARY['mobile']},{CANARY['first']},{CANARY['last']},{CANARY['city']}",
            *(f"{one},{one}@people.example,+4670174060{n},Ann,Other,Oslo" for n, one in enumerate(OTHERS, 5)),
        ],
        "web.csv": [ORDERS.strip(), f"{CANARY['id']},2026-02-02,7.00", f"{CANARY['id']},never,7.00"],
        "waiting.csv": [ORDERS.strip(), f"{CANARY['id']},2026-02-03,8.00"],
    }
    for name, rows in texts.items():
        (folder / name).write_text("\n".join(rows) + "\n")
    (folder / "letter.html").write_text(
        "<html><body><p>Hej {{contact.firstName}} i {{contact.city}}</p>"
        '<a href="{{message.unsubscribeUrl}}">Stop</a></body></html>'
    )
    (folder / "text.txt").write_text("Hej {{contact.firstName}} {{contact.lastName}}")


class Person:
    """The stack, and where the canary went."""

    def __init__(self, home, files):
        self.home, self.files = home, files

    def file(self, name):
        return str(self.files / name)

    def messages(self, channel):
        """The canary's messages in the outbox."""
        found = []
        for file in (self.home.home / "outbox").glob(f"*/{channel}/*/*"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if CANARY["email"] in message["To"] or CANARY["mobile"] in message["To"]:
                found.append(message)
        return found


@pytest.fixture(scope="module")
def person():
    home = Home(Path(tempfile.mkdtemp(prefix="tandem-forgotten-")), migrated=True)
    files = Path(tempfile.mkdtemp(prefix="tandem-own-files-"))
    try:
        _files(files)
        made = Person(home, files)
        _install(made)
        _bring(made)
        _send(made)
        yield made
    finally:
        home.close()
        for file in files.iterdir():
            file.unlink()
        files.rmdir()


def _install(made):
    home = made.home
    words = ["--planner-url", home.url("planner"), "--messenger-url", home.url("messenger")]
    words += ["--tracking-url", home.url("tracking"), "--admin", "admin@house.example", "--name", "House"]
    made.password = home.run("init", *words, "--zone", ZONE, "--json")["password"]
    project = [
        "triggers",
        "create-project",
        "Letters",
        "--from-address",
        "hello@house.example",
        "--sms-sender",
        "House",
    ]
    trigger = ["--project", "1", "--list", "1", "--json"]
    answers = documents(home, "messenger", [
        ["contacts", "create-list", "Customers", "--json"],
        ["contacts", "import", made.file("contacts.csv"), "--list", "1", "--json"],
        [*project, "--json"],
        ["triggers", "create", "Letter", made.file("letter.html"), "--subject", "Hej {{contact.lastName}}", *trigger],
        ["triggers", "create", "Text", made.file("text.txt"), *trigger],
        ["messenger-account", "api-user", "planner", "--json"],
    ])  # fmt: skip
    assert answers[1]["affected"] == 6
    made.program = answers[-1]
    key, orders, *_ = documents(home, "planner", [
        ["keys", "add", "--json"],
        ["customers", "import", made.file("orders.csv"), *MAPPING, "--json"],
        ["customers", "import", made.file("profile.csv"), "--attributes", "--json"],
        ["customers", "snapshot", "--json"],
    ])  # fmt: skip
    assert orders["rejected"] == 1
    made.key = key["api_key"]


def _bring(made):
    """Connect the halves; the canary comes by a web upload too, and in a file that waits."""
    home = made.home
    for words in (("planner",), ("messenger",), ("worker", "planner")):
        home.start(*words)
    for half in ("planner", "messenger"):
        wait_for(home.url(half) + "/ui/sign-in")
    connection = [
        "account", "add", "--name", "House", "--api-url", home.url("messenger") + "/rest", "--customer-id", "1",
        "--user-name", made.program["user_name"], "--list-id", "1",
    ]  # fmt: skip
    secrets = {
        "TANDEM_ACCOUNT_PASSWORD": made.program["password"],
        "TANDEM_ACCOUNT_TOKEN": made.program["token"],
    }
    documents(home, "planner", [connection, ["templates", "read"]], **secrets)
    planner = ["--planner-url", home.url("planner"), "--zone", ZONE, "--api-key", made.key]
    channels = ["--channel", "504:email", "--channel", "505:sms"]
    documents(home, "messenger", [["listener", "connect", *planner, *channels], ["listener", "register"]])
    browser = Browser(home.url("planner"), "admin@house.example", made.password)
    for name, do in (("web.csv", "import"), ("waiting.csv", "")):
        with Path(made.file(name)).open("rb") as file:
            page = browser.post("/ui/customers/import", {"what": "orders"}, files={"file": (name, file)})
        address = page.headers["location"]
        if do:
            browser.post(address, {"do": do, "what": "orders", "mapping": MAPPING[1]})
            _wait_until_imported(browser, address + "/progress")
    browser.close()


def _send(made):
    """The canary is in the group's sample, in both previews, on both lists, in both outboxes; then unsubscribes."""
    home = made.home
    day = datetime.now(ZoneInfo(ZONE)).date() + timedelta(days=1)
    plan = [
        "campaign", "plan", "--group", "Everyone", "--project", "Letters", "--date", f"{day}", "--time", "10:00",
        "--control", "0", "--lead-minutes", str(LEAD_SECONDS / 60), "--schedule", "--json",
    ]  # fmt: skip
    _, sample, mail, sms = documents(home, "planner", [
        ["groups", "save", "Everyone", "--text", "orders is at least 1", "--json"],
        ["groups", "sample", "Everyone", "--size", "50", "--json"],
        [*plan, "--name", "By mail", "--channel", "email", "--template", "Letter"],
        [*plan, "--name", "By SMS", "--channel", "sms", "--template", "Text"],
    ])  # fmt: skip
    assert CANARY["id"] in {one["customer_id"] for one in sample}
    shown = home.run("templates", "preview", "1", CANARY["id"], "--json")
    assert CANARY["city"] in shown["text"]
    for name in list(home.services):
        home.stop(name)
    send_at = datetime(day.year, day.month, day.day, 10, tzinfo=ZoneInfo(ZONE))
    home.set_clock(send_at - timedelta(seconds=AHEAD_SECONDS))
    home.up()
    assert wait_until_all_settled(home, [mail["id"], sms["id"]], send_at, 90) == {"sent"}
    (letter,) = made.messages("email")
    assert len(made.messages("sms")) == 1
    assert CANARY["city"] in letter.as_string() or CANARY["city"] in letter.get_body().get_content()
    made.link = re.search(r"<(http[^>]+)>", letter["List-Unsubscribe"])[1]
    assert httpx.get(made.link).status_code == 200
    assert httpx.post(made.link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    made.old_dump = home.home / "dump-before"
    home.run("db", "dump", str(made.old_dump))


def _wait_until_imported(browser, address, seconds=40):
    deadline = time.monotonic() + seconds
    while "Imported" not in browser.get(address).text:
        assert time.monotonic() < deadline, browser.get(address).text
        time.sleep(0.3)


def needles():
    """Every way the canary's strings may be written."""
    found = set()
    for text in CANARY.values():
        for one in {text, text.lower(), text.upper(), text.lstrip("+")}:
            raw = one.encode()
            found |= {
                raw,
                quote(one, safe="").encode(),
                quopri.encodestring(raw).strip(),
                one.encode("utf-16-le"),
            }
            found |= {one.encode("latin-1"), one.encode("unicode_escape")}
            for shift in range(3):  # base64 of a longer text that holds it, whatever comes before
                coded = base64.b64encode(b"\0" * shift + raw)
                found.add(coded[4 if shift else 0 : -4])
            for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
                found |= {digest(raw).hexdigest().encode(), digest(raw).digest()}
    return {one for one in found if len(one) >= 5}


def holding(content, wanted):
    return sorted({one for one in wanted if one in content})


def _tables(home):
    """Both databases as plain SQL, with every value decoded that pg_dump writes escaped."""
    server = embedded_postgres.find(home.home)
    binary = embedded_postgres.client_binary(home.home, "pg_dump")
    for half in ("planner", "messenger"):
        done = subprocess.run(
            [str(binary), "--format=plain", "--no-owner", f"--dbname={server.url(f'tandem_{half}')}"],
            capture_output=True,
            check=True,
        )
        yield half, done.stdout


def _dumped(home, folder):
    """What `pg_restore` reads out of a dump that Tandem wrote."""
    binary = embedded_postgres.client_binary(home.home, "pg_restore")
    for file in sorted(folder.glob("*.dump")):
        done = subprocess.run([str(binary), "--file=-", str(file)], capture_output=True, check=True)
        yield file.name, done.stdout


def _decoded(file):
    """A file's bytes, and what is inside the forms that pack their content."""
    yield file.read_bytes()
    if file.suffix == ".parquet":
        with duckdb.connect() as session:
            yield repr(session.execute("SELECT * FROM read_parquet(?)", [str(file)]).fetchall()).encode()
    if file.suffix == ".duckdb":
        with duckdb.connect(str(file), read_only=True) as session:
            for (table,) in session.execute("SHOW TABLES").fetchall():
                yield repr(session.execute(f'SELECT * FROM "{table}"').fetchall()).encode()
    if "outbox" in file.parts:
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        yield " ".join(str(value) for value in message.values()).encode()
        for part in message.walk():
            yield (part.get_payload(decode=True) or b"")


def _places(person, wanted):
    """Where any of it is found: databases, every file of the home but the old dump and PostgreSQL's own."""
    home, found = person.home, {}
    for half, content in _tables(home):
        found[f"database {half}"] = holding(content, wanted)
    server = embedded_postgres.find(home.home)
    for file in sorted(home.home.rglob("*")):
        inside = person.old_dump in file.parents or server.data in file.parents
        if file.is_file() and not inside:
            name = str(file.relative_to(home.home))
            found[name] = sorted({one for content in _decoded(file) for one in holding(content, wanted)})
    return {place: what for place, what in found.items() if what}


def test_a_forgotten_person_is_found_nowhere(person):
    home, wanted = person.home, needles()
    before = _places(person, wanted)
    told = {part for place in before for part in place.replace("database ", "database/").split("/")}
    assert {"database", "outbox", "errors", "uploads", "planner", "messenger"} <= told, before
    exported = home.run("customers", "export", CANARY["id"], "--account", "House")
    (ours,), (theirs,) = exported["planner"], exported["messenger"]
    assert ours["identity"]["email"] == CANARY["email"] and ours["attributes"]["city"] == CANARY["city"]
    assert len(ours["orders"]) == 2 and ours["consent"]
    assert theirs["contacts"][0]["mobileNumber"] == CANARY["mobile"]
    assert {one["channel"] for one in theirs["messages"]} == {"email", "sms"}
    assert theirs["consent"][0]["change"] == "unsubscribed"
    assert len(theirs["unsubscribes"]) == 1

    assert home.run("customers", "forget", CANARY["id"], check=False) == ""  # asks for --yes first
    assert _places(person, {CANARY["id"].encode()})
    report = home.run("customers", "forget", CANARY["id"], "--account", "House", "--yes", "--json")
    _check_report(report)
    link = httpx.post(person.link, data={"List-Unsubscribe": "One-Click"})  # still in the recipient's mailbox
    assert link.status_code in {200, 404} and holding(link.content, wanted) == []

    for name in list(home.services):
        home.stop(name)
    embedded_postgres.ensure(home.home)
    new_dump = home.home / "dump-after"
    home.run("db", "dump", str(new_dump))
    assert _places(person, wanted) == {}
    for name, content in _dumped(home, new_dump):
        assert holding(content, wanted) == [], name
    old = b"".join(content for _, content in _dumped(home, person.old_dump))
    assert CANARY["email"].encode() in old  # the search does find what is there
    assert CANARY["id"] in Path(person.file("orders.csv")).read_text()  # the user's own file is theirs
    _check_afterwards(person)


def _check_report(report):
    places = {place.split("/")[0] for half in report["planner"] for place, count in half["found"] if count}
    assert {"customer id", "identity fields", "consent copies", "orders", "attributes", "snapshots", "errors",
            "uploads", "cache"} <= places  # fmt: skip
    (there,) = report["messenger"]
    counts = dict(there["found"])
    assert counts["messenger contacts"] == counts["unsubscribes by a link"] == 1
    assert counts["ledger rows"] == counts["outbox messages"] == 2
    remains = " ".join(report["remains"])
    for what in ("Dumps made before now", "backups", "Your own files", "pg_wal", "VACUUM"):
        assert what in remains


def _check_afterwards(person):
    """Unknown from now on in both halves; a later file and a later import do not bring the person back."""
    home = person.home
    assert home.run("customers", "show", CANARY["id"], check=False) == ""
    later, again = documents(home, "planner", [
        ["customers", "import", person.file("waiting.csv"), *MAPPING, "--json"],
        ["customers", "list", "--json"],
    ])  # fmt: skip
    assert later["taken"] == 0 and again["total"] == len(OTHERS)
    (done,) = documents(
        home, "messenger", [["contacts", "import", person.file("contacts.csv"), "--list", "1", "--json"]]
    )
    assert done["affected"] == len(OTHERS)
    assert _places(person, needles()) == {}
