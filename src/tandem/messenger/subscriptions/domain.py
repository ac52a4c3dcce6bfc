"""Rules of the pages: which language, whose words, which addresses of pages elsewhere are taken."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from urllib.parse import quote, urlsplit

LANGUAGES = ("en", "sv", "nb", "da", "fi", "de", "fr", "es", "nl", "it", "pl")
#: countries where one of the languages is most people's; where several are, the browser decides
COUNTRIES: Mapping[str, str] = {
    "SE": "sv", "NO": "nb", "DK": "da", "FI": "fi", "DE": "de", "AT": "de", "LI": "de", "FR": "fr", "ES": "es",
    "MX": "es", "AR": "es", "CL": "es", "CO": "es", "PE": "es", "NL": "nl", "IT": "it", "PL": "pl", "GB": "en",
    "IE": "en", "US": "en", "AU": "en", "NZ": "en",
}  # fmt: skip
_SAME = {"no": "nb", "nn": "nb"}
MOST_HEADING, MOST_TEXT, MOST_URL = 200, 2000, 500
#: what an address elsewhere may ask for
SLOTS = ("originalId", "listId", "unsubscribeUrl")
_SLOT = re.compile(r"\{(\w*)\}")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


@dataclass(frozen=True, kw_only=True)
class OwnWords:
    """A heading and a text of the sender's own; empty = the usual ones."""

    heading: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """What one level (account, list or project) says of its unsubscribe page. Empty = the next level decides."""

    external_url: str = ""
    language: str = ""
    words: Mapping[str, OwnWords] = field(default_factory=dict)


@cache
def words_of(language: str) -> Mapping[str, str]:
    """The pages' words in one of LANGUAGES."""
    file = resources.files(__package__).joinpath("words", f"{language}.json")
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found


def language_named(text: str) -> str:
    """The language of a tag such as `sv`, `nn-NO` or `de_AT`; '' if there are no pages in it."""
    code = re.split(r"[-_;,]", text.strip().lower(), maxsplit=1)[0]
    code = _SAME.get(code, code)
    return code if code in LANGUAGES else ""


def accepted_language(header: str) -> str:
    """The best language of an Accept-Language header (RFC 9110), '' if none fits."""
    ranked = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.partition(";q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            continue
        if value > 0 and (language := language_named(tag)):
            ranked.append((-value, place, language))
    return min(ranked)[2] if ranked else ""


def chosen_language(*, asked: str, attribute: str, country: str, header: str, usual: str) -> str:
    """Asked for on the page, then the person's attribute or country, then the browser's, then the account's."""
    return (
        language_named(asked)
        or language_named(attribute)
        or COUNTRIES.get(country.strip().upper(), "")
        or accepted_language(header)
        or language_named(usual)
        or "en"
    )


def merged(levels: list[PageSettings]) -> PageSettings:
    """What holds, the nearest level first; heading and text each by itself, per language."""
    own = {}
    for language in LANGUAGES:
        said = [level.words[language] for level in levels if language in level.words]
        heading = next((words.heading for words in said if words.heading), "")
        text = next((words.text for words in said if words.text), "")
        if heading or text:
            own[language] = OwnWords(heading=heading, text=text)
    return PageSettings(
        external_url=next((level.external_url for level in levels if level.external_url), ""),
        language=next((level.language for level in levels if level.language), ""),
        words=own,
    )


def address_fault(url: str) -> str:
    """Why a page elsewhere cannot have this address; '' if it can."""
    if len(url) > MOST_URL or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`|'):
        return "The address holds characters that an address cannot, or is too long."
    if any(name not in SLOTS for name in _SLOT.findall(url)) or set(_SLOT.sub("", url)) & set("{}"):
        return f"The address may ask only for {', '.join('{' + slot + '}' for slot in SLOTS)}."
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "This is no address."
    if parts.scheme != "https":
        return "The address must begin with https://."
    if "@" in parts.netloc or "{" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
        return "The address needs the plain name of a host, such as www.shop.example."
    return ""


def filled(url: str, *, original_id: str, list_id: int, unsubscribe_url: str) -> str:
    """The address for one person, every value safe in it."""
    values = {"originalId": original_id, "listId": str(list_id), "unsubscribeUrl": unsubscribe_url}
    return _SLOT.sub(lambda found: quote(values[found[1]], safe=""), url)
