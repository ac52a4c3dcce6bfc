"""The reference message of the benchmarks: 7 kB of HTML and a text part, 9 variables, 15 links; and its recipients."""

import html
import random
from urllib.parse import quote

from tandem.simulators.relay_marks import MARK

NAMES = {
    name.lower(): name
    for name in (
        "firstName",
        "lastName",
        "city",
        "country",
        "level",
        "emailAddress",
        "originalId",
        "zipCode",
        "code",
    )
}
SUBJECT = "{{contact.firstName}}, your week in {{contact.city}}"
_ITEMS = "".join(
    f'<tr><td class="name"><a href="https://shop.example/item/{number}?code={{{{contact.code}}}}">Item number '
    f'{number}</a></td><td class="words">One of the things that many people like you chose this week, and that we '
    f"think fits well with what you have. It comes in a box made of paper, with a leaf that says how it is best "
    f"used, and it may be sent back within thirty days. Price &euro; {number * 7}.90, delivered to "
    f"{{{{contact.city}}}} within three days.</td></tr>\n"
    for number in range(1, 14)
)
HTML = f"""<!doctype html>
<html><head><meta charset="utf-8"><title>Letter</title></head><body>
<h1>{{{{contact.firstName}}}}, this is your week</h1>
<p>Dear {{{{contact.firstName}}}} {{{{contact.lastName}}}} of {{{{contact.country}}}}, your level is
{{{{contact.level}}}}.</p>
<table>{_ITEMS}</table>
<p><a href="https://shop.example/account">Your account</a>: customer {MARK},
{{{{contact.emailAddress}}}}, {{{{contact.zipCode}}}} {{{{contact.city}}}}.</p>
<p><a href="{{{{message.unsubscribeUrl}}}}">Unsubscribe</a></p>
</body></html>
"""
SENDER = ("Shop", "news@shop.example")


def people(count: int) -> list[dict[str, str]]:
    """Values of made-up contacts, Swedish letters and signs of HTML among them."""
    chance = random.Random(3)
    return [person(number, chance) for number in range(count)]


def person(number: int, chance: random.Random) -> dict[str, str]:
    """Values of one made-up contact."""
    return {
        "firstname": f"Åsa {number}",
        "lastname": "Öberg & Son",
        "city": chance.choice(["Malmö", "Oslo", "Aarhus", "Göteborg", "Tampere"]),
        "country": chance.choice(["Sverige", "Norge", "Danmark"]),
        "level": chance.choice(["gold", "silver", "new"]),
        "emailaddress": f"b{number}@people.example",
        "originalid": f"B{number}",
        "zipcode": str(10000 + number % 80000),
        "code": f"WEEK {number}",
    }


def filled(source: str, values: dict[str, str], unsubscribe_url: str) -> str:
    """What the HTML must be, by plain replacement."""
    made = source.replace("code={{contact.code}}", f"code={quote(values['code'], safe='')}")
    for name, label in NAMES.items():
        made = made.replace(f"{{{{contact.{label}}}}}", html.escape(values[name]))
    return made.replace("{{message.unsubscribeUrl}}", html.escape(unsubscribe_url))
