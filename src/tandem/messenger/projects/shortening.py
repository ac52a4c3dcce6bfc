"""Links in the text of an SMS whose clicks are counted: each becomes a slot, filled with a short address per message.

Only a link that is the same for everybody: one that a tag goes on stays as it is written, for a short address has no
room for what is a person's own.
"""

import re
from collections.abc import Callable, Sequence

from tandem.messenger.projects.alternative import LONGEST_NAME, LONGEST_TARGET, Link
from tandem.messenger.projects.slots import CLOSE, LINK
from tandem.messenger.projects.tags import Piece

#: a link's number is one sign of a short address
NUMBERS = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: how many signs of a short address name the message
SIGNS = 16
#: what comes between the server's address and the signs
PATH = "/s/"
_ADDRESS = re.compile(r"https?://[^\s<>\"/?#]+[^\s<>\"]*", re.IGNORECASE)
_AFTER = ".,;:!?)]}'»…"
_SLOT = re.compile(f"{LINK.decode()}([0-9]+){CLOSE.decode()}")

#: number of a link -> its address in this message
Short = Callable[[int], str]


def with_slots(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Link]]:
    """The pieces with slots in the place of links, and the links by their numbers from 1 on."""
    links: list[Link] = []
    out: list[Piece] = []
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if not isinstance(piece, str):
            out.append(piece)
            continue
        goes_on = not isinstance(following, str)
        out.append(_ADDRESS.sub(lambda found, on=goes_on: _slot(found, links, goes_on=on), piece))  # type: ignore[misc]
    return out, links


def _slot(found: re.Match[str], links: list[Link], *, goes_on: bool) -> str:
    target = found[0].rstrip(_AFTER)
    if (goes_on and found.end() == len(found.string)) or len(target) > LONGEST_TARGET:
        return found[0]
    known = next((link for link in links if link.target == target), None)
    if known is None:
        if len(links) == len(NUMBERS):
            return found[0]
        host = target.split("//", 1)[1].split("/", 1)[0]
        known = Link(number=len(links) + 1, name=host[:LONGEST_NAME], target=target, tags=())
        links.append(known)
    return f"{LINK.decode()}{known.number}{CLOSE.decode()}{found[0][len(target) :]}"


def filled(text: str, short: Short) -> str:
    """The text with a message's own short addresses."""
    return _SLOT.sub(lambda found: short(int(found[1])), text)


def sample(address: str) -> Short:
    """Addresses as long as those of messages; they lead nowhere. address: the server's."""
    return lambda number: f"{address}{PATH}{'0' * SIGNS}{NUMBERS[number - 1]}"
