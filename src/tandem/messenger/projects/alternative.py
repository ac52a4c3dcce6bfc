"""What is read off the finished layout: the text alternative, and the links with their names.

The text alternative has paragraphs as lines and links as `words (address)`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from tandem.messenger.projects.emit import Edge, Place, Placed, after_link
from tandem.messenger.projects.layout import Shield
from tandem.messenger.projects.marks import is_counted, joined

MOST_LINKS = 500
LONGEST_NAME = 200
LONGEST_TARGET = 2000
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "tr",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "ul",
        "ol",
        "blockquote",
        "section",
        "hr",
    ]
)
_HIDDEN = frozenset({"head", "style", "script", "title"})
_VOID = frozenset({"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source"})


_TOKEN = re.compile(
    r"""<!--.*?-->|<![^>]*>|<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*)(?P<rest>(?:"[^"]*"|[^">])*)>""", re.DOTALL
)
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]+)\s*=\s*"([^"]*)\"""")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link of an email. target: as the author wrote it; name: data-name, title, its words or its host."""

    number: int
    name: str
    target: str
    tags: tuple[str, ...]


class _Writer:
    def __init__(self, shield: Shield) -> None:
        self.shield = shield
        self.out: list[str] = []
        self.opened: list[tuple[dict[str, str], int]] = []
        self.links: list[Link] = []
        self.targets: list[str] = []
        self.hidden: list[str] = []

    def read(self, html: str) -> None:
        """Go through HTML as a serializer wrote it: attributes in double quotes, signs as entities."""
        position = 0
        for token in _TOKEN.finditer(html):
            if token.start() > position and not self.hidden:
                self.handle_data(unescape(html[position : token.start()]))
            position = token.end()
            name = token["name"]
            if name is None:
                self.handle_comment(token[0][4:-3])
            elif token["end"]:
                self.handle_endtag(name.lower())
            else:
                self.handle_starttag(name.lower(), token["rest"])
        if not self.hidden:
            self.handle_data(unescape(html[position:]))

    def handle_starttag(self, tag: str, rest: str) -> None:
        """Lines, links, pictures' words; hidden parts are left out."""
        values = _attributes(rest) if tag in ("a", "img") or "display" in rest else {}
        if self.hidden or tag in _HIDDEN or "display:none" in values.get("style", "").replace(" ", ""):
            if tag not in _VOID:
                self.hidden.append(tag)
            return
        if tag == "br":
            self.out.append("\n")
        elif tag == "img":
            self.out.append(values.get("alt", ""))
        elif tag == "a":
            self.opened.append((values, len(self.out)))
        elif tag == "td":
            self.out.append(" ")
        elif tag in _BLOCKS:
            self.out.append("\n- " if tag == "li" else "\n\n")

    def handle_endtag(self, tag: str) -> None:
        """Closes what was opened; a link's address follows its words."""
        if self.hidden:
            if tag in self.hidden:
                del self.hidden[len(self.hidden) - 1 - self.hidden[::-1].index(tag) :]
        elif tag == "a" and self.opened:
            values, start = self.opened.pop()
            address, words = values.get("href", ""), "".join(self.out[start:]).strip()
            self._keep(values, words)
            if address and not address.startswith(("#", "data:")):
                if address == words:
                    del self.out[start:]
                    words = ""
                shown = self._linked(address)
                self.out.append(f" ({shown})" if words else shown)
        elif tag in _BLOCKS:
            self.out.append("\n\n" if tag != "li" else "\n")

    def handle_data(self, data: str) -> None:
        """Words."""
        if not self.hidden:
            self.out.append(re.sub(r"[ \t\r\n\f\xa0]+", " ", data))

    def handle_comment(self, data: str) -> None:
        """A shielded block tag."""
        if not self.hidden and self.shield.token.fullmatch(f"<!--{data}-->"):
            self.out.append(data)

    def _keep(self, values: dict[str, str], words: str) -> None:
        target = self.shield.source(values.get("href", "")).strip()
        if not is_counted(target) or len(self.links) >= MOST_LINKS:
            return
        host = re.match(r"https?://([^/?#]*)", target, re.IGNORECASE)
        name = values.get("data-name") or values.get("title") or words or (host[1] if host else target)
        tags = [tag.strip()[:100] for tag in values.get("data-tags", "").split(",") if tag.strip()]
        self.links.append(
            Link(
                number=len(self.links) + 1,
                name=" ".join(self.shield.source(name).split())[:LONGEST_NAME],
                target=target[:LONGEST_TARGET],
                tags=tuple(dict.fromkeys(tags)),
            )
        )

    def _linked(self, address: str) -> str:
        """Marks the tags of an address, so that their place is known again."""
        salt, seen, out = self.shield.salt, False, ""
        for piece in self.shield.split(address):
            if isinstance(piece, str):
                seen, out = seen or bool(piece.strip()), out + piece
                continue
            out += f"@{salt}{'U' if seen else 'S'}{self.shield.numbers[id(piece)]}@"
            seen = seen or not piece.is_block
        return self._marked(address, out)

    def _marked(self, address: str, shown: str) -> str:
        """Marks both ends of an address whose clicks are counted, by its place in `targets`."""
        target = self.shield.source(address).strip()
        if not is_counted(target):
            return shown
        self.targets.append(target)
        number = len(self.targets) - 1
        return f"@{self.shield.salt}L{number}@{shown}@{self.shield.salt}E{number}@"


def alternative(html: str, shield: Shield) -> tuple[list[Placed], tuple[Link, ...]]:
    """Plain text of shielded HTML, with places; and its links."""
    writer = _Writer(shield)
    writer.read(html)
    lines = [line.strip() for line in re.sub(r" {2,}", " ", "".join(writer.out)).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
    return _placed(text, shield, writer.targets), tuple(writer.links)


def _placed(text: str, shield: Shield, targets: Sequence[str]) -> list[Placed]:
    items: list[Placed] = []
    position, place = 0, ""
    for match in re.finditer(f"@{shield.salt}([USLE]?)([0-9]+)@", text):
        number, is_edge = int(match[2]), match[1] in ("L", "E")
        if number >= len(targets if is_edge else shield.tags):
            continue
        items += _between(text[position : match.start()], place)
        if is_edge:
            items.append(Edge(targets[number], opens=match[1] == "L"))
            place = "" if match[1] == "E" else place
        else:
            place = match[1]
            items.append((shield.tags[number], _PLACES[place]))
        position = match.end()
    return joined([*items, *_between(text[position:], place)])


_PLACES: dict[str, Place] = {"U": "link", "S": "link start", "": "text"}


def _attributes(rest: str) -> dict[str, str]:
    return {name.lower(): unescape(value) for name, value in _ATTRIBUTE.findall(rest)}


def _between(text: str, place: str) -> list[Placed]:
    return after_link(text) if place else [text]
