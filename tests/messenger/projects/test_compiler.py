"""The compiler: what is printed, what is refused and where, and that no value can fake anything."""

import email
import email.policy
import html
import re
from binascii import a2b_qp
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.messenger.projects import compiled, parts, quoted
from tandem.messenger.projects.compiler import compile_source
from tandem.messenger.projects.domain import EmailSource, Sender, SmsSource, count_sms
from tandem.messenger.projects.emit import Emitter, place_plain
from tandem.messenger.projects.errors import RenderError, TemplateWrong
from tandem.messenger.projects.handlebars import Reader
from tandem.messenger.projects.tags import Names
from tandem.messenger.projects.trial import check

NAMES = {"firstname": "firstName", "city": "city", "link": "link"}
SENDER = Sender(name="Åsas Shop", address="news@shop.example", reply_to="help@shop.example", sms="Shop")
LINK = "https://tracking.example/u/abcdefghijklmnopqrstuvwxyz012345"
LAYOUT = "<html><body><p>{}</p></body></html>"


def email_of(body: str, values: dict[str, str] | None = None, *, subject: str = "Hi", **more: str):
    source = EmailSource(subject=subject, html=LAYOUT.format(body), **more)
    made = compiled.load(compile_source(source, names=NAMES, sender=SENDER).data)
    return render(made, values or {})


