"""Tries random and mutated templates for a while and keeps one input of each new behaviour.

    python -m tests.messenger.projects.fuzz --seconds 600 [--into tests/assets/templates.json]

A behaviour is a kind of fault, a tag of the emitted program, what a value goes through, or two in one.
What is kept is replayed by the tests. All but a compiled program or faults with a place ends the run.
"""

import argparse
import json
import random
import re
import time
from pathlib import Path

from tests.messenger.projects.letters import LINK, NAMES, SENDER

from tandem.messenger.projects import compiled, trial
from tandem.messenger.projects.compiler import compile_source
from tandem.messenger.projects.domain import EmailSource, SmsSource
from tandem.messenger.projects.errors import RenderError, TemplateWrong

CORPUS = Path(__file__).resolve().parents[2] / "assets" / "templates.json"
SNIPPETS = {
    "greeting": "Hi {{contact.firstName}}",
    "cell": "<td>{{contact.city}}</td>",
    "self": "{{snippet 'self'}}",
}
WORDS = [
    "{{",
    "}}",
    "#",
    "/",
    "contact.city",
    "contact.firstName",
    "contact.dateOfBirth",
    "contact.",
    "trigger.code",
    "message.unsubscribeUrl",
    "upper",
    "lower",
    "capitalize",
    "print",
    "switch",
    "compare",
    "default",
    "date",
    "snippet",
    "noEncode",
    "urlEncode",
    "'greeting'",
    "'cell'",
    "'self'",
    '"d',
    'MMM"',
    "'x'",
    ">",
    "<",
    "=",
    "!=",
    ">=",
    "100",
    "!!City!!",
    "!!",
    "!",
    "{",
    "}",
    "<p>",
    "</p>",
    "<table>",
    "<tr>",
    "<td>",
    "</td>",
    "</table>",
    "<a",
    'href="',
    '">',
    "</a>",
    "<img",
    "src='",
    "'>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<!--[if",
    "mso]>",
    "<![endif]-->",
    "<mjml>",
    "<mj-body>",
    "</mj-body>",
    "</mjml>",
    "<mj-section>",
    "</mj-section>",
    "<mj-column>",
    "</mj-column>",
    "<mj-text>",
    "</mj-text>",
    "<mj-button",
    "href='",
    "/>",
    "&",
    "&amp;",
    "&euro;",
    "å",
    "😀",
    "\\",
    "{%",
    "%}",
    "{#",
    "@q0z0@",
    "=",
]
WORDS += [
    " ", "\n", "\t", "\r\n", "\x00", "\x01", "\x02", "\x85", "\u2028", "\ue0000\ue001", "https://x.example/", "mailto:",
    "{{#switch contact.city}}{{#compare '=' 'a'}}A{{/compare}}{{#default}}B{{/default}}{{/switch}}",
    "{{#print contact.city}}none{{/print}}", "{{#upper}}x{{contact.city}}{{/upper}}",
    "{{date 'd MMM' contact.dateOfBirth}}",
    "<mjml><mj-body><mj-section><mj-column><mj-text>", "</mj-text></mj-column></mj-section></mj-body></mjml>",
]  # fmt: skip
KINDS = ("sms", "html", "mjml", "subject")
VALUES = ("", "Lund", "å <b> & \"' {{7*7}} {% x %} \ue0000\ue001 \x01=", "2026-05-01", "150", "x" * 200)


def tried(text: str, kind: str) -> set[str]:
    """Compile and render; the behaviours seen. AssertionError for what must not be."""
    source = {
        "sms": lambda: SmsSource(text=text),
        "html": lambda: EmailSource(subject="x", html=text),
        "mjml": lambda: EmailSource(subject="x", mjml=text),
        "subject": lambda: EmailSource(subject=text, html="<p>x</p>", text=text),
    }[kind]()
    try:
        made = compile_source(source, names=NAMES, sender=SENDER, snippets=SNIPPETS)
    except TemplateWrong as wrong:
        assert wrong.problems
        assert all(fault.line >= 1 and fault.column >= 1 and fault.words for fault in wrong.problems)
        return {f"{kind} refused {_kind_of(fault.words)}" for fault in wrong.problems}
    ready = compiled.load(made.data)
    for value in VALUES:
        _rendered(ready, dict.fromkeys(ready.names, value), has_marks="\ue000" in text)
    parts = [part for part in made.data.values() if isinstance(part, dict) and "template" in part]
    tags = {tag for part in parts for tag in re.findall(r"\{% (\w+)", part["template"])}
    forms = {
        f"{''.join(cases[:1])[:5]}:{encoding}" for part in parts for _, cases, encoding in part["expressions"]
    }
    single = {*tags, *forms, f"{min(len(made.links), 2)} links"}
    pairs = {f"{one} + {other}" for one in single for other in single if one < other}
    return {f"{kind} {one}"[:120] for one in single | pairs}


def _kind_of(words: str) -> str:
    return re.sub(r"['\"{].*|[0-9]+|<[^>]*>", "*", words, flags=re.DOTALL)[:50]


def _rendered(ready: compiled.Compiled, values: dict[str, str], *, has_marks: bool) -> None:
    try:
        if isinstance(ready, compiled.CompiledSms):
            assert "\x01" not in ready.render(values, unsubscribe_url=LINK).text
            return
        trial._once(ready, values)
        html, text = ready.readable(values, LINK)
        for part in (html, text):
            assert has_marks or "\ue000" not in part, "a chunk was not put in"
    except RenderError as error:
        assert "empty" in error.detail or "header" in error.detail, error.detail


def mutated(chance: random.Random, kept: list[str]) -> str:
    """A new input: words at random, or a kept one with words put in, taken out or doubled."""
    if not kept or chance.random() < 0.3:
        return "".join(chance.choices(WORDS, k=chance.randint(1, 20)))
    text = chance.choice(kept)
    for _ in range(chance.randint(1, 4)):
        at, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, at + 30)
        put = (
            chance.choice(WORDS)
            if chance.random() < 0.6
            else text[at:end] * 2
            if chance.random() < 0.4
            else ""
        )
        text = text[:at] + put + text[end if chance.random() < 0.5 else at :]
    return text[:600]


def main() -> None:
    """Run, print what was found, write the corpus."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, default=CORPUS)
    asked = parser.parse_args()
    chance, tries, until = random.Random(asked.seed), 0, time.monotonic() + asked.seconds
    seen: set[str] = set()
    kept: dict[str, list[str]] = {kind: [] for kind in KINDS}
    while time.monotonic() < until:
        kind, tries = chance.choice(KINDS), tries + 1
        text = mutated(chance, kept[kind])
        try:
            found = tried(text, kind)
        except Exception as error:
            raise SystemExit(f"{tries}: {kind} {text!r}: {error!r}") from error
        if found - seen:
            seen |= found
            kept[kind].append(text)
    asked.into.write_text(json.dumps(kept, indent=0) + "\n")
    print(
        f"{tries} templates, {len(seen)} behaviours, {sum(map(len, kept.values()))} kept, none that must not be"
    )


if __name__ == "__main__":
    main()
