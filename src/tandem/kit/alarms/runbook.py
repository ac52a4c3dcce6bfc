"""The runbook: pages of plain Markdown beside the program, the same files that `docs/runbook` holds.

Only what these pages use is understood: headings, paragraphs, lists, code blocks, `code`. A page is data: templates
escape it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tandem.kit.alarms.domain import Kind
from tandem.kit.problems import NotFound

FOLDER = Path(__file__).resolve().parent.parent / "runbook"
#: a piece of a line: (words, whether they are code)
Pieces = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, kw_only=True)
class Block:
    """heading, paragraph or code with one line (code: text as it is), list with several."""

    kind: str
    lines: tuple[Pieces, ...] = ()
    text: str = ""


class NoPage(NotFound):
    """The runbook has no such page."""

    title = "No such page"


def page(name: str) -> tuple[str, tuple[Block, ...]]:
    """(title, blocks) of a page. Raises NoPage."""
    if name not in list(Kind):
        raise NoPage("The runbook has no such page.", "Look at the list of alarms.")
    return _read(name)


@lru_cache(maxsize=len(Kind))
def _read(name: str) -> tuple[str, tuple[Block, ...]]:
    title, _, rest = (FOLDER / f"{name}.md").read_text().partition("\n")
    return title.removeprefix("# ").strip(), tuple(_blocks(rest))


def _blocks(text: str) -> Iterator[Block]:
    parts = text.split("```")
    for number, part in enumerate(parts):
        if number % 2:
            yield Block(kind="code", text=part.partition("\n")[2].rstrip())
            continue
        for piece in part.split("\n\n"):
            if piece.strip():
                yield _block(piece.strip().splitlines())


def _block(lines: list[str]) -> Block:
    if lines[0].startswith("## "):
        return Block(kind="heading", lines=(_pieces(lines[0][3:]),))
    if lines[0].startswith("- "):
        items = "\n".join(lines).removeprefix("- ").split("\n- ")
        return Block(kind="list", lines=tuple(_pieces(" ".join(item.split())) for item in items))
    return Block(kind="paragraph", lines=(_pieces(" ".join(line.strip() for line in lines)),))


def _pieces(line: str) -> Pieces:
    return tuple((words, bool(number % 2)) for number, words in enumerate(line.split("`")) if words)
