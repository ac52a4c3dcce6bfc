"""SMS text as octets: GSM 7-bit default alphabet, one septet to an octet, or UTF-16; cut into parts that fit.

An escape and its character, and the two halves of a surrogate pair, are never apart (3GPP TS 23.038, 23.040).
"""

from dataclasses import dataclass

from tandem.messenger.projects.domain import count_sms

GSM, UCS2 = 0, 8
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {"\f": 10, "^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101}
_ESCAPE = 0x1B
_CODES = {character: bytes([code]) for code, character in enumerate(_ALPHABET) if code != _ESCAPE} | {
    character: bytes([_ESCAPE, code]) for character, code in _EXTENDED.items()
}
_SIGNS = {code: character for code, character in enumerate(_ALPHABET) if code != _ESCAPE}
_ESCAPED = {code: character for character, code in _EXTENDED.items()}
#: octets of a part that stands alone, and of one of several: 140 octets less a header of 6, or of 7 septets
_ALONE = {GSM: 160, UCS2: 140}
_JOINED = {GSM: 153, UCS2: 134}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A message cut into parts. coding: SMPP's data_coding."""

    coding: int
    octets: tuple[bytes, ...]

    @property
    def whole(self) -> bytes:
        """All of it in one run."""
        return b"".join(self.octets)


def parts_of(text: str) -> Parts:
    """The parts of a message, as many as the ledger and the editor count."""
    coding = GSM if count_sms(text).encoding == "GSM-7" else UCS2
    signs = [_CODES[one] if coding == GSM else _utf16(one) for one in text]
    if sum(map(len, signs)) <= _ALONE[coding]:
        return Parts(coding=coding, octets=(b"".join(signs),))
    return Parts(coding=coding, octets=tuple(_cut(signs, _JOINED[coding])))


def _cut(signs: list[bytes], room: int) -> list[bytes]:
    parts: list[bytes] = []
    here: list[bytes] = []
    size = 0
    for sign in signs:
        if size + len(sign) > room:
            parts.append(b"".join(here))
            here, size = [], 0
        here.append(sign)
        size += len(sign)
    return [*parts, b"".join(here)]


def _utf16(sign: str) -> bytes:
    return sign.encode("utf-16-be", "replace")


def text_of(octets: bytes, coding: int) -> str:
    """What octets of a message say; what cannot be read becomes a replacement sign."""
    if coding & 0x0C == UCS2:
        return octets.decode("utf-16-be", "replace")
    if coding in (3, 4):  # Latin-1, binary
        return octets.decode("latin-1")
    if coding == 1:
        return octets.decode("ascii", "replace")
    return _gsm_text(octets)


def _gsm_text(octets: bytes) -> str:
    said, escaped = [], False
    for octet in octets:
        if escaped:
            said.append(_ESCAPED.get(octet) or _SIGNS.get(octet, "\ufffd"))
            escaped = False
        elif octet == _ESCAPE:
            escaped = True
        else:
            said.append(_SIGNS.get(octet, "\ufffd"))
    return "".join(said)
