"""The links of a version as its author wrote them, with the tags he gave them: `<a href=".." data-tags="a, b">`."""

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tandem.messenger.projects.domain import EmailSource, VersionView

MOST_LINKS = 10_000
_TAG = re.compile(r"\{\{.*?\}\}|!![A-Za-z]\w*!!", re.DOTALL)
_WORD = re.compile("\ue000([0-9]+)\ue001")
_LINKED = (
    "a[href], area[href], mj-button[href], mj-image[href], mj-navbar-link[href], mj-social-element[href]"
)
_WORDED = ("a", "mj-button", "mj-navbar-link", "mj-social-element")
_IN_TEXT = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Link:
    """One link. name: its words, else a picture's; target: as written, with tags of the template in it."""

    id: int
    name: str
    target: str
    tags: tuple[str, ...]


class _Shield:
    """Words that stand for the template's tags while HTML is parsed."""

    def __init__(self, source: str) -> None:
        self._tags: list[str] = []
        self.source = _TAG.sub(self._hide, source)

    def _hide(self, found: re.Match[str]) -> str:
        self._tags.append(found[0])
        return f"\ue000{len(self._tags) - 1}\ue001"

    def shown(self, text: str) -> str:
        """The text with its tags again."""
        return _WORD.sub(lambda found: self._tags[int(found[1])], text)


def links_of(version: VersionView) -> tuple[Link, ...]:
    """Every link in the order of the content; the same address twice is two links."""
    source = version.source
    if isinstance(source, EmailSource):
        found = _in_html(_Shield(source.mjml or source.html))
    else:
        found = _in_text(_Shield(source.text))
    return tuple(
        Link(id=version.id * MOST_LINKS + number, name=name, target=target, tags=tags)
        for number, (name, target, tags) in enumerate(found[: MOST_LINKS - 1], 1)
    )


def _in_html(shield: _Shield) -> list[tuple[str, str, tuple[str, ...]]]:
    nodes = LexborHTMLParser(shield.source).css(_LINKED)
    return [
        (
            shield.shown(_name(node)),
            shield.shown(_said(node, "href")),
            _tags(shield.shown(_said(node, "data-tags"))),
        )
        for node in nodes
        if _said(node, "href")
    ]


def _in_text(shield: _Shield) -> list[tuple[str, str, tuple[str, ...]]]:
    targets = [found[0].rstrip(".,;:!?)") for found in _IN_TEXT.finditer(shield.source)]
    return [(shield.shown(target), shield.shown(target), ()) for target in targets]


def _said(node: LexborNode, name: str) -> str:
    return (node.attributes.get(name) or "").strip()


def _name(node: LexborNode) -> str:
    words = " ".join(node.text(separator=" ").split()) if node.tag in _WORDED else ""
    pictures = (_said(picture, "alt") for picture in node.css("img[alt]"))
    return words or _said(node, "title") or _said(node, "alt") or next(filter(None, pictures), "")


def _tags(said: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in (part.strip() for part in said.split(",")) if tag))
