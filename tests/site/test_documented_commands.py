"""Every command that the documentation shows exists, with the options shown; so does every page it links to."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tandem.site import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PAGES_OF_USE = [page for page in PAGES if page.name != "CHANGELOG.md" and "decisions" not in page.parts]
INLINE = re.compile(r"`(tandem [a-z][^`]*)`")
ALONE = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?(tandem [a-z].*)$")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
ENDS = {"|", "||", "&&", ";", ">", ">>", "&"}


@cache
def tree() -> Any:
    return typer.main.get_command(cli.build())


def shown(text: str) -> Iterator[str]:
    """The commands of one page: inside backticks, and lines of their own with what continues them."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if found := ALONE.match(line):
            yield found[1]
        else:
            yield from INLINE.findall(line)


def words_of(command: str) -> list[str]:
    words = shlex.split(re.sub(r"\s#.*", "", command).replace("...", ""))[1:]
    end = next((place for place, word in enumerate(words) if word in ENDS), len(words))
    return [word for word in words[:end] if word != "…"]


def fault(command: str) -> str:
    """What is wrong with the command; nothing if it can be typed as it stands."""
    words, node = words_of(command), tree()
    while words and getattr(node, "commands", None):
        if words[0].startswith("-"):
            break
        names = words[0].split("|")
        unknown = [name for name in names if name not in node.commands]
        if unknown and not node.invoke_without_command:
            return f"there is no {' '.join(unknown)}"
        if unknown:
            break
        node, words = node.commands[names[-1]], words[1:]
    return _wrong_rest(node, words)


def _wrong_rest(node: Any, words: list[str]) -> str:
    options = {name: one for one in node.params for name in (*one.opts, *one.secondary_opts)}
    arguments = [one for one in node.params if one.param_type_name == "argument"]
    given = 0
    while words:
        word, words = words[0], words[1:]
        if word.startswith("-") and len(word) > 1:
            name, _, value = word.partition("=")
            if name not in {*options, "--help"}:
                return f"{node.name} has no option {name}"
            flag = name == "--help" or options[name].is_flag or value
            words = words if flag else words[1:]
        else:
            given += 1
    many = any(one.nargs == -1 for one in arguments)
    return "" if many or given <= len(arguments) else f"{node.name} takes {len(arguments)} words, not {given}"


@pytest.mark.parametrize("page", PAGES_OF_USE, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_documentation_exist(page):
    faults = [f"{one}: {why}" for one in shown(page.read_text()) if (why := fault(one))]
    assert not faults, "\n".join(faults)


def test_wrong_commands_are_told_from_right_ones():
    assert fault("tandem doctor") == ""
    assert "no dance" in fault("tandem dance")
    assert "no dance" in fault("tandem campaign dance 3")
    assert "--loudly" in fault("tandem campaign show 3 --loudly")
    assert "not 2" in fault("tandem campaign show 3 4")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not missing, missing


def test_every_how_to_page_is_in_the_index():
    index = (ROOT / "docs" / "how-to" / "README.md").read_text()
    missing = [page.name for page in (ROOT / "docs" / "how-to").glob("*.md") if f"({page.name})" not in index]
    assert missing == ["README.md"] or not missing, missing
