"""The dialect: every helper with the vendor's own examples, inline and as a block, and how mistakes are told."""

from binascii import a2b_qp
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.messenger.projects.letters import (
    LINK,
    NAMES,
    body_of,
    faults_of,
    html_of,
    letter,
    made,
    sms_of,
    text_of,
)

from tandem.messenger.projects import dates
from tandem.messenger.projects.conditions import condition
from tandem.messenger.projects.domain import EmailSource, SmsSource
from tandem.messenger.projects.emit import Emitter, place_plain
from tandem.messenger.projects.handlebars import Reader
from tandem.messenger.projects.parts import Part
from tandem.messenger.projects.tags import Names

ANNA = {"firstname": "anna", "city": "Lund", "dateofbirth": "1985-03-07", "bonuslevel": "150"}
LEVELS = (
    '{{#switch contact.bonusLevel}}{{#compare ">" 100}}Goldmember{{/compare}}'
    '{{#compare "<" 100}}Silvermember{{/compare}}{{#default}}New{{/default}}{{/switch}}'
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{{contact.firstName}}", "anna"),
        ("{{CONTACT.firstname}}", "anna"),
        ("{{contact.[firstName]}}", "anna"),
        ("{{capitalize contact.firstName}}", "Anna"),
        ("{{#capitalize}}{{contact.firstName}}{{/capitalize}}", "Anna"),
        ("{{lower contact.city}}", "lund"),
        ("{{upper contact.firstName}}", "ANNA"),
        ("{{#upper}}hi {{contact.firstName}}{{/upper}}", "HI ANNA"),
        ("{{#UPPER}}hi{{/Upper}}", "HI"),
        ('{{date "d MM. yyyy" contact.dateOfBirth}}', "7 03. 1985"),
        ('{{date contact.dateOfBirth "MM/dd yyyy"}}', "03/07 1985"),
        ("{{#upper}}{{date 'd MMM' contact.dateOfBirth}}{{/upper}}", "7 MAR"),
        ('{{print contact.link "no value specified"}}', "no value specified"),
        ('{{print contact.firstName "no value specified"}}', "anna"),
        ("{{#print contact.link}}<b>none</b>{{/print}}", "<b>none</b>"),
        (LEVELS, "Goldmember"),
        ("{{urlEncode contact.city}}", "Lund"),
        ("!!First_Name!!", "anna"),
        ("{{snippet 'greeting'}}", "Dear anna,"),
        ('{{Snippet "GREETING"}}', "Dear anna,"),
        ("{{trigger.bonusLevel}}|{{message.bonusLevel}}", "9|9"),
        ("{{trigger.unheardOf}}", "of this message"),
    ],
)
def test_the_helpers(written, shown):
    values = {**ANNA, "trigger.bonuslevel": "9", "trigger.unheardof": "of this message"}
    assert body_of(written, values, snippets={"Greeting": "Dear {{contact.firstName}},"}) == shown


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("150", "Goldmember"),
        ("99.5", "Silvermember"),
        ("100", "New"),
        ("", "New"),
        ("gold", "New"),
        ("-3", "Silvermember"),
    ],
)
def test_switch_takes_the_first_that_holds(level, shown):
    assert body_of(LEVELS, {"bonuslevel": level}) == shown
    assert sms_of(LEVELS, {"bonuslevel": level}) == shown


@pytest.mark.parametrize(
    ("operator", "operand", "value", "holds"),
    [
        (">", "100", "100.01", True), (">", "100", "100", False), (">=", "100", "100.0", True), ("<", "9", "10", False),
        ("<=", "10", "9", True), ("=", "1.0", "1", True), ("==", "gold", "gold", True), ("=", "gold", "Gold", False),
        ("!=", "gold", "", True), ("!=", "", "", False), ("=", "", " ", True), ("<", "100", "", False),
        (">", "b", "c", True), (">", "b", "7", False), ("<", "2026-05-01", "2026-04-30", True),
        ("=", "9007199254740993", "9007199254740992", False), ("&gt;=", "3", "4", True),
    ],
)  # fmt: skip
def test_comparisons(operator, operand, value, holds):
    written = (
        '{{#switch contact.city}}{{#compare "%s" "%s"}}yes{{/compare}}{{#default}}no{{/default}}{{/switch}}'
    )
    assert sms_of(written % (operator, operand), {"city": value}) == ("yes" if holds else "no")


