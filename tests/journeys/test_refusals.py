"""Bad input at the command line, against running halves: the words, the exit code, and that nothing stays."""

import tempfile
from pathlib import Path

import pytest
from tests.fixtures.doors import documents, run_commands
from tests.fixtures.processes import wait_for
from tests.journeys.conftest import Home

ZONE = "Europe/Stockholm"
REFUSED, UNKNOWN, OTHER_SIDE = 2, 4, 5
MAPPING = ("--mapping", "customer=customer,at=date,value=amount")
LOOKS = (
    ("campaign", "list"), ("groups", "list"), ("account", "list"), ("templates", "list"), ("users", "list"),
    ("keys", "list"), ("listeners", "list"), ("customers", "list"), ("customers", "snapshots"),
)  # fmt: skip


@pytest.fixture(scope="module")
def shop():
    """A connected installation: two projects at the messenger, five customers, one group."""
    home = Home(Path(tempfile.mkdtemp(prefix="tandem-refusals-")), migrated=True)
    try:
        urls = ["--planner-url", home.url("planner"), "--messenger-url", home.url("messenger")]
        home.run("init", *urls, "--admin", "admin@house.example", "--name", "House", "--zone", ZONE, "--json")
        secrets = _messenger_side(home)
        home.start("messenger")
        wait_for(home.url("messenger") + "/ui/sign-in")
        _planner_side(home, secrets)
        yield home
    finally:
        home.close()


def _messenger_side(home):
    letter = home.home / "letter.html"
    letter.write_text("<html><body><p>Hello {{contact.firstName}}</p></body></html>")
    people = home.home / "people.csv"
    people.write_text("originalId,emailAddress\n" + "".join(f"c{n},c{n}@people.example\n" for n in range(5)))
    trigger = ["--list", "1", "--subject", "Hello", "--json"]
    *_, program = documents(home, "messenger", [
        ["contacts", "create-list", "Customers", "--json"],
        ["contacts", "import", str(people), "--list", "1", "--json"],
        ["triggers", "create-project", "Spring", "--from-address", "hello@house.example", "--json"],
        ["triggers", "create-project", "Club", "--from-address", "hello@house.example", "--json"],
        ["triggers", "create", "Letter", str(letter), "--project", "1", *trigger],
        ["triggers", "create", "Points", str(letter), "--project", "2", *trigger],
        ["triggers", "preview", "1", "--as", "c1", "--json"],
        ["messenger-account", "api-user", "planner", "--json"],
    ])  # fmt: skip
    return {"TANDEM_ACCOUNT_PASSWORD": program["password"], "TANDEM_ACCOUNT_TOKEN": program["token"]}


def _planner_side(home, secrets):
    orders = home.home / "orders.csv"
    orders.write_text(
        "customer,date,amount\n" + "".join(f"c{n},2026-01-0{n + 1},{n + 5}\n" for n in range(5))
    )
    connection = [
        "--api-url",
        home.url("messenger") + "/rest",
        "--customer-id",
        "1",
        "--user-name",
        "planner",
    ]
    *_, group = documents(home, "planner", [
        ["account", "add", "--name", "House", *connection, "--list-id", "1"],
        ["templates", "read"],
        ["customers", "import", str(orders), *MAPPING, "--json"],
        ["customers", "snapshot", "--json"],
        ["groups", "save", "Buyers", "--text", "orders is at least 1", "--json"],
    ], **secrets)  # fmt: skip
    assert group["name"] == "Buyers"


def _plan(**changed):
    words = {
        "name": "x",
        "group": "Buyers",
        "project": "Spring",
        "template": "Letter",
        "date": "2030-01-02",
    } | changed
    return ["campaign", "plan", *(part for name, text in words.items() for part in (f"--{name}", text))]


