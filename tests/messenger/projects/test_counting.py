"""Counted links and the picture: in their places when asked for, and nothing touched otherwise."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.messenger.projects.letters import LINK, html_of, letter, made, text_of

from tandem.messenger.projects.domain import EmailSource
from tandem.messenger.projects.parts import Counting

URL = "https://tracking.example/c/AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH/"
PIXEL = "https://tracking.example/o/AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH.gif"
BOTH = Counting(url=URL, pixel_url=PIXEL, sign=lambda number, address: f"s{number}{len(address)}")
HIDDEN = f'<a href="{URL}0" style="display:none" tabindex="-1" aria-hidden="true"></a>'
PICTURE = f'<img src="{PIXEL}" alt="" width="1" height="1">'
BODY = """<p>Dear {{contact.firstName}}</p>
<a href="https://shop.example/a?x=1&amp;y=2">First</a> <A HREF='https://shop.example/b#c'>https://shop.example/b#c</A>
<a href="https://shop.example/a?x=1&amp;y=2" style="color: red;">First again</a>
<a href="https://shop.example/p?n={{contact.firstName}}&amp;c={{print contact.city 'none'}}">Yours</a>
<a href="{{noEncode contact.link}}">Anywhere</a>
<a href="mailto:help@shop.example">Mail</a> <a href="#top">Top</a> <a name="x">no address</a>
<img src="https://shop.example/logo.png"> <a href="{{message.unsubscribeUrl}}">Leave</a>
<a href="{{message.unsubscribeUrl}}?why=1">Leave at once</a>"""
SOURCE = EmailSource(subject="x", html=f"<html><body>{BODY}</body></html>")
PERSON = {"firstname": "Åsa & Bo", "city": "", "link": "https://elsewhere.example/?q=a&b=c"}


def hrefs(shown: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'<a\s[^>]*href="([^"]*)"', shown)]


def test_every_page_of_the_web_is_counted_and_nothing_else():
    source = made(SOURCE)
    assert [(link.number, link.target) for link in source.links] == [
        (1, "https://shop.example/a?x=1&y=2"),
        (2, "https://shop.example/b#c"),
        (3, "https://shop.example/a?x=1&y=2"),
        (4, "https://shop.example/p?n={{contact.firstName}}&c={{print contact.city 'none'}}"),
        (5, "{{noEncode contact.link}}"),
    ]
    found = hrefs(html_of(letter(SOURCE, PERSON, counts=BOTH)))
    assert found[:3] == [f"{URL}1", f"{URL}2", f"{URL}3"]
    assert found[3] == f"{URL}4?%C3%85sa%20%26%20Bo&c=none"
    assert found[4].startswith(f"{URL}d?")
    whole = "https://elsewhere.example/?q=a&b=c"
    assert parse_qs(urlsplit(found[4]).query) == {"k": ["5"], "u": [whole], "s": [f"s5{len(whole)}"]}
    assert source.data["counting"]["targets"] == [
        ["https://shop.example/a?x=1&y=2", False], ["https://shop.example/b#c", False],
        ["https://shop.example/a?x=1&y=2", False], ["https://shop.example/p?n=", True],
        ["{{noEncode contact.link}}", False],
    ]  # fmt: skip
    assert found[5:] == ["mailto:help@shop.example", "#top", LINK, f"{LINK}?why=1", f"{URL}0"]


def test_switched_off_a_message_is_as_it_was_written():
    plain = html_of(letter(SOURCE, PERSON))
    wanted = BODY.replace("{{contact.firstName}}</p>", "Åsa &amp; Bo</p>")
    wanted = wanted.replace("{{contact.firstName}}", "%C3%85sa%20%26%20Bo")
    wanted = wanted.replace("{{print contact.city 'none'}}", "none").replace(
        "{{message.unsubscribeUrl}}", LINK
    )
    wanted = wanted.replace("{{noEncode contact.link}}", "https://elsewhere.example/?q=a&amp;b=c")
    wanted = wanted.replace("<A HREF='https://shop.example/b#c'>", '<a href="https://shop.example/b#c">')
    wanted = wanted.replace("</A>", "</a>")
    assert plain.partition("<body>")[2].partition("</body>")[0] == wanted
    assert "tracking.example/c/" not in text_of(letter(SOURCE, PERSON))


@pytest.mark.parametrize(
    ("counts", "more"),
    [
        (Counting(url=URL, sign=BOTH.sign), HIDDEN),
        (Counting(pixel_url=PIXEL), PICTURE),
        (BOTH, HIDDEN + PICTURE),
    ],
)
def test_openings_and_clicks_are_counted_apart(counts, more):
    shown = html_of(letter(SOURCE, PERSON, counts=counts))
    assert f"{more}</body>" in shown
    assert (PICTURE in shown, f"{URL}1" in shown) == (bool(counts.picture), bool(counts.url))
    if not counts.url:
        assert shown.replace(PICTURE, "") == html_of(letter(SOURCE, PERSON))


def test_the_text_has_the_same_numbers():
    text = text_of(letter(SOURCE, PERSON, counts=BOTH))
    assert f"First ({URL}1) {URL}2 First again ({URL}3)" in " ".join(text.split())
    assert f"Yours ({URL}4?%C3%85sa%20%26%20Bo&c=none)" in text
    assert f"Anywhere ({URL}d?k=5&u=https%3A%2F%2Felsewhere.example%2F%3Fq%3Da%26b%3Dc&s=s534)" in text
    assert f"Leave ({LINK})" in text


def test_addresses_in_an_author_s_own_text_are_counted():
    text = (
        "See https://shop.example/a?x=1&y=2, or (https://new.example/).\n"
        "Yours: https://shop.example/me?n={{contact.firstName}}&z=1 now\nLeave: {{message.unsubscribeUrl}}\n"
    )
    source = EmailSource(subject="x", html=SOURCE.html, text=text)
    shown = text_of(letter(source, PERSON, counts=BOTH)).splitlines()
    assert shown[0] == f"See {URL}1, or ({URL}6)."
    assert shown[1] == f"Yours: {URL}7?%C3%85sa%20%26%20Bo&z=1 now"
    assert shown[2] == f"Leave: {LINK}"
    assert [link.target for link in made(source).links[5:]] == [
        "https://new.example/", "https://shop.example/me?n={{contact.firstName}}&z=1",
    ]  # fmt: skip
    plain = text_of(letter(source, PERSON)).splitlines()
    assert plain[1] == "Yours: https://shop.example/me?n=%C3%85sa%20%26%20Bo&z=1 now"


@given(
    value=st.text(
        st.sampled_from(["a", "\x01", "\x02", "\x03", "\x04", "\x05", " ", '"', "<", "å", "=", "&"]),
        max_size=60,
    ),
    link=st.sampled_from(
        [
            "javascript:alert(1)",
            "https://a.example/\x05\x04 x",
            "//b.example",
            "https://c.example/?" + "x" * 90,
            "",
        ]
    ),
)
def test_no_value_makes_a_link_of_its_own(value, link):
    shown = html_of(letter(SOURCE, {"firstname": value, "city": value, "link": link}, counts=BOTH))
    found = hrefs(shown)
    assert len(found) == 10 and found[:3] == [f"{URL}1", f"{URL}2", f"{URL}3"]
    assert re.fullmatch(re.escape(f"{URL}4?") + r"[A-Za-z0-9%._~-]*&c=[A-Za-z0-9%._~-]+", found[3])
    clean = re.sub(r"[\x00-\x1f]", "", link)
    if re.fullmatch(r"https://\S+", clean):
        assert parse_qs(urlsplit(found[4]).query)["u"] == [clean]
    else:
        assert found[4] == "#"


def test_a_link_in_mjml_and_one_too_long():
    long = "https://shop.example/" + "x" * 2100
    mjml = (
        "<mjml><mj-body><mj-section><mj-column><mj-button href='https://shop.example/go'>Go</mj-button>"
        f"<mj-text><a href='{long}'>long</a></mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    found = hrefs(html_of(letter(EmailSource(subject="x", mjml=mjml), counts=BOTH)))
    assert found == [f"{URL}1", long, f"{URL}0"]
