"""Addresses with a token in them: everything but the token is checked and encoded once, for all messages of a template.

A token is letters, digits, `-` and `_`: nothing that HTML, quoted-printable or a header would write in another way.
"""

from tandem.messenger.projects import counting, quoted
from tandem.messenger.projects.parts import escape

#: characters of a token
TOKEN = 32
_LONGEST = 75
#: what stands before the token and what after it
Around = tuple[bytes, bytes]


class Address:
    """`begin`, a token, `end`: in the forms in which a message shows it."""

    __slots__ = ("begin", "end", "html", "text")

    def __init__(self, begin: str, end: str = "") -> None:
        self.begin, self.end = begin, end
        self.text, self.html = _around(begin, end), _around(escape(begin), escape(end))

    def with_token(self, token: bytes) -> str:
        """The address itself."""
        return f"{self.begin}{token.decode()}{self.end}"

    @property
    def picture(self) -> Around:
        """A picture with this address, encoded."""
        before, after = counting.picture_around()
        return before + self.html[0], self.html[1] + after


def _around(begin: str, end: str) -> Around:
    """In quoted-printable; a line that would become too long ends before the token."""
    before, after = quoted.encode(begin), quoted.encode(end)
    if before and (b"\n" in before or len(before) + TOKEN + len(after) > _LONGEST):
        before += quoted.SOFT
    return before, quoted.SOFT + after if TOKEN + len(after) > _LONGEST else after