def _cases(home):
    broken, empty, typo = (home.home / name for name in ("broken.csv", "empty.csv", "typo.json"))
    broken.write_text("customer,date,amount\n,2026-01-01,5\nc9,no day,5\n")
    empty.write_text("")
    typo.write_text('{"all": [{"attribute": "shoe_size"')
    closed = ["--api-url", "http://127.0.0.1:9/rest", "--customer-id", "1", "--user-name", "planner"]
    wrong = ["--api-url", home.url("messenger") + "/rest", "--customer-id", "1", "--user-name", "planner"]
    return [
        (_plan(template="Points"), REFUSED, "Points belongs to Club"),
        (_plan(template="Nothing"), UNKNOWN, "There is no template 'Nothing'."),
        (_plan(project="Nothing"), UNKNOWN, "There is no project 'Nothing'; there are: Club, Spring."),
        (_plan(group="Nothing"), UNKNOWN, "Nothing"),
        (_plan(date="2020-01-02"), REFUSED, "in the past"),
        (_plan(date="someday"), REFUSED, "'someday' is no date."),
        (_plan(date="2030-03-31", time="02:30"), REFUSED, "so that time does not exist"),
        (_plan(channel="fax"), REFUSED, "'fax' is no channel."),
        (_plan(control="all"), REFUSED, "all"),
        (["campaign", "show", "987"], UNKNOWN, "987"),
        (["campaign", "cancel", "987"], UNKNOWN, "987"),
        (["customers", "show", "nobody"], UNKNOWN, "There is no customer nobody."),
        (["customers", "export", "nobody"], UNKNOWN, "No customer nobody is known in either half."),
        (["customers", "forget", "nobody", "--yes"], UNKNOWN, "No customer nobody is known in either half."),
        (["customers", "forget", "c1"], REFUSED, "Forgetting cannot be undone."),
        (["groups", "explain", "nobody", "Buyers"], UNKNOWN, "There is no customer nobody."),
        (["groups", "save", "None"], REFUSED, "Say which people are meant."),
        (["groups", "save", "None", "--text", "shoe_size is at least 5"], REFUSED, "shoe_size"),
        (["groups", "save", "None", "--condition", str(typo)], REFUSED, "cannot be read as JSON"),
        (["customers", "import", str(home.home / "absent.csv")], REFUSED, "absent.csv"),
        (["customers", "import", str(empty)], REFUSED, "empty"),
        (["customers", "import", str(broken), *MAPPING], REFUSED, ""),
        (["account", "add", "--name", "B", *closed], OTHER_SIDE, "Nothing was saved."),
        (["account", "add", "--name", "B", *wrong], OTHER_SIDE, "Nothing was saved."),
        (["account", "add-channel", "--name", "C"], REFUSED, "Give the channel a number"),
        (["account", "check", "987"], UNKNOWN, "There is no account 987 at a messenger."),
        (["templates", "preview", "1", "nobody"], UNKNOWN, "There is no such contact in this list."),
        (["users", "add", "no address"], REFUSED, "address"),
        (["keys", "disable", "987"], UNKNOWN, "There is no credential 987."),
        (["keys", "restrict", "987", "--function", "general/*"], UNKNOWN, "There is no credential 987."),
        (["keys", "add", "--function", "general/Nothing"], REFUSED, "There is no function general/Nothing."),
        (["keys", "add", "--from", "nowhere"], REFUSED, "nowhere is no network address."),
        (["listeners", "add", "ftp://x.example"], REFUSED, "not a plain http or https address"),
        (["listeners", "add", "https://x.example", "--event", "5", "--channel", "504"], REFUSED, "not registered per"),
        (["listeners", "test", "987"], UNKNOWN, "There is no listener 987."),
        (["listeners", "replay", "987"], UNKNOWN, "There is no event 987"),
        (["listeners", "replay"], REFUSED, "Say one event, or a range."),
        (["campaign", "list", "--account", "Elsewhere"], UNKNOWN, "There is no account Elsewhere."),
    ]  # fmt: skip


def test_every_refusal_says_why_and_leaves_nothing(shop):
    looks = [[*one, "--json"] for one in LOOKS]
    cases = _cases(shop)
    wrong = {"TANDEM_ACCOUNT_PASSWORD": "wrong", "TANDEM_ACCOUNT_TOKEN": "wrong"}
    answers = run_commands(
        shop, "planner", [*looks, *(words for words, _, _ in cases), *looks], COLUMNS="500", **wrong
    )
    before, after = answers[: len(looks)], answers[-len(looks) :]
    assert all(code == 0 for code, _ in before)
    told = answers[len(looks) : -len(looks)]
    faults = [
        (" ".join(words), code, said[-400:])
        for (words, exit_code, sentence), (code, said) in zip(cases, told, strict=True)
        if code == 0 or exit_code != code or sentence not in said or "Traceback" in said
    ]
    assert faults == []
    assert after == before


def test_an_empty_group_is_counted_and_said_before_a_campaign_is_planned(shop):
    nobody = ["--text", "orders is at least 5000"]
    count, shown = documents(shop, "planner", [
        ["groups", "count", *nobody, "--why", "--json"],
        ["groups", "sample", *nobody, "--json"],
    ])  # fmt: skip
    assert count["members"] == 0 and count["why"] and shown == []


def test_the_messengers_refusals_say_why_and_leave_nothing(shop):
    bad, latin = shop.home / "bad.html", shop.home / "bad.csv"
    bad.write_text("<p>{{#each orders}}x</p>")
    latin.write_text("id,emailAddress\nx,x@people.example\n")
    looks = [
        [*one, "--json"]
        for one in (("triggers", "list"), ("contacts", "lists"), ("messenger-account", "list"))
    ]
    trigger = ["--project", "1", "--list", "1", "--subject", "x"]
    cases = [
        (["triggers", "create", "x", str(bad), *trigger], "line 1, column"),
        (
            ["triggers", "create", "x", str(bad), "--project", "987", "--list", "1", "--subject", "x"],
            "project",
        ),
        (["contacts", "import", str(latin), "--list", "1"], "originalId"),
        (["contacts", "import", str(latin), "--list", "987"], "list"),
        (["contacts", "create-list", "Customers"], "name"),
        (["sendings", "show", "987"], "sending"),
        (["sendings", "ledger", "987"], "sending"),
        (["sendings", "cancel", "987"], "sending"),
        (["listener", "register"], "planner"),
        (["listener", "test"], "planner"),
        (["listener", "connect", "--planner-url", "ftp://x", "--zone", ZONE, "--api-key", "k"], "ftp://x"),
        (
            [
                "listener",
                "connect",
                "--planner-url",
                "http://127.0.0.1:9",
                "--zone",
                "Mars",
                "--api-key",
                "k",
            ],
            "Mars",
        ),
        (["listener", "retry", "987"], "campaign"),
        (["messenger-account", "create", "House"], "name"),
        (["messenger-account", "user", "no address", "--password", "a long password"], "address"),
    ]
    words = [*looks, *(line for line, _ in cases), *looks]
    answers = run_commands(shop, "messenger", words, COLUMNS="500")
    told = answers[len(looks) : -len(looks)]
    faults = [
        (" ".join(line), code, said[-400:])
        for (line, sentence), (code, said) in zip(cases, told, strict=True)
        if code == 0 or sentence not in said or "Traceback" in said
    ]
    assert faults == []
    assert answers[-len(looks) :] == answers[: len(looks)]
