"""Templates and values of someone who means harm: nothing gets out, nothing takes more than its budget."""

import json
import resource
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.messenger.projects.fuzz import CORPUS, KINDS, tried
from tests.messenger.projects.letters import NAMES, SENDER, faults_of, html_of, letter, sms_of, text_of

from tandem.messenger.projects import trial
from tandem.messenger.projects.compiler import compile_source
from tandem.messenger.projects.domain import EmailSource, SmsSource
from tandem.messenger.projects.errors import TemplateWrong

SNIPPETS = {
    "self": "{{snippet 'self'}}",
    "a": "{{snippet 'b'}}",
    "b": "{{snippet 'a'}}",
    **{f"deep{n}": f"{{{{snippet 'deep{n + 1}'}}}}" for n in range(9)},
    "deep9": "x",
    **{f"wide{n}": f"{{{{snippet 'wide{n + 1}'}}}}" * 20 for n in range(4)},
    "wide4": "0123456789" * 2000,
    "open": "<b title='",
    "half": "{{contact.",
}

#: what a template may say to reach Python, the engine, files, other people's data or the server's time
ESCAPES = [
    "{{7*7}}",
    "{{ ''.__class__.__mro__ }}",
    "{{contact.__class__}}",
    "{{contact.firstName.__class__}}",
    "{{contact['__class__']}}",
    "{{self}}",
    "{{config}}",
    "{{request.user}}",
    "{{range(10)}}",
    "{{lipsum()}}",
    "{{cycler.__init__.__globals__}}",
    "{{constructor.constructor('x')()}}",
    "{{this}}",
    "{{@root}}",
    "{{../contact.city}}",
    "{{contact.city|upper}}",
    "{{contact.city.upper()}}",
    "{{#each contact}}{{this}}{{/each}}",
    "{{#with contact}}{{city}}{{/with}}",
    "{{lookup contact 'city'}}",
    "{{> file}}",
    "{{>/etc/passwd}}",
    "{{{contact.city}}}",
    "{{& contact.city}}",
    "{{#if contact.city}}x{{/if}}",
    "{{else}}",
    "{{print (contact.city)}}",
    "{{log contact}}",
    "{{snippet contact.city}}",
    "{{snippet '../../etc/passwd'}}",
    "{{snippet 'self'}}",
    "{{snippet 'a'}}",
    "{{snippet 'deep0'}}",
    "{{snippet 'half'}}firstName}}",
    "{{date '%x' contact.city}}",
    "{{date 'd' '2020-01-01'}}",
    "{{upper 'x'}}",
    "{{noEncode 'javascript:x'}}",
    "{{e0}}",
    "{{t0}}",
    "{{contact.{{contact.city}}}}",
    "{{#switch contact.city}}{{#compare '>' contact.city}}x{{/compare}}{{/switch}}",
    "{{include 'x'}}",
    "{{import os}}",
    "{{message.to}}{{account.secret}}",
    "{{settings.SECRET_KEY}}",
    "{{contact.city;contact.link}}",
    "{{\x00contact.city}}",
]
#: what looks like another language's code, and must come out as it was written
PLAIN = [
    "{% include 'x' %}",
    "{% set x = 1 %}{% for i in range(9) %}",
    "{# remark #}",
    "${7*7}",
    "<%= 7*7 %>",
    "#{7*7}",
    "%(x)s",
    "{0.__class__}",
    "[[contact.city]]",
    "{ {contact.city} }",
    "{%raw%}",
    "@import",
    "$contact.city",
]


@pytest.mark.parametrize("written", ESCAPES)
def test_nothing_but_the_dialect_is_understood(written):
    for source in (SmsSource(text=f"a {written}"), EmailSource(subject="x", html=f"<p>{written}</p>")):
        assert faults_of(source, snippets=SNIPPETS) != []


@pytest.mark.parametrize("written", PLAIN)
def test_other_languages_are_only_words(written):
    assert sms_of(written) == written.strip()
    assert written.replace("<%= 7*7 %>", "7*7") in html_of(
        letter(EmailSource(subject="x", html=f"<p>{written}</p>"))
    ).replace("&lt;", "<").replace("&gt;", ">")


