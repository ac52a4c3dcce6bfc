"""A test message the whole way: the planner's page asks the messenger's API; campaigns know nothing of it."""

import email
import re
from email import policy

import pytest
from tests.fixtures.doors import Browser

ADDRESS = "colleague@shop.example"


class Shop:
    """The running demonstration, a verified address, and a person at the planner's pages."""

    def __init__(self, home):
        self.home, facts = home, home.facts()
        self.box = home.home / "tests" / "outbox" / facts["customer_id"] / "email" / "new"
        made = home.run("tests", "add", ADDRESS, "--json")
        code = re.search(r"[0-9]{6}", self.newest()["Subject"])[0]
        home.run("tests", "verify", str(made["id"]), code)
        self.person = Browser(home.url("planner"), facts["web_user"], facts["web_password"])

    def newest(self):
        """The last message in the tests' outbox."""
        name = max(self.box.iterdir(), key=lambda file: int(file.name.split(".")[1]))
        return email.message_from_bytes(name.read_bytes(), policy=policy.default)

    def campaigns(self):
        """All that tests must leave alone: sendings with their numbers, and what lies in their outbox."""
        sendings = self.home.run("sendings", "list", "--json")
        files = sorted(file.name for file in (self.home.home / "outbox").rglob("*.tandem"))
        return sendings, files


@pytest.fixture(scope="module")
def shop(demo):
    home, _ = demo
    home.up()
    try:
        made = Shop(home)
        yield made
        made.person.close()
    finally:
        home.stop("up")


def test_a_test_from_the_planners_page_arrives_and_no_campaign_knows(shop):
    templates = shop.home.run("templates", "list", "--json")
    chosen = next(one for one in templates if one["channel"] == "email" and one["active"])
    group = shop.home.run("groups", "list", "--json")[0]["id"]
    base = f"/ui/templates/1/{chosen['id']}"
    page = shop.person.get(base, group=group)
    customer = re.search(r'name="customer" value="([^"]+)"', page.text)[1]
    subject = re.search(r"<dt>Subject</dt><dd>([^<]+)</dd>", page.text)[1]
    survey = shop.person.get(f"{base}/sample", group=group)
    assert re.search(r"20 of 20 messages were looked at", survey.text)
    form_page = shop.person.get(f"{base}/test", group=group, customer=customer)
    assert ADDRESS in form_page.text
    form = {
        "token": re.search(r'name="token" value="([^"]+)"', form_page.text)[1],
        "customer": customer, "group": group, "to": ADDRESS,
    }  # fmt: skip
    before = shop.campaigns()
    count = len(list(shop.box.iterdir()))
    for _ in range(2):
        answer = shop.person.post(f"{base}/test", form, follow_redirects=True)
        assert answer.status_code == 200
        assert "in the outbox" in answer.text
    assert "it was not sent again" in answer.text
    assert len(list(shop.box.iterdir())) == count + 1
    found = shop.newest()
    assert (found["To"], found["Subject"]) == (ADDRESS, f"[Test] {subject}")
    assert shop.campaigns() == before


def test_a_stranger_is_refused_in_the_messengers_words(shop):
    count = len(list(shop.box.iterdir()))
    page = shop.person.get("/ui/templates/1/1/test").text
    form = {
        "token": re.search(r'name="token" value="([^"]+)"', page)[1],
        "customer": re.search(r'name="customer" value="([^"]+)"', page)[1],
        "to": "stranger@elsewhere.example",
    }
    answer = shop.person.post("/ui/templates/1/1/test", form)
    assert answer.status_code == 502
    assert "tests go only to verified addresses" in answer.text
    assert len(list(shop.box.iterdir())) == count
