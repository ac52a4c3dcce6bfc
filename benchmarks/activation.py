"""Activation of a 100 kB email: compiled and tried out in a child, fields counted over n contacts (at most 100 000)."""

import os
import statistics
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks import measure, send

HALF = "messenger"
MOST = 100_000
TIMES = 15
SIZE = 100 * 1024
_ROW = (
    '<tr><td class="thing"><a href="https://shop.example/item/{number}?from=letter">Item number {number}</a></td>'
    '<td class="words">One of the things that many people like you chose this week. {value} Price &euro; {number}.90'
    "</td></tr>\n"
)
_VALUES = (
    "{{contact.firstName}}",
    "{{upper contact.city}}",
    '{{print contact.level "new"}}',
    "{{#switch contact.level}}{{#compare '=' 'gold'}}Gold{{/compare}}{{#default}}New{{/default}}{{/switch}}",
    "{{date 'd MMMM' contact.dateOfBirth}}",
)
_HEAD = (
    "<!doctype html><html><head><style>.thing{padding:4px 8px;color:#234} .words{padding:4px;line-height:1.4} "
    "a{color:#06c;text-decoration:none} h1{font-size:24px} @media (max-width:480px){.words{display:block}}</style>"
    "</head><body><h1>Hello {{contact.firstName}}</h1><table>"
)
_FOOT = '</table><p><a href="{{message.unsubscribeUrl}}">Unsubscribe</a></p></body></html>'


def source() -> str:
    """100 kB of HTML: rows with a link and a value each, a style sheet, a switch in every fifth row."""
    rows, size, number = [], len(_HEAD) + len(_FOOT), 0
    while size < SIZE:
        rows.append(_ROW.format(number=number, value=_VALUES[number % len(_VALUES)] if number % 2 else ""))
        size, number = size + len(rows[-1]), number + 1
    return _HEAD + "".join(rows) + _FOOT


def run(n: int) -> dict[str, Any]:
    """Activate drafts of one trigger, one after another; what was stored is looked at."""
    from tandem.kit import clock
    from tandem.messenger.projects import service as projects
    from tandem.messenger.projects.domain import EmailSource

    now, html = clock.from_environment(), source()
    contacts = min(n, MOST)
    account_id, trigger_id = _prepared(contacts, now)
    drafts = [
        projects.save_draft(
            account_id, trigger_id, EmailSource(subject=f"Letter {number}", html=html), clock=now
        )
        for number in range(TIMES)
    ]
    spent = []
    with measure.part():
        for draft in drafts:
            before = time.perf_counter()
            projects.activate(account_id, draft.id, clock=now)
            spent.append((time.perf_counter() - before) * 1000)
    words = _checked(account_id, drafts[-1].id, contacts, html)
    return {
        "bytes": len(html),
        "contacts": contacts,
        "ms_median": round(statistics.median(spent), 1),
        "ms_worst": round(max(spent), 1),
        "cpu_ms_each": round(measure.figures()["cpu_s"] / TIMES * 1000, 1),
        "load": round(os.getloadavg()[0], 1),
        "peer": f"Django's Template compiles and renders the same once, without styles, text part, checks and child: "
        f"{_peer(html):.1f} ms",
        "checked": words,
    }


def _prepared(contacts: int, now: Any) -> tuple[int, int]:
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.contacts import service as people
    from tandem.messenger.projects import service as projects

    account = accounts.create_account(
        name=f"benchmark activation {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}", zone="UTC"
    )
    listed = people.create_list(account.id, name="People", clock=now)
    people.define_property(account.id, name="level", clock=now)
    people.import_file(account.id, listed.id, send.contact_file(contacts), clock=now)
    project = projects.create_project(
        account.id, name="Letters", from_name="Shop", from_address="news@shop.example", clock=now
    )
    trigger = projects.create_trigger(
        account.id, project_id=project.id, list_id=listed.id, name="Week", channel="email", clock=now
    )
    return account.id, trigger.id


def _checked(account_id: int, version_id: int, contacts: int, html: str) -> str:
    from tandem.messenger.projects import service as projects

    version = projects.get_version(account_id, version_id)
    links = projects.links_of(account_id, version_id)
    compiled = projects.compiled_version(account_id, version_id)
    shown, text = compiled.readable({"firstname": "Åsa", "level": "gold"}, "https://tracking.example/u/x")
    lacks = {lack.name: lack.contacts for lack in version.lacking.lacks} if version.lacking else {}
    rows = html.count("<tr>")
    right = (
        version.state,
        len(links),
        lacks.get("dateofbirth"),
        shown.count("<tr>"),
        text.count("Item number"),
    )
    if right != ("active", min(rows, 500), contacts, rows, rows):
        raise SystemExit(f"The version is not what was written: {right}")
    return f"active, {len(links)} links named, {rows} rows in HTML and text part, {contacts} contacts lack dateOfBirth"


def _peer(html: str) -> float:
    import re

    from django.template import engines

    plain = re.sub(r"\{\{[#/].*?\}\}|\{\{\w+ [^}]*\}\}", "{{ contact.city }}", html)
    before = time.perf_counter()
    engines["django"].from_string(plain).render({"contact": {"firstName": "Åsa", "city": "Lund"}})
    return (time.perf_counter() - before) * 1000