SIZES = {
    "many tags": "<p>" + "{{contact.city}}" * 1999 + "</p>",
    "too many tags": "{{contact.city}}" * 30_000,
    "open tags": "{{" * 200_000,
    "open blocks": "{{#upper}}" * 1_900,
    "deep blocks": "{{#upper}}" * 900 + "x" + "{{/upper}}" * 900,
    "nested switches": "{{#switch contact.city}}{{#compare '=' 1}}" * 40
    + "x"
    + "{{/compare}}{{/switch}}" * 40,
    "wide snippets": "{{snippet 'wide0'}}",
    "long words": "{{print contact.city '" + "x" * 300_000 + "'}}",
    "long name": "{{contact." + "x" * 300_000 + "}}",
    "old tags": "!!a" * 150_000,
    "marks": "!" * 500_000,
    "conditional comments": "<!--[if" * 70_000,
    "comments": "<!--" * 120_000,
    "open elements": "<a" * 200_000,
    "elements": "<i>" * 150_000,
    "misnested": "<b><i>" * 40_000,
    "tables": "<table>" * 60_000,
    "templates": "<template>" * 50_000,
    "selects": "<select><option>" * 30_000,
    "attributes": "<a " + 'x="1" ' * 80_000 + ">",
    "one attribute": '<a href="' + "x" * 500_000 + '">',
    "entities": "&amp;" * 100_000,
    "quotes": "<a href='" * 50_000,
    "styles": "<style>" + "p{color:red}" * 40_000 + "</style><p>x</p>",
    "selectors": "<style>" + ":not(" * 20_000 + "p{}</style><p>x</p>",
    "many rules for many": "<style>"
    + "".join(f".c{n} b{{margin:{n}px}}" for n in range(8_000))
    + "</style>"
    + "<b>x</b>" * 15_000,
    "brackets": "<style>" + "{" * 200_000 + "</style>",
    "too large": "x" * 600_000,
    "not ascii": "å" * 500_000,
    "breaks": "\n" * 500_000,
}
MJML_SIZES = {
    "sections": "<mjml><mj-body>" + "<mj-section><mj-column>" * 20_000,
    "wrapped": "<mjml><mj-body>" + "<mj-wrapper>" * 15_000 + "</mj-wrapper>" * 15_000 + "</mj-body></mjml>",
    "raw": "<mjml><mj-body><mj-raw>" + "<div>" * 80_000 + "</mj-raw></mj-body></mjml>",
    "text": "<mjml><mj-body><mj-section><mj-column><mj-text>"
    + "<b>" * 100_000
    + "</mj-text></mj-column></mj-section></mj-body></mjml>",
    "columns": "<mjml><mj-body><mj-section>"
    + "<mj-column></mj-column>" * 15_000
    + "</mj-section></mj-body></mjml>",
    "included": '<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>',
    "fonts": '<mjml><mj-head><mj-font name="x" href="http://127.0.0.1:9/x.css" /></mj-head><mj-body></mj-body></mjml>',
}


@pytest.mark.parametrize("kind", [*SIZES, *(f"mjml {kind}" for kind in MJML_SIZES)])
def test_no_template_takes_more_than_its_budget(kind):
    is_mjml = kind.startswith("mjml ")
    text = MJML_SIZES[kind.removeprefix("mjml ")] if is_mjml else SIZES[kind]
    source = EmailSource(subject="x", mjml=text if is_mjml else "", html="" if is_mjml else text)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    before, clock = spent.ru_utime + spent.ru_stime, time.monotonic()
    try:
        made = trial.make(source, names=NAMES, sender=SENDER, snippets=SNIPPETS)
    except TemplateWrong as wrong:
        assert 0 < len(wrong.problems) <= 40
        assert all(len(fault.words) < 400 for fault in wrong.problems)
    else:
        assert len(made.links) <= 500
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before < trial.CPU_SECONDS + 1.5
    assert time.monotonic() - clock < trial.WALL_SECONDS + 2
    assert after.ru_maxrss * 1024 < trial.MEMORY


def test_a_child_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(trial, "WALL_SECONDS", 0.01)
    with pytest.raises(TemplateWrong) as told:
        trial.make(SmsSource(text="Hi"), names=NAMES, sender=SENDER)
    assert "too much memory or time" in told.value.problems[0].words


#: what a contact's attribute may hold
VALUES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "{{contact.link}}",
    "{% x %}",
    "{{7*7}}",
    "\ue0000\ue001",
    "\ue0001\ue001",
    "\x01",
    "\x02",
    "\x00",
    "=3D=0A",
    "--=_tandem_alternative--",
    "\r\n.\r\nMAIL FROM:<x>",
    "\n\nContent-Type: text/html\n\n<b>",
    "javascript:alert(1)",
    "data:text/html,x",
    "JaVaScRiPt:x",
    " javascript:x",
    "vbscript:x",
    "https://x.example/ onclick=x",
    "\u202e",
    "\ud800",
    "a" * 10_000,
    "&lt;",
    "<!--",
    "-->",
    "]]>",
    "e0",
    "t0",
]
PLACES = (
    '<p title="{{contact.city}}">{{contact.city}}</p><a href="{{noEncode contact.city}}">a</a>'
    '<a href="https://x.example/{{contact.city}}?a={{noEncode contact.city}}">b</a>'
    '<img src="{{noEncode contact.city}}" alt="c">'
    "<p>{{#upper}}{{contact.city}}{{/upper}}{{date 'd' contact.city}}{{#print contact.city}}none{{/print}}</p>"
)