@settings(max_examples=examples(60), deadline=None)
@given(st.decimals(-(10**6), 10**6, places=2), st.decimals(-(10**6), 10**6, places=2))
def test_numbers_compare_as_numbers(left: Decimal, right: Decimal):
    for operator, holds in {
        ">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right, "=": left == right,
        "!=": left != right,
    }.items():  # fmt: skip
        assert condition(operator, str(right))(str(left)) is holds


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("d MM. yyyy", "7 03. 1985"), ("MM/dd yyyy", "03/07 1985"), ("dd.MM.yy", "07.03.85"),
        ("EEEE d MMMM y", "Thursday 7 March 1985"), ("EEE, MMM d", "Thu, Mar 7"), ("'the' d'th'", "the 7th"),
        ("d '''o''clock'", "7 'o'clock"), ("D w u", "66 10 4"), ("H:mm", "0:00"), ("hh 'o''clock' a", "12 o'clock AM"),
        ("yyyyMMdd", "19850307"),
    ],
)  # fmt: skip
def test_patterns_of_dates(pattern, shown):
    assert dates.shown(pattern, "1985-03-07") == shown


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-11-23T16:05:09+01:00", "23.11. 16:05:09 4 PM"), ("2026-11-23 00:05:09.5", "23.11. 00:05:09 12 AM"),
        ("", ""), ("soon", "soon"), ("2026-02-30", "2026-02-30"), ("1/2/2026", "1/2/2026"),
    ],
)  # fmt: skip
def test_what_is_stored_as_a_date(stored, shown):
    assert dates.shown("dd.MM. HH:mm:ss h a", stored) == shown


@settings(max_examples=examples(60), deadline=None)
@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_date_is_read_back_from_its_pattern(day):
    year, month, number = dates.shown("yyyy|M|d", day.isoformat()).split("|")
    assert date(int(year), int(month), int(number)) == day
    assert dates.shown("EEEE", (day + timedelta(days=7)).isoformat()) == dates.shown("EEEE", day.isoformat())


@pytest.mark.parametrize(
    ("href", "value", "leads_to"),
    [
        ("https://x.example/{{contact.city}}", "a b/c&d", "https://x.example/a%20b%2Fc%26d"),
        ("{{noEncode contact.linkTarget}}", "https://y.example/?a=1&b=2", "https://y.example/?a=1&amp;b=2"),
        ("{{noEncode contact.linkTarget}}", "javascript:alert(1)", "#"),
        ("https://x.example/?q={{urlEncode contact.city}}", "å", "https://x.example/?q=%C3%A5"),
        ('https://x.example/{{print contact.link "a b"}}', "x", "https://x.example/a%20b"),
        ('https://x.example/{{date "yyyy/MM" contact.dateOfBirth}}', "2026-05-01", "https://x.example/2026%2F05"),
        ("{{message.unsubscribeUrl}}", "x", LINK),
        ("https://x.example/{{#switch contact.city}}{{#compare '=' 'a'}}A{{/compare}}{{/switch}}Z", "a", "https://x.example/AZ"),
    ],
)  # fmt: skip
def test_links_lead_where_they_should(href, value, leads_to):
    values = {name: value for name in ("city", "linktarget", "dateofbirth")}
    quote = "'" if '"' in href else '"'
    assert f'href="{leads_to}"' in body_of(f"<a href={quote}{href}{quote}>x</a>", values)


def test_a_case_block_leaves_addresses_alone():
    written = (
        '{{#upper}}<a href="https://x.example/Path/{{contact.city}}/End" title="{{contact.city}}">go &eacute;</a>'
        "{{/upper}}"
    )
    message = letter(EmailSource(subject="x", html=written), {"city": "Lund"})
    assert 'href="https://x.example/Path/Lund/End" title="Lund">GO' in html_of(message)
    assert "https://x.example/Path/Lund/End" in text_of(message)
    assert sms_of(
        "{{#upper}}see https://x.example/Path/{{contact.city}}/End now{{/upper}}", {"city": "Lund"}
    ) == ("SEE https://x.example/Path/Lund/End NOW")


