"""Author's layout -> HTML with every tag in its place: MJML, style inlining, link places, text alternative.

HTML tools never see a tag: each is shielded by a short word (in text a block tag by a comment) and put back after.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import css_inline
import mrml

from tandem.messenger.projects.emit import Place, Placed
from tandem.messenger.projects.handlebars import Piece, Tag

Say = Callable[[Tag | None, str], None]
_LINKS = frozenset({"href", "src", "action", "background", "poster", "cite", "formaction", "srcset", "data"})
_SEGMENT = re.compile(
    r"(<!--\[if.*?\]>|<!\[endif\]-->|<!--.*?-->|</?[a-zA-Z][^\s>\"']*(?:\"[^\"]*\"|'[^']*'|[^\"'>])*>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_BLOCKS = frozenset(
    {
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
    }
)
_HIDDEN = frozenset({"head", "style", "script", "title"})
_VOID = frozenset({"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source"})
_PARSER = mrml.ParserOptions(include_loader=mrml.noop_loader())
_RENDERER = mrml.RenderOptions(fonts={})  # no remote fonts
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class Shield:
    """Words that stand for tags while HTML tools work."""

    def __init__(self, pieces: list[Piece]) -> None:
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        salt = "q"
        while f"@{salt}" in text:
            salt += "q"
        self.salt = salt
        self.tags: list[Tag] = []
        self.text = self._shielded(pieces)
        self.token = re.compile(f"<!--@{salt}([0-9]+)@-->|&lt;!--@{salt}([0-9]+)@--&gt;|@{salt}([0-9]+)@")

    def _shielded(self, pieces: list[Piece]) -> str:
        out, inside = "", False
        for piece in pieces:
            if isinstance(piece, str):
                out += piece
                inside = _is_inside_markup(out)
                continue
            word = f"@{self.salt}{len(self.tags)}@"
            self.tags.append(piece)
            out += f"<!--{word}-->" if piece.is_block and not inside else word
        return out

    def split(self, text: str) -> list[str | Tag]:
        """Text and tags again."""
        out: list[str | Tag] = []
        position = 0
        for match in self.token.finditer(text):
            out += [text[position : match.start()], self.tags[int(match[1] or match[2] or match[3])]]
            position = match.end()
        return [*out, text[position:]]


def to_html(text: str, shield: Shield, *, is_mjml: bool, say: Say) -> str:
    """Shielded source -> shielded HTML with inlined styles."""
    if is_mjml:
        try:
            made = mrml.to_html(text, _PARSER, _RENDERER)
        except OSError as wrong:
            say(None, f"The MJML cannot be read: {wrong}.")
            return ""
        text = made.content
    place_html(text, shield, say)  # before style sheets are taken out
    try:
        return _INLINER.inline(text)
    except (css_inline.InlineError, ValueError) as wrong:
        say(None, f"The styles cannot be inlined: {wrong}.")
        return ""


def place_html(html: str, shield: Shield, say: Say) -> list[Placed]:
    """HTML with the place of every tag; tags where no value belongs are said."""
    items: list[Placed] = []
    closed_raw = ""
    for number, segment in enumerate(_SEGMENT.split(html)):
        if number & 1 and not shield.token.fullmatch(segment):
            items += _in_markup(segment, shield, say)
            name = re.match(r"</?([a-zA-Z]+)", segment)
            if name and name[1].lower() in ("style", "script"):
                closed_raw = "" if segment.startswith("</") else name[1].lower()
            continue
        for piece in shield.split(segment):
            if isinstance(piece, str):
                items.append(piece)
            else:
                if closed_raw:
                    say(piece, f"A value cannot stand inside <{closed_raw}>.")
                items.append((piece, "text"))
    return items


def _in_markup(segment: str, shield: Shield, say: Say) -> list[Placed]:
    if not shield.token.search(segment):
        return [segment]
    if segment.startswith("<!--"):
        return [""]  # an ordinary comment with tags in it goes nowhere
    items: list[Placed] = []
    position = 0
    for match in _ATTRIBUTE.finditer(segment):
        if not shield.token.search(match[2]):
            continue
        items += _outside(segment[position : match.start(2)], shield, say)
        items += _in_attribute(match[1].lower(), match[2], shield, say)
        position = match.end()
    return items + _outside(segment[position:], shield, say)


def _outside(text: str, shield: Shield, say: Say) -> list[Placed]:
    for piece in shield.split(text):
        if isinstance(piece, Tag):
            say(piece, "A value cannot stand here inside a tag. Put it in the quotes of an attribute.")
    return [text]


def _in_attribute(name: str, value: str, shield: Shield, say: Say) -> list[Placed]:
    items: list[Placed] = []
    seen = ""
    for piece in shield.split(value):
        if isinstance(piece, str):
            seen += piece[1:] if not items else piece
            items.append(piece)
            continue
        if name == "style" or name.startswith("on"):
            say(piece, f"A value cannot stand inside the attribute {name}.")
        place: Place = "text" if name not in _LINKS else "link" if seen.strip() else "link start"
        items.append((piece, place))
        seen += "" if piece.is_block else "x"
    return items


def _is_inside_markup(text: str) -> bool:
    comment = text.rfind("<!--")
    if comment >= 0 and text.find("-->", comment) < 0:
        return True
    opened = text.rfind("<")
    return opened >= 0 and text.find(">", opened) < 0 and text[opened + 1 : opened + 2].isalpha()


class _TextWriter(HTMLParser):
    """The text alternative: paragraphs as lines, links as `words (address)`."""

    def __init__(self, shield: Shield) -> None:
        super().__init__(convert_charrefs=True)
        self.shield = shield
        self.out: list[str] = []
        self.links: list[tuple[str, int]] = []
        self.hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Lines, links, pictures' words; hidden parts are left out."""
        values = {name: value or "" for name, value in attrs}
        if self.hidden or tag in _HIDDEN or "display:none" in values.get("style", "").replace(" ", ""):
            if tag not in _VOID:
                self.hidden.append(tag)
            return
        if tag == "br":
            self.out.append("\n")
        elif tag == "img":
            self.out.append(values.get("alt", ""))
        elif tag == "a":
            self.links.append((values.get("href", ""), len(self.out)))
        elif tag == "td":
            self.out.append(" ")
        elif tag in _BLOCKS:
            self.out.append("\n- " if tag == "li" else "\n\n")

    def handle_endtag(self, tag: str) -> None:
        """Closes what was opened; a link's address follows its words."""
        if self.hidden:
            if tag in self.hidden:
                del self.hidden[len(self.hidden) - 1 - self.hidden[::-1].index(tag) :]
        elif tag == "a" and self.links:
            address, start = self.links.pop()
            words = "".join(self.out[start:]).strip()
            if address and not address.startswith(("#", "data:")) and address != words:
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

    def _linked(self, address: str) -> str:
        """Marks the tags of an address, so that their place is known again."""
        salt, seen, out = self.shield.salt, False, ""
        for piece in self.shield.split(address):
            if isinstance(piece, str):
                seen, out = seen or bool(piece.strip()), out + piece
                continue
            number = next(i for i, tag in enumerate(self.shield.tags) if tag is piece)
            out += f"@{salt}{'U' if seen else 'S'}{number}@"
            seen = seen or not piece.is_block
        return out


def text_alternative(html: str, shield: Shield) -> list[Placed]:
    """Plain text of shielded HTML, with places."""
    writer = _TextWriter(shield)
    writer.feed(html)
    writer.close()
    lines = [line.strip() for line in re.sub(r" {2,}", " ", "".join(writer.out)).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
    items: list[Placed] = []
    position = 0
    for match in re.finditer(f"@{shield.salt}([US]?)([0-9]+)@", text):
        place: Place = "link" if match[1] == "U" else "link start" if match[1] == "S" else "text"
        items += [text[position : match.start()], (shield.tags[int(match[2])], place)]
        position = match.end()
    return [*items, text[position:]]