def render(made, values: dict[str, str]):
    raw = made.render(
        values,
        to="person@example.com",
        message_id="m.1@shop.example",
        unsubscribe_url=LINK,
        date="Mon, 01 Jan 2029 09:00:00 +0000",
        headers=[("X-Tandem-Campaign", "7")],
    )
    assert max(map(len, raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76
    assert b"\n" not in raw.replace(b"\r\n", b"")
    return email.message_from_bytes(raw, policy=email.policy.default)


def html_of(message) -> str:
    return message.get_body(("html",)).get_content().replace("\r\n", "\n")


def text_of(message) -> str:
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def sms_of(text: str, values: dict[str, str] | None = None) -> str:
    made = compiled.load(compile_source(SmsSource(text=text), names=NAMES, sender=SENDER).data)
    return made.render(values or {}, unsubscribe_url=LINK).text


def faults_of(source) -> list[tuple[int, int, str]]:
    with pytest.raises(TemplateWrong) as caught:
        compile_source(source, names=NAMES, sender=SENDER)
    return [(fault.line, fault.column, fault.words) for fault in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{{contact.firstName}}", "åsa &lt;b&gt; &amp; co"),
        ("{{ CONTACT.FIRSTNAME }}", "åsa &lt;b&gt; &amp; co"),
        ("!!First_Name!!", "åsa &lt;b&gt; &amp; co"),
        ("{{upper contact.firstName}}", "ÅSA &lt;B&gt; &amp; CO"),
        ("{{Capitalize contact.firstName}}", "Åsa &lt;b&gt; &amp; Co"),
        ("{{lower contact.firstName}}", "åsa &lt;b&gt; &amp; co"),
        ("{{#upper}}a &eacute; <b>{{contact.city}}</b>{{/upper}}", "A &Eacute; <b>LUND</b>"),
        ('{{print contact.link "<none>"}}', "&lt;none&gt;"),
        ('{{print contact.city "none"}}', "lund"),
        ("{{#print contact.link}}<i>no {{contact.city}}</i>{{/print}}", "<i>no lund</i>"),
        ("{{#print contact.city}}<i>no</i>{{/print}}", "lund"),
        ("{{#lower}}{{#print contact.link}}NO{{/print}}{{/lower}}", "no"),
        ("{{urlEncode contact.firstName}}", quote("åsa <b> & co", safe="")),
        ("{% if x %}{# y #}{{contact.city}}}", "{% if x %}{# y #}lund}"),
        ("!!! wow !! a {b}", "!!! wow !! a {b}"),
    ],
)
def test_what_a_value_looks_like(written, shown):
    message = email_of(written, {"firstname": "åsa <b> & co", "city": "lund"})
    body = re.search("<p>(.*)</p>", html_of(message), re.DOTALL)[1]
    assert html.unescape(body) == html.unescape(shown)
    assert "<b>" not in shown or "<b>" in body


@pytest.mark.parametrize(
    ("written", "href"),
    [
        ("https://x.example/?n={{contact.city}}", "https://x.example/?n=a%2Fb%20%26c"),
        ("https://x.example/{{noEncode contact.city}}", "https://x.example/a/b &amp;c"),
        ("{{noEncode contact.link}}", "#"),
        ("{{message.unsubscribeUrl}}", LINK),
    ],
)
def test_values_in_links(written, href):
    message = email_of(f'<a href="{written}">x</a>', {"city": "a/b &c", "link": "javascript:alert(1)"})
    assert f'href="{href}"' in html_of(message)


def test_a_link_from_data_keeps_a_known_scheme():
    body = '<a href="{{noEncode contact.link}}">x</a>'
    assert 'href="https://a.example/?b=1&amp;c=2"' in html_of(
        email_of(body, {"link": "https://a.example/?b=1&c=2"})
    )


def test_the_text_part_follows_the_layout():
    body = 'Hi {{contact.city}}</p><p><a href="https://x.example/{{contact.city}}">Shop &amp; more</a>'
    assert (
        text_of(email_of(body, {"city": "a b"})).strip() == "Hi a b\n\nShop & more (https://x.example/a%20b)"
    )


def test_mjml_with_blocks_in_cells():
    source = EmailSource(
        subject='{{print contact.firstName "Friend"}}, hello',
        mjml="<mjml><mj-body><mj-section><mj-column><mj-text>{{#print contact.city}}<b>nowhere</b>{{/print}}"
        '</mj-text><mj-button href="{{message.unsubscribeUrl}}">Off</mj-button></mj-column>'
        "</mj-section></mj-body></mjml>",
    )
    made = compile_source(source, names=NAMES, sender=SENDER)
    message = render(compiled.load(made.data), {})
    assert made.warnings == ()
    assert message["Subject"] == "Friend, hello"
    assert "<b>nowhere</b>" in html_of(message)
    assert f'href="{LINK}"' in html_of(message)
    assert check(made.data) == ""


def test_the_headers():
    message = email_of("x", subject="Ett långt ämne " * 6)
    assert message["From"] == "Åsas Shop <news@shop.example>"
    assert message["Reply-To"] == "help@shop.example"
    assert message["Subject"] == ("Ett långt ämne " * 6).strip()
    assert message["Message-ID"] == "<m.1@shop.example>"
    assert message["List-Unsubscribe"] == f"<{LINK}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["X-Tandem-Campaign"] == "7"


def test_a_long_unsubscribe_address_stays_on_one_line():
    made = compiled.load(
        compile_source(EmailSource(subject="x", html=LAYOUT.format("x")), names=NAMES, sender=SENDER).data
    )
    long = "https://tracking.example/u/" + "a" * 200
    raw = made.render({}, to="a@b.example", message_id="m@b", unsubscribe_url=long, date="x")
    assert f"List-Unsubscribe: <{long}>\r\n".encode() in raw


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "a@b.example\r\nBcc: c@d.example"},
        {"to": "a@b.example>, <c@d.example"},
        {"message_id": "m\n@b"},
        {"unsubscribe_url": "https://x.example/\r\nX: y"},
        {"unsubscribe_url": "javascript:x"},
        {
            "unsubscribe_url": "https://x.example/" + "x" * 800,
            "unsubscribe_mail": "u@" + "x" * 200 + ".example",
        },
        {"headers": [("X-A", "b\nc")]},
        {"headers": [("X A", "b")]},
    ],
)
def test_headers_cannot_be_smuggled(wrong):
    made = compiled.load(
        compile_source(EmailSource(subject="x", html=LAYOUT.format("x")), names=NAMES, sender=SENDER).data
    )
    usual = {"to": "a@b.example", "message_id": "m@b.example", "unsubscribe_url": LINK, "date": "x"}
    with pytest.raises(RenderError):
        made.render({}, **{**usual, **wrong})


def test_a_line_break_in_a_value_cannot_leave_the_subject():
    message = email_of("x", {"firstname": "A\r\nBcc: x@y.example"}, subject="Hi {{contact.firstName}}")
    assert message["Bcc"] is None
    assert message["Subject"] == "Hi A Bcc: x@y.example"