class Shape(HTMLParser):
    """The elements and names of attributes of a page, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value for name, value in attrs if name in ("href", "src")]


def shape_of(value):
    html = html_of(letter(EmailSource(subject="{{contact.city}}", html=PLACES), {"city": value}))
    return Shape(html)


@pytest.mark.parametrize("value", VALUES)
def test_no_value_becomes_markup_code_or_a_header(value):
    shape = shape_of(value)
    assert shape.tags == shape_of("Lund").tags
    assert all(link == "#" or link.startswith(("https://", "http://")) for link in shape.links)
    message = letter(EmailSource(subject="{{contact.city}}", html=PLACES), {"city": value})
    assert sorted(message.keys()) == sorted(letter(EmailSource(subject="x", html=PLACES), {}).keys())
    assert len(list(message.iter_parts())) == 2


@settings(max_examples=examples(60), deadline=None)
@given(st.text(max_size=60))
def test_no_random_value_changes_the_shape(value):
    shape = shape_of(value)
    assert shape.tags == shape_of("Lund").tags
    assert all(
        link == "#" or link.startswith(("https://", "http://", "mailto:", "tel:")) for link in shape.links
    )


GRAMMAR = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "#",
            "/",
            "contact.city",
            "contact.",
            "upper",
            "switch",
            "compare",
            "default",
            "print",
            "date",
            "snippet",
            "'",
            '"',
            "'d'",
            ">",
            "=",
            " ",
            "<p>",
            "</p>",
            "<a href='",
            "<!--",
            "-->",
            "!!",
            "!!City!!",
            "\n",
            "x",
            "{",
            "<style>",
            "&",
            "message.unsubscribeUrl",
            "'greeting'",
            "<table><tr>",
            "@q0@",
            "\ue0000\ue001",
        ]
    ),
    max_size=25,
)


@settings(max_examples=examples(150), deadline=None)
@given(GRAMMAR)
def test_any_heap_of_words_compiles_or_is_refused_with_a_place(words):
    text = "".join(words)
    for source in (SmsSource(text=text), EmailSource(subject="x", html=text)):
        try:
            made = compile_source(source, names=NAMES, sender=SENDER, snippets={"greeting": "Hi"})
        except TemplateWrong as wrong:
            assert all(fault.line >= 1 and fault.column >= 1 and fault.words for fault in wrong.problems)
        else:
            assert trial.check(made.data) == "" or "empty" in trial.check(made.data)


KEPT = json.loads(CORPUS.read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_what_fuzzing_kept_behaves(kind):
    for text in KEPT[kind]:
        tried(text, kind)


def test_a_tool_that_panics_is_a_fault_not_an_end():
    found = faults_of(EmailSource(subject="x", mjml="<mjml><mj-body></mj-body></mjml><!--[if x"))
    assert "comment or a tag that does not end" in found[0][3]


def test_the_text_part_has_no_tags_of_values():
    message = letter(EmailSource(subject="x", html="<p>{{contact.city}}</p>"), {"city": "a <b> c"})
    assert text_of(message).strip() == "a <b> c"


def test_only_so_many_are_compiled_at_a_time(monkeypatch):
    monkeypatch.setattr(trial, "WALL_SECONDS", 0.01)
    with trial._ROOM, trial._ROOM, pytest.raises(TemplateWrong) as told:
        trial.make(SmsSource(text="Hi"), names=NAMES, sender=SENDER)
    assert "Try again in a moment" in told.value.problems[0].words
    monkeypatch.undo()
    assert trial.make(SmsSource(text="Hi"), names=NAMES, sender=SENDER).warnings == ()


@pytest.mark.parametrize(
    "word", ["@</a>q0z0@", "@q0z0@", "@q0z</a>7@", "<!--@q0z0@-->", "&lt;!--@q0z0@--&gt;", "@q</a>0z9@"]
)
def test_a_text_cannot_pass_for_a_tag(word):
    shown = html_of(
        letter(EmailSource(subject="x", html=f"<p>{word} {{{{contact.city}}}}</p>"), {"city": "Lund"})
    )
    assert shown.count("Lund") == 1