def test_blocks_around_sections_of_mjml():
    section = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
    body = (
        f"{{{{#switch contact.bonusLevel}}}}\n {{{{#compare '>' 100}}}}{section.format('Gold')}{{{{/compare}}}}\n"
        f" {{{{#default}}}}{section.format('Plain')}{{{{/default}}}} {{{{/switch}}}}"
    )
    source = EmailSource(subject="x", mjml=f"<mjml><mj-body>{body}</mj-body></mjml>")
    gold, plain = (letter(source, {"bonuslevel": level}) for level in ("150", ""))
    assert ("Gold" in html_of(gold), "Plain" in html_of(gold), "Gold" in text_of(gold)) == (True, False, True)
    assert ("Gold" in html_of(plain), "Plain" in html_of(plain)) == (False, True)


@pytest.mark.parametrize(
    ("written", "column", "words"),
    [
        ("{{#switch contact.city}}{{/switch}}", 1, "needs a {{#compare"),
        ("{{#switch contact.city}}x{{#default}}{{/default}}{{/switch}}", 1, "Move 'x'"),
        ("{{#switch contact.city}}{{contact.city}}{{/switch}}", 25, "stands in a {{#compare}}"),
        ("{{#switch contact.city}}{{#upper}}x{{/upper}}{{/switch}}", 25, "stands in a {{#compare}}"),
        ("{{#compare '>' 1}}x{{/compare}}", 1, "directly inside {{#switch"),
        ("{{#default}}x{{/default}}", 1, "directly inside {{#switch"),
        ("{{#switch contact.city}}{{#default}}a{{/default}}{{#compare '=' 1}}b{{/compare}}{{/switch}}", 50, "the last"),
        ("{{#switch contact.city}}{{#compare '~' 1}}b{{/compare}}{{/switch}}", 25, "'~' is not known"),
        ("{{#switch contact.city}}{{#compare '=' gold}}b{{/compare}}{{/switch}}", 25, "in quotes"),
        ("{{#switch}}{{/switch}}", 1, "Write {{#switch contact.name}}"),
        ("{{#upper contact.city}}x{{/upper}}", 1, "without anything else"),
        ("{{date contact.dateOfBirth}}", 1, 'Write {{date "d MMMM yyyy"'),
        ("{{date 'd' 'M'}}", 1, 'Write {{date "d MMMM yyyy"'),
        ("{{date 'Q' contact.dateOfBirth}}", 1, "'Q' of the date pattern"),
        ('{{date "d \'x" contact.dateOfBirth}}', 1, "apostrophe"),
        ("{{snippet greeting}}", 1, "Write {{snippet 'name'}}"),
        ("{{snippet 'greetin'}}", 1, "Did you mean 'greeting'?"),
        ("{{snippet 'loop'}}", 1, "contains itself"),
        ("{{firstName}}", 1, "Write {{contact.firstName}}"),
        ("{{else}}", 1, "not known"),
        ("{{order.total}}", 1, "not known"),
    ],
)  # fmt: skip
def test_mistakes_are_told(written, column, words):
    found = faults_of(SmsSource(text=written), snippets={"greeting": "Hi", "loop": "{{snippet 'loop'}}"})
    assert [(line, at) for _, line, at, _ in found][:1] == [(1, column)]
    assert words in found[0][3]


def test_a_mistake_in_a_snippet_is_told_where_it_is():
    found = faults_of(
        SmsSource(text="{{snippet 'a'}}"), snippets={"a": "one\n {{snippet 'b'}}", "b": "x\n{{contact.no}}"}
    )
    assert found[0][:3] == ("Snippet 'b'", 2, 1)


def test_a_snippet_closes_what_it_opens():
    found = faults_of(SmsSource(text="{{snippet 'a'}}x{{/upper}}"), snippets={"a": "{{#upper}}"})
    assert found[0][:3] == ("Snippet 'a'", 1, 1)


