"""The demonstration's emails as readers' programs meet them: they parse, and their links lead where they should."""

import re
from email.parser import BytesParser
from email.policy import default
from html.parser import HTMLParser

import httpx
import pytest
from tests.fixtures.processes import wait_for

SOME = 3
#: the two templates of the campaign: subject, heading, where the button leads
WRITTEN = {
    "we miss you": ("{}, we miss you", "{}, it has been a while", "https://shop.example/welcome-back?id="),
    "A small gift": ("A small gift for {}", "A small gift, {}", "https://shop.example/gift?id="),
}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """The links and pictures of a page, and whether each element that is opened is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.links, self.pictures, self._open, self.wrong = [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += self._open

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "a":
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append(found["src"])
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def mails(demo):
    """Every email of the demonstration's campaign, parsed, with what it was written from."""
    home, document = demo
    files = sorted((home.home / "outbox").glob("*/email/new/*"))
    parsed = [BytesParser(policy=default).parsebytes(file.read_bytes()) for file in files]
    found = [(one, words) for one in parsed for key, words in WRITTEN.items() if key in one["Subject"]]
    assert len(found) == len(parsed) >= document["outbox"]
    assert {words for _, words in found} == set(WRITTEN.values())
    return found


def test_every_email_parses_without_a_defect(mails):
    for message, (subject, heading, _) in mails:
        assert [one.get_content_type() for one in message.walk()] == [
            "multipart/alternative", "text/plain", "text/html",
        ]  # fmt: skip
        assert not [one.defects for one in message.walk() if one.defects]
        assert not [name for name in message if message[name].defects]
        html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))
        assert Page(html).wrong == []
        assert "{{" not in html + text + message["Subject"]
        name = message["To"].partition(".")[0].title()
        assert message["Subject"] == subject.format(name)
        assert heading.format(name) in html
        assert heading.format(name) in text
    assert len({message["Message-ID"] for message, _ in mails}) == len(mails)


def test_links_lead_to_the_shop_and_out_of_the_list_each_to_its_own(mails, demo):
    home, _ = demo
    home.start("tracking")
    try:
        wait_for(home.url("tracking") + "/health")
        with httpx.Client(trust_env=False, timeout=60) as reader:
            for written in WRITTEN.values():
                for message in [one for one, words in mails if words == written][:SOME]:
                    _follow(reader, message, written[2])
    finally:
        home.stop("tracking")


def _follow(reader, message, target):
    customer = 100_001 + int(re.search(r"\.(\d+)@", message["To"])[1])
    page = Page(message.get_body(("html",)).get_content())
    leave = message["List-Unsubscribe"].strip("<>")
    answers = {link: reader.get(link) for link in page.links}
    assert answers[leave].status_code == 200
    assert 'method="post"' in answers[leave].text
    leads_to = [one.headers["location"] for one in answers.values() if one.is_redirect]
    assert leads_to == [f"{target}T{customer:07}"]
    assert {one.status_code for one in answers.values()} <= {200, 204, 302}
    text = message.get_body(("plain",)).get_content()
    assert all(link in text for link, one in answers.items() if one.status_code != 204)
    assert [reader.get(one).headers["content-type"] for one in page.pictures] == ["image/gif"]