@pytest.mark.parametrize(
    ("written", "line", "column", "word"),
    [
        ("a\n {{{contact.city}}}", 2, 2, "Three braces"),
        ("{{#each contact.x}}{{/each}}", 1, 1, "not known"),
        ("{{> part}}", 1, 1, "not known"),
        ("{{upper (lower contact.city)}}", 1, 1, "Write"),
        ("{{../contact.city}}", 1, 1, "not known"),
        ("{{contact.fistName}}", 1, 1, "'firstName'"),
        ("!!No_Such!!", 1, 1, "no attribute"),
        ("{{contact.city", 1, 1, "not closed"),
        ("{{#upper}}x", 1, 1, "not closed"),
        ("{{#upper}}{{#lower}}x{{/upper}}{{/lower}}", 1, 22, "not open"),
        ("{{}}", 1, 1, "empty"),
        ('{{print contact.city "x}}', 1, 1, "quotes"),
        ("{{print contact.city other}}", 1, 1, "quotes"),
        ("{{firstName}}", 1, 1, "not known"),
        ("{{upper 'x'}}", 1, 1, "Write"),
        ("{{! remark }}", 1, 1, "not known"),
        ("a\x07", 1, 2, "control"),
        ("{{upper message.unsubscribeUrl}}", 1, 1, "only"),
    ],
)
def test_what_is_refused_and_where(written, line, column, word):
    found = faults_of(SmsSource(text=written))
    assert found[0][:2] == (line, column)
    assert word in found[0][2]


@pytest.mark.parametrize(
    "body",
    [
        "<style>p{{contact.city}}</style>",
        '<i style="color:{{contact.city}}">x</i>',
        "<i {{contact.city}}>x</i>",
        '<i onclick="{{contact.city}}">x</i>',
        "<script>{{contact.city}}</script>",
    ],
)
def test_no_value_where_it_would_be_code(body):
    assert any("cannot stand" in words for _, _, words in faults_of(EmailSource(subject="x", html=body)))


def test_every_fault_is_told_at_once():
    found = faults_of(EmailSource(subject="{{#each}}", html="{{{a}}}\n{{contact.x1}}", text="{{b}}"))
    assert len(found) == 4


def test_an_email_without_unsubscribe_link_is_remarked():
    made = compile_source(EmailSource(subject="x", html="y"), names=NAMES, sender=SENDER)
    assert "unsubscribe" in made.warnings[0]


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 2),
        ("ç", "UCS-2", 1),
        ("`", "UCS-2", 1),
        ("–" * 70, "UCS-2", 1),
        ("–" * 71, "UCS-2", 2),
        ("–" * 134, "UCS-2", 2),
        ("–" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("–" * 66 + "😀" + "–" * 66, "UCS-2", 3),
        ("\xa0", "UCS-2", 1),
        ("ÅÄÖåäöÉé", "GSM-7", 1),
    ],
)
def test_parts_of_an_sms(text, encoding, parts):
    counted = count_sms(text)
    assert (counted.encoding, counted.parts) == (encoding, parts)


def test_an_sms_is_raw_but_its_links_are_encoded():
    shown = sms_of(
        "{{contact.city}} https://x.example/?c={{contact.city}}&d=1 {{message.unsubscribeUrl}}",
        {"city": "a&b"},
    )
    assert shown == f"a&b https://x.example/?c=a%26b&d=1 {LINK}"


def test_an_empty_sms_is_not_sent():
    with pytest.raises(RenderError):
        sms_of("{{contact.city}}")


ANY = st.text(max_size=300)
NASTY = st.text(alphabet="=. \t\n\r\x00\x01\ue000\ue001{}%#<>&\"'aå😀07", max_size=200)
LITERAL = st.one_of(ANY, NASTY).map(
    lambda text: re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ue000-\uf8ff\ud800-\udfff]|[{!](?=[\x00-\x1f\x7f-\x9f\ue000-\uf8ff]*[{!])",
        "",
        text,
    )
)
TAGS = st.sampled_from(
    ["{{contact.firstName}}", "{{upper contact.city}}", "{{message.unsubscribeUrl}}", "!!City!!"]
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.one_of(LITERAL, TAGS), max_size=12), st.one_of(ANY, NASTY), st.one_of(ANY, NASTY))
def test_a_random_template_decodes_to_an_independent_render(pieces, first, city):
    source = " ".join(pieces)
    values = {"firstname": first, "city": city}
    reader = Reader("Text", source, Names(NAMES))
    read = reader.read()
    assert reader.faults == []
    data = Emitter(html=False, chunked=True).emit(
        [(p, "text") if not isinstance(p, str) else p for p in read]
    )
    body = parts.Part(data).encoded(values, quoted.encode(LINK))
    assert max(map(len, body.split(b"\r\n"))) <= 76 and b"\r\n." not in b"\r\n" + body
    assert a2b_qp(body).decode().replace("\r\n", "\n") == independent(source, values)


