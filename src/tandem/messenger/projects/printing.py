"""One message's values in every form in which its parts print them, encoded together and once for all parts."""

import html as html_words
import re
from binascii import b2a_qp
from collections.abc import Callable, Mapping, Sequence

from tandem.messenger.projects import quoted

Change = Callable[[str], str]
_SIGNS = re.compile("[&<>\"']")
_BREAK = "\r\n"
_LONGEST = quoted.LAST + len(quoted.SOFT)


def escape(text: str) -> str:
    """Text as HTML."""
    return html_words.escape(text, quote=True) if _SIGNS.search(text) else text


class Printing:
    """Knows where each expression's encoded value stands in a message's table: as text, as HTML, or changed."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._numbers = {name: number for number, name in enumerate(names)}
        self._changed: list[tuple[str, Change]] = []
        self._known: dict[tuple[str, tuple[str, ...], str], int] = {}

    def place(self, name: str, cases: tuple[str, ...], encoding: str, printer: Change) -> int:
        """The place of an expression in `table`. printer: what makes its printed form."""
        if not cases and encoding in ("raw", "html"):
            return self._numbers[name] + (len(self.names) if encoding == "html" else 0)
        key = name, cases, encoding
        if key not in self._known:
            self._known[key] = 2 * len(self.names) + len(self._changed)
            self._changed.append((name, printer))
        return self._known[key]

    def table(self, clean: Mapping[str, str]) -> list[bytes]:
        """The encoded values, each with a soft break; nothing for one that is empty."""
        texts = [clean[name] for name in self.names]
        joined = _BREAK.join(texts)
        plain = shown = _encoded(joined, texts)
        if _SIGNS.search(joined):
            shown = _encoded(html_words.escape(joined, quote=True), texts, escape)
        if not self._changed:
            return plain + shown
        changed = [printer(clean[name]) for name, printer in self._changed]
        return plain + shown + _encoded(_BREAK.join(changed), changed)


def _encoded(joined: str, texts: Sequence[str], change: Change = str) -> list[bytes]:
    """Texts in one go, which is cheaper, if each is a short line. joined: the texts, changed and with line breaks."""
    if joined.count("\n") == len(texts) - 1:
        whole = b2a_qp(joined.encode(), istext=True)
        made = (whole.replace(b"\r\n", b"=\r\n\0") + quoted.SOFT).split(b"\0")
        is_plain = len(made) == len(texts) and whole[:1] != b"." and b"\n." not in whole
        if is_plain and max(map(len, made)) <= _LONGEST:
            return [b"" if piece == quoted.SOFT else piece for piece in made] if quoted.SOFT in made else made
    return [quoted.encode(change(text)) + quoted.SOFT if text else b"" for text in texts]
