"""Every page in every language: complete, every name filled in, nothing of a name run as HTML."""

import re
from html.parser import HTMLParser

import pytest

from tandem.messenger.contacts.proofs import Place
from tandem.messenger.subscriptions import showing
from tandem.messenger.subscriptions.domain import (
    LANGUAGES,
    OwnWords,
    PageSettings,
    accepted_language,
    address_fault,
    chosen_language,
    filled,
    merged,
    words_of,
)

SLOTS = re.compile(r"{\w*}")
NASTY = "<b>{sender}</b>\"'&{list}"


def scene(language="en", channel="email", **more):
    return showing.Scene(
        language=language, sender=NASTY, list_name=NASTY, channel=channel, preferences="/p/x", **more
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_sentence_with_its_names(language):
    english, words = words_of("en"), words_of(language)
    assert list(words) == list(english)
    assert all(text.strip() for text in words.values())
    for key, text in words.items():
        assert sorted(SLOTS.findall(text)) == sorted(SLOTS.findall(english[key])), key
    differing = [key for key in words if words[key] != english[key]]
    assert language == "en" or len(differing) > 0.8 * len(words)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_name_their_language_and_show_names_as_they_are(language, channel):
    one = scene(language, channel, settings=PageSettings(words={language: OwnWords(text="<i>mine</i>")}))
    places = [
        Place(contact_id=1, list_id=1, list_name=NASTY, channel=channel, state=state, since=None)
        for state in ("on", "off", "paused")
    ]
    for content in (
        showing.ask_page(one),
        showing.told_page(one, one.say("done_heading"), one.say("done"), stamp="s"),
        showing.preferences_page(one, places, stamp="s"),
    ):
        page = Page(content)
        assert ("html", {"lang": language}) in page.tags
        assert not {"b", "i", "script", "img", "link"} & {tag for tag, _ in page.tags}
        assert not any(name.startswith("on") or name == "style" for _, attrs in page.tags for name in attrs)
        assert NASTY in page.text, "names are as they are, and not read as slots"
    assert "<i>mine</i>" in Page(showing.ask_page(one)).text


@pytest.mark.parametrize(
    ("asked", "attribute", "country", "header", "usual", "language"),
    [
        ("pl", "sv", "DK", "de", "fi", "pl"),
        ("xx", "nn-NO", "DK", "de", "fi", "nb"),
        ("", "", "dk", "de", "fi", "da"),
        ("", "Klingon", "BE", "fr-BE, de;q=0.5", "fi", "fr"),
        ("", "", "", "tlh, sv;q=0.2, it;q=0.7, en;q=0", "fi", "it"),
        ("", "", "", "*, ;q=x, en;q=bad", "fi", "fi"),
        ("", "", "", "", "", "en"),
    ],
)
def test_the_language_is_the_persons_then_the_browsers_then_the_accounts(
    asked, attribute, country, header, usual, language
):
    found = chosen_language(asked=asked, attribute=attribute, country=country, header=header, usual=usual)
    assert found == language


def test_a_long_header_is_read_quickly():
    assert accepted_language("sv," * 100_000) == "sv"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "javascript:alert(1)", "https://", "https://localhost/", "https://1",
        "https://a@b.example/", "https://{originalId}.example/", "https://shop.example/?{password}",
        "https://shop.example/{", "https://shop .example/", 'https://shop.example/"onclick', "https://shop.example/\n",
        "https://shöp.example/", "https://shop.example/" + "x" * 500, "https://shop.example:0/",
        "https://shop.example:x/", "//shop.example/", "https://[::1]/",
    ],
)  # fmt: skip
def test_an_address_elsewhere_that_cannot_be_is_refused(url):
    assert address_fault(url)


def test_an_address_elsewhere_is_filled_safely():
    url = "https://shop.example/leave?id={originalId}&l={listId}&u={unsubscribeUrl}"
    assert address_fault(url) == ""
    done = filled(url, original_id="a&b=/{listId}", list_id=7, unsubscribe_url="https://t/u/x")
    assert done == "https://shop.example/leave?id=a%26b%3D%2F%7BlistId%7D&l=7&u=https%3A%2F%2Ft%2Fu%2Fx"


def test_the_nearest_level_that_says_something_holds():
    project = PageSettings(words={"sv": OwnWords(heading="Projekt")})
    of_list = PageSettings(
        external_url="https://list.example/", words={"sv": OwnWords(heading="Lista", text="T")}
    )
    account = PageSettings(
        external_url="https://account.example/", language="fi", words={"fi": OwnWords(text="A")}
    )
    found = merged([project, of_list, account])
    assert (found.external_url, found.language) == ("https://list.example/", "fi")
    assert found.words == {"sv": OwnWords(heading="Projekt", text="T"), "fi": OwnWords(text="A")}