def test_a_property_that_only_the_message_brings_is_remarked():
    assert "unless the message brings" in made(SmsSource(text="a {{trigger.unheardOf}}")).warnings[0]


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("<mjml>\n<mj-body>\n <mj-text>x</mj-txt>\n</mj-body></mjml>", 3, 12, "Did you mean <mj-text>?"),
        ("<mjml><mj-body>\n<mj-section><mj-column></mj-section></mj-column></mj-body></mjml>", 2, 24, "Close </mj-co"),
        ("<mjml>\n<mj-body><mj-section></mj-section>", 2, 1, "<mj-body> is not closed"),
        ("<mjml><mj-body>{{contact.city}}\n<mj-text color=red>x</mj-text></mj-body></mjml>", 2, 1, "value of color"),
        ("<mjml><mj-body><mj-include path='a'/></mj-body></mjml>", 1, 16, "Use a snippet"),
        ("<mjml><mj-body></mj-head>", 1, 16, "Close </mj-body> first"),
        ("<p>mj</p>", 1, 1, "MJML begins with <mjml>"),
        ("<mjml><mj-body", 1, 7, "does not end"),
        ("<mjml><mj-body>{{snippet 'cell'}}</mj-body></mjml>", 2, 1, "<mj-colum> is no tag"),
    ],
)  # fmt: skip
def test_mistakes_of_mjml_have_their_place(source, line, column, words):
    found = faults_of(
        EmailSource(subject="x", mjml=source),
        snippets={"cell": "<mj-section>\n<mj-colum></mj-colum></mj-section>"},
    )
    assert [found[0][1:3], words in found[0][3]] == [(line, column), True]


def test_links_are_named_and_tagged():
    html = (
        '<a href="https://shop.example/a?x={{contact.city}}">To the <b>shop</b></a>'
        '<a href="https://shop.example/b" data-name="Second" data-tags="news, sale,news"><img src="x.png"></a>'
        '<a href="https://shop.example/c"><img src="x.png" alt="A cup"></a><a href="{{noEncode contact.link}}"></a>'
        '<a href="{{message.unsubscribeUrl}}">Off</a><a href="#top">Up</a><a href="mailto:a@b.example">Write</a>'
    )
    links = made(EmailSource(subject="x", html=html)).links
    assert [(link.number, link.name, link.target, link.tags) for link in links] == [
        (1, "To the shop", "https://shop.example/a?x={{contact.city}}", ()),
        (2, "Second", "https://shop.example/b", ("news", "sale")),
        (3, "A cup", "https://shop.example/c", ()),
        (4, "{{noEncode contact.link}}", "{{noEncode contact.link}}", ()),
    ]


def test_styles_are_inlined_and_rules_for_phones_kept():
    style = "<style>p{color:red} @media (max-width:400px){p{color:blue}}</style>"
    html = f"<html><head>{style}</head><body><p>x</p></body></html>"
    shown = html_of(letter(EmailSource(subject="x", html=html)))
    assert '<p style="color: red;">' in shown
    assert "@media" in shown


PIECES = st.sampled_from(
    [
        "Hi { there } ", "{{contact.city}}", "{{upper contact.city}}", "{% if %}",
        '{{print contact.firstName "a { b"}}',
        "{{#print contact.city}}none {{contact.firstName}}{{/print}}", LEVELS, "{{date 'd MMM' contact.dateOfBirth}}",
        "{{#lower}}ABC {{contact.firstName}}{{/lower}}", "long enough to be a chunk of its own, and a little more\n",
    ]
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(PIECES, min_size=1, max_size=8),
    st.sampled_from(["", "anna", "<å>"]),
    st.sampled_from(["", "150", "7"]),
)
def test_the_plain_course_and_the_engine_agree_on_choices(pieces, word, level):
    values = {"firstname": word, "city": word[:2], "bonuslevel": level, "dateofbirth": "1985-03-07"}
    for chunked in (True, False):
        read = Reader("Text", "".join(pieces), Names(NAMES)).read()
        part = Part(Emitter(html=False, chunked=chunked).emit(place_plain(read)))
        plain = (part.encoded(values, b"x"), part.render(values))
        part._course = part._words = None
        assert a2b_qp(plain[0]) == a2b_qp(part.encoded(values, b"x"))
        assert chunked or plain[1] == part.render(values)
