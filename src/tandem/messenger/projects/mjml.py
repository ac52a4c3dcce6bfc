"""Looks through MJML for what a renderer passes over in silence: open or misspelt tags, values without quotes."""

import difflib
import re
from collections.abc import Callable

from tandem.messenger.projects.layout import Shield

KNOWN = frozenset(
    "mjml mj-head mj-body mj-section mj-column mj-group mj-wrapper mj-hero mj-text mj-button mj-image mj-divider "  # noqa: SIM905 - shorter
    "mj-spacer mj-table mj-raw mj-social mj-social-element mj-navbar mj-navbar-link mj-accordion "
    "mj-accordion-element mj-accordion-title mj-accordion-text mj-carousel mj-carousel-image mj-attributes mj-all "
    "mj-class mj-font mj-preview mj-style mj-title mj-breakpoint".split()
)
_TOKEN = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<name>mj[a-z-]*)(?P<rest>[^<>]*)(?P<end>>?)", re.DOTALL | re.IGNORECASE
)
_UNQUOTED = re.compile(r"""\s([\w-]+)\s*=\s*(?=[^\s"'])""")
_QUOTED = re.compile(r"""=\s*("[^"]*"|'[^']*')""")
Fault = Callable[[int, str], None]


def check(shield: Shield, fault: Fault) -> None:
    """Say the first breaches. fault: takes an offset of the shielded text and words."""
    opened: list[tuple[str, int]] = []
    for token in _TOKEN.finditer(shield.text):
        if token["name"] is None:
            continue
        name, at = token["name"].lower(), token.start()
        if words := _wrong(name, token["close"], token["rest"], token["end"]):
            return fault(at, words)
        if token["close"]:
            if not opened or opened[-1][0] != name:
                return fault(at, _crossed(name, opened))
            opened.pop()
        elif not token["rest"].rstrip().endswith("/"):
            opened.append((name, at))
    if opened:
        return fault(opened[-1][1], f"<{opened[-1][0]}> is not closed. Add </{opened[-1][0]}>.")
    if not re.search(r"<mjml[\s>]", shield.text, re.IGNORECASE):
        return fault(0, "MJML begins with <mjml> and holds <mj-body>. Write it so, or choose HTML.")
    return None


def _wrong(name: str, close: str, rest: str, end: str) -> str:
    if name == "mj-include":
        return "<mj-include> is not known here. Use a snippet: {{snippet 'name'}}."
    if name not in KNOWN:
        near = difflib.get_close_matches(name, KNOWN, n=1)
        return f"<{name}> is no tag of MJML." + (f" Did you mean <{near[0]}>?" if near else "")
    if not end:
        return f"The tag <{close}{name}> does not end. Add >."
    bare = _UNQUOTED.search(_QUOTED.sub("=''", rest))
    return f"Put the value of {bare[1]} in quotes." if bare else ""


def _crossed(name: str, opened: list[tuple[str, int]]) -> str:
    if not opened:
        return f"</{name}> closes nothing. Take it out."
    return f"</{name}> stands where <{opened[-1][0]}> is open. Close </{opened[-1][0]}> first."
