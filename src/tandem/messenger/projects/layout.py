"""Author's layout -> HTML with every tag in its place: MJML, style inlining, link places, text alternative.

HTML tools never see a tag: each is shielded by a short word (in text a block tag by a comment) and put back after.
"""

import bisect
import itertools
import re
from collections.abc import Callable

import css_inline
import mrml

from tandem.messenger.projects.emit import Markup, Place, Placed
from tandem.messenger.projects.marks import in_markup
from tandem.messenger.projects.tags import Piece, Spot, Tag, Text

Say = Callable[[Tag | None, str], None]
_LINKS = frozenset({"href", "src", "action", "background", "poster", "cite", "formaction", "srcset", "data"})
_SEGMENT = re.compile(
    r"(<!--\[if.*?\]>|<!\[endif\]-->|<!--.*?-->|</?[a-zA-Z][^\s>\"']*(?:\"[^\"]*\"|'[^']*'|[^\"'>])*>)",
    re.DOTALL,
)
_OPENED = re.compile(r"<!--|<[a-zA-Z]")
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_RAW = re.compile(r"<(/?)(style|script)\b", re.IGNORECASE)
_STYLED = re.compile(
    r"""<(style|script)\b[^>]*>(.*?)(?:</|\Z)|\sstyle\s*=\s*("[^"]*"|'[^']*')""", re.DOTALL | re.IGNORECASE
)
_PARSER = mrml.ParserOptions(include_loader=mrml.noop_loader())
_RENDERER = mrml.RenderOptions(fonts={})  # no remote fonts
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class Shield:
    """Words that stand for tags while HTML tools work."""

    def __init__(self, pieces: list[Piece]) -> None:
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        # neither in the text nor in what is left when a tool takes markup out of it
        bare = re.sub(r"<[^<>]*>", "", text)
        salt = next(f"q{n}z" for n in itertools.count() if f"q{n}z" not in text and f"q{n}z" not in bare)
        self.salt = salt
        self.tags: list[Tag] = []
        self._starts: list[tuple[int, Piece]] = []
        self.text = self._shielded(pieces)
        self.numbers = {id(tag): number for number, tag in enumerate(self.tags)}
        self.token = re.compile(f"<!--@{salt}([0-9]+)@-->|&lt;!--@{salt}([0-9]+)@--&gt;|@{salt}([0-9]+)@")

    def _shielded(self, pieces: list[Piece]) -> str:
        out: list[str] = []
        at, inside = 0, ""
        for piece in pieces:
            self._starts.append((at, piece))
            if isinstance(piece, str):
                word, inside = str(piece), _inside(inside, piece)
            else:
                word = f"@{self.salt}{len(self.tags)}@"
                self.tags.append(piece)
                word = f"<!--{word}-->" if piece.is_block and not inside else word
            out.append(word)
            at += len(word)
        return "".join(out)

    def spot(self, at: int) -> Spot:
        """Where the author wrote what stands at this offset of the shielded text."""
        number = bisect.bisect_right(self._starts, at, key=lambda start: start[0]) - 1
        if number < 0:
            return Spot()
        start, piece = self._starts[number]
        if isinstance(piece, Text):
            return piece.spot.after(piece[: at - start])
        return piece.spot if isinstance(piece, Tag) else Spot()

    def split(self, text: str) -> list[str | Tag]:
        """Text and tags again."""
        out: list[str | Tag] = []
        position = 0
        for match in self.token.finditer(text):
            number = int(match[1] or match[2] or match[3])
            if number < len(self.tags):
                out += [text[position : match.start()], self.tags[number]]
                position = match.end()
        return [*out, text[position:]]

    def source(self, text: str) -> str:
        """The text with its tags as the author wrote them."""
        return "".join(piece if isinstance(piece, str) else piece.source for piece in self.split(text))


def to_html(text: str, shield: Shield, *, is_mjml: bool, say: Say) -> str:
    """Shielded source -> shielded HTML with inlined styles."""
    if is_mjml:
        text = _said_or(
            lambda: mrml.to_html(text, _PARSER, _RENDERER).content, "The MJML cannot be read", say
        )
    _early(text, shield, say)  # before style sheets are taken out
    return _said_or(lambda: _INLINER.inline(text), "The styles cannot be inlined", say)


def _said_or(work: Callable[[], str], words: str, say: Say) -> str:
    """What the tool makes, or nothing and its complaint said; the tools' authors let some texts make them panic."""
    try:
        return work()
    except (OSError, ValueError, css_inline.InlineError) as wrong:
        say(None, f"{words}: {wrong}.")
    except BaseException as wrong:
        if type(wrong).__name__ != "PanicException":
            raise
        say(None, f"{words}. Look for a comment or a tag that does not end.")
    return ""


def _early(html: str, shield: Shield, say: Say) -> None:
    for found in _STYLED.finditer(html):
        for piece in shield.split(found[2] or found[3] or ""):
            if isinstance(piece, Tag):
                where = f"<{found[1].lower()}>" if found[1] else "the attribute style"
                say(piece, f"A value cannot stand inside {where}.")


def place_html(html: str, shield: Shield, say: Say) -> list[Placed]:
    """HTML with the place of every tag; tags where no value belongs are said."""
    items: list[Placed] = []
    closed_raw, mark = "", f"@{shield.salt}"
    for number, segment in enumerate(_SEGMENT.split(html)):
        has_tags = mark in segment
        if number & 1 and not (has_tags and shield.token.fullmatch(segment)):
            items += in_markup(_in_markup(segment, shield, say) if has_tags else [Markup(segment)])
            name = _RAW.match(segment)
            if name:
                closed_raw = "" if name[1] else name[2].lower()
        elif not has_tags:
            items.append(segment)
        else:
            items += _in_text(segment, shield, say, closed_raw)
    return items


def _in_text(segment: str, shield: Shield, say: Say, closed_raw: str) -> list[Placed]:
    items: list[Placed] = []
    for piece in shield.split(segment):
        if isinstance(piece, str):
            items.append(piece)
            continue
        if closed_raw:
            say(piece, f"A value cannot stand inside <{closed_raw}>.")
        items.append((piece, "text"))
    return items


def _in_markup(segment: str, shield: Shield, say: Say) -> list[Placed]:
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
    return [Markup(text)]


def _in_attribute(name: str, value: str, shield: Shield, say: Say) -> list[Placed]:
    items: list[Placed] = []
    seen = ""
    for piece in shield.split(value):
        if isinstance(piece, str):
            seen += piece[1:] if not items else piece
            items.append(Markup(piece))
            continue
        if name == "style" or name.startswith("on"):
            say(piece, f"A value cannot stand inside the attribute {name}.")
        place: Place = "attribute" if name not in _LINKS else "link" if seen.strip() else "link start"
        items.append((piece, place))
        seen += "" if piece.is_block else "x"
    return items


def _inside(state: str, text: str) -> str:
    """Whether the end of the text stands in a comment (`-->` ends it), in a tag (`>`), or in neither."""
    at = 0
    while True:
        if state:
            end = text.find(state, at)
            if end < 0:
                return state
            at, state = end + len(state), ""
        opened = _OPENED.search(text, at)
        if opened is None:
            return ""
        at, state = opened.end(), "-->" if opened[0] == "<!--" else ">"
