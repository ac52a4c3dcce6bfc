"""Who asks, by what it says of itself. People's browsers and mail programs are everything that is not known here."""

import re
from functools import lru_cache

from tandem.messenger.engagement.domain import HIDDEN_LINK, Actor
from tandem.messenger.engagement.networks import Network

#: fetches every picture of every message as it arrives, seen or not
_PRIVACY = re.compile(r"Mozilla/5\.0\Z")
#: fetches a picture when a person opens the message, and hides who: openings like any other
_OPENING_PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy|DuckDuckGo-Image|ProtonMail", re.IGNORECASE)
_MACHINE = re.compile(
    r"bot\b|bot/|spider|crawl|slurp|scan|preview|prefetch|facebookexternalhit|whatsapp|telegram|skypeuri|embedly"
    r"|barracuda|mimecast|proofpoint|symantec|messagelabs|fireeye|forcepoint|sophos|trendmicro|ironport|cloudmark"
    r"|safelinks|safebrowsing|google-safety|urlscan|virustotal|zscaler|paloalto|checkpoint|avanan|vade"
    r"|headless|phantomjs|puppeteer|playwright|selenium"
    r"|python|aiohttp|curl/|wget|go-http-client|java/|okhttp|apache-httpclient|libwww|lwp::|ruby|node-fetch|axios"
    r"|guzzle|http_request|httpie|postman|monitor|uptime|pingdom",
    re.IGNORECASE,
)

#: a browser names itself with its version; what fetches for mail programs does not
_BROWSER = re.compile(r"(?:Version|Chrome|CriOS|Firefox|FxiOS|Edg|OPR)/\d")


def by_network(said: Actor, agent: str, link: int | None, network: Network | None) -> Actor:
    """The same with what the network of the address says. A known opening proxy stays what it is."""
    if network is None or said is not Actor.PERSON or _OPENING_PROXY.search(agent):
        return said
    if network is Network.MACHINE:
        return Actor.BOT
    return Actor.PROXY if link is None and not _BROWSER.search(agent) else said


@lru_cache(maxsize=8192)
def actor_of(method: str, agent: str, link: int | None) -> Actor:
    """Who opened (link None) or clicked. A HEAD asks for nothing that a person would see."""
    if method == "HEAD" or link == HIDDEN_LINK or not agent:
        return Actor.BOT
    if _OPENING_PROXY.search(agent):
        return Actor.PERSON
    if _PRIVACY.fullmatch(agent):
        return Actor.PROXY if link is None else Actor.BOT
    return Actor.BOT if _MACHINE.search(agent) else Actor.PERSON
