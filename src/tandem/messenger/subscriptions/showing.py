"""The pages as HTML: escaped by the template engine, styled by one sheet that the policy names by its hash."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from django.template import Context, Engine
from django.utils.safestring import mark_safe

from tandem.messenger.contacts.proofs import Place
from tandem.messenger.subscriptions.domain import LANGUAGES, OwnWords, PageSettings, words_of

_SHEET = resources.files(__package__).joinpath("pages.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_SHEET.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
#: apart from the messenger's pages: nothing of theirs is in these
_ENGINE = Engine(dirs=[str(Path(__file__).parent / "templates")])
#: our own sheet: nothing of anybody else is in it
_CSS = mark_safe(_SHEET)  # noqa: S308
_BY_CHANNEL = ("ask", "everything", "end_everything", "done", "done_everything", "agree", "back")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """For whom a page is: language, sender, list, channel, the sender's own words, the way to all subscriptions."""

    language: str
    sender: str
    list_name: str
    channel: str
    settings: PageSettings = field(default_factory=PageSettings)
    preferences: str = ""

    @property
    def own(self) -> OwnWords:
        """The sender's own words in this language."""
        return self.settings.words.get(self.language, OwnWords())

    def say(self, name: str, *, list_name: str = "", channel: str = "") -> str:
        """A sentence of the page's language, its names filled in; by channel where it has one."""
        words = words_of(self.language)
        key = f"{name}_{channel or self.channel}" if name in _BY_CHANNEL else name
        said = words[key] if key in words else words[name]
        names = {"{list}": list_name or self.list_name, "{sender}": self.sender}
        return "".join(names.get(part, part) for part in _parts(said))

    def asked(self) -> str:
        """The words on the page that asks, as proof: heading, text, sentence, button."""
        lines = (self.heading, self.own.text, self.say("ask"), f"[{self.say('end_list')}]")
        return "\n".join(line for line in lines if line)

    def asked_everything(self) -> str:
        """The words beside the button that ends everything."""
        return f"{self.say('everything')}\n[{self.say('end_everything')}]"

    def agreed(self, *, list_name: str = "", channel: str = "") -> str:
        """The words to which somebody agrees who subscribes again."""
        return f"{self.say('agree', list_name=list_name, channel=channel)}\n[{self.say('again')}]"

    @property
    def heading(self) -> str:
        """The sender's own heading, or the usual one."""
        return self.own.heading or self.say("ask_heading")


def ask_page(scene: Scene) -> str:
    """Do you want to unsubscribe?"""
    return _page("ask", scene, {"heading": scene.heading, "own_text": scene.own.text})


def told_page(scene: Scene, heading: str, text: str, *, stamp: str = "") -> str:
    """What is the case now; with a stamp, the way back."""
    return _page("told", scene, {"heading": heading, "text": text, "stamp": stamp})


def preferences_page(scene: Scene, places: Sequence[Place], *, stamp: str, told: str = "") -> str:
    """Everything the person gets, each with its button."""
    rows = [_row(scene, place) for place in places]
    return _page("preferences", scene, {"rows": rows, "stamp": stamp, "told": told})


def leave_page(language: str, list_name: str) -> str:
    """How one leaves a list."""
    scene = Scene(language=language, sender="", list_name=list_name, channel="email")
    return told_page(scene, scene.say("title"), scene.say("leave"))


def note_page(title: str, text: str) -> str:
    """A heading and a sentence in English, for what belongs to no sender: a wrong link, a fault of ours."""
    said = {"heading": title, "text": text, "language": "en", "words": words_of("en"), "css": _CSS}
    return _rendered("told", said)


def _row(scene: Scene, place: Place) -> dict[str, str]:
    return {
        "key": f"{place.contact_id}:{place.channel}",
        "list_name": place.list_name,
        "channel": scene.say(place.channel),
        "state": place.state,
        "state_words": scene.say(place.state),
        "agree": scene.say("agree", list_name=place.list_name, channel=place.channel),
        "button": scene.say("end_list" if place.state == "on" else "again"),
    }


def _page(name: str, scene: Scene, more: dict[str, object]) -> str:
    said = {key: scene.say(key) for key in (*_BY_CHANNEL, "prefs_heading", "prefs_none", "paused_why")}
    context = {
        "language": scene.language,
        "words": words_of(scene.language),
        "said": said,
        "css": _CSS,
        "languages": [(code, words_of(code)["language"]) for code in LANGUAGES],
        "preferences": scene.preferences,
        **more,
    }
    return _rendered(name, context)


def _rendered(name: str, context: Mapping[str, object]) -> str:
    return str(_ENGINE.get_template(f"subscriptions/{name}.html").render(Context(dict(context))))


def _parts(text: str) -> list[str]:
    """The text cut at its slots, so that what is filled in is never read as a slot."""
    parts: list[str] = []
    for piece in text.split("{"):
        name, end, rest = piece.partition("}")
        parts += ["{" + name + "}", rest] if end and name in ("list", "sender") else [piece]
    return parts