@pytest.mark.parametrize("city", ["", "Malmö", "a=b" * 40])
def test_the_plain_course_says_what_the_engine_says(city):
    source = 'Hi {{print contact.firstName "you"}}, {{#print contact.city}}<b>{ nowhere {{contact.firstName}} at all,'
    source += " in no place that we know of{{/print}} {{contact.city}}"
    read = Reader("Text", source, Names(NAMES)).read()
    data = Emitter(html=False, chunked=True).emit(
        [(p, "text") if not isinstance(p, str) else p for p in read]
    )
    part = parts.Part(data)
    assert part._course is not None
    plain = part.encoded({"city": city, "firstname": "Bo"}, b"x")
    part._course = part._words = None
    assert a2b_qp(plain) == a2b_qp(part.encoded({"city": city, "firstname": "Bo"}, b"x"))


def test_stored_parts_whose_lines_begin_with_dots_are_read_without():
    chunk = "." + "a" * 75 + "\r\n" + "." * 76 + "\r\n.b"
    part = parts.Part({"template": "\ue0000\ue001", "expressions": [], "names": [], "chunks": [chunk]})
    body = part.encoded({}, b"")
    assert a2b_qp(body).decode() == chunk and b"\r\n." not in b"\r\n" + body
    assert max(map(len, body.split(b"\r\n"))) <= 76


def test_what_the_plain_course_does_not_know_is_the_engines():
    part = parts.Part(
        {"template": "{% for n in [1, 2] %}{{ n }}{% endfor %}", "expressions": [], "names": []}
    )
    assert part._course is None
    assert part.encoded({}, b"") == b"12"


def independent(source: str, values: dict[str, str]) -> str:
    def clean(value: str) -> str:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ue000-\uf8ff\ud800-\udfff]", "", value)

    printed = {
        "{{contact.firstName}}": clean(values["firstname"]),
        "{{upper contact.city}}": clean(values["city"]).upper(),
        "{{message.unsubscribeUrl}}": LINK,
        "!!City!!": clean(values["city"]),
    }
    known = "|".join(map(re.escape, printed))
    return re.sub(known, lambda found: printed[found[0]], source)


@settings(max_examples=examples(100), deadline=None)
@given(st.one_of(ANY, NASTY, st.text(alphabet=" \t.ab=é\n", min_size=60, max_size=160)))
@example("." * 300 + "\n.\n..")
def test_a_chunk_can_stand_before_a_soft_break_and_needs_no_dot_doubled(text):
    text = re.sub("[\ud800-\udfff\r]", "", text)
    chunk = quoted.encode(text) + quoted.SOFT
    assert max(map(len, chunk.split(b"\r\n"))) <= 76 and b"\r\n." not in b"\r\n" + chunk
    assert a2b_qp(chunk).decode().replace("\r\n", "\n") == text


@settings(max_examples=examples(70), deadline=None)
@given(st.text(max_size=200))
def test_a_header_text_comes_back(text):
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "", text).split())
    raw = f"Subject: {quoted.header_text(text)}\r\n\r\n".encode("ascii")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert (email.message_from_bytes(raw, policy=email.policy.default)["Subject"] or "") == text


def test_a_plain_text_with_a_link_knows_its_place():
    reader = Reader(
        "Text", "see https://x.example/{{contact.city}}?b={{contact.city}} or {{contact.city}}", Names(NAMES)
    )
    assert [item[1] for item in place_plain(reader.read()) if not isinstance(item, str)] == [
        "link",
        "link",
        "text",
    ]


def test_a_template_that_grows_too_large_is_refused():
    source = EmailSource(subject="x", html="<p>" + "{{contact.city}}" * 9000 + "</p>")
    assert "more than 2000 tags" in faults_of(source)[0][2]
    made = compile_source(
        EmailSource(subject="x", html="<p>" + "{{contact.city}}" * 1900 + "</p>"), names=NAMES, sender=SENDER
    )
    assert "larger" in check(made.data)
