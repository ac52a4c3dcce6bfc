"""SMPP 3.4 on the wire: whole PDUs out of a stream, and the small ones written.

The two that carry messages, submit_sm and deliver_sm, are written and read by `smpp34`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import smpp34

HEADER = struct.Struct(">IIII")
#: a message of 65,535 octets in message_payload, and all that stands around it
MOST_BYTES = 70_000
RESPONSE = 0x80000000


class Command(IntEnum):
    """The commands that are spoken here."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Status(IntEnum):
    """The answers that are told apart; any other is a refusal."""

    OK = 0x00
    BAD_LENGTH = 0x01
    BAD_COMMAND = 0x03
    BAD_BIND = 0x04
    SYSTEM_ERROR = 0x08
    BAD_SOURCE = 0x0A
    BAD_DESTINATION = 0x0B
    BIND_FAILED = 0x0D
    BAD_PASSWORD = 0x0E
    BAD_SYSTEM_ID = 0x0F
    QUEUE_FULL = 0x14
    THROTTLED = 0x58
    TEMPORARY = 0x64
    UNKNOWN_ERROR = 0xFF


class Tag(IntEnum):
    """The optional parameters that are read or written here."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class SmppBroken(ValueError):
    """What came is no SMPP."""


@dataclass(frozen=True, kw_only=True)
class Pdu:
    """One PDU. raw: all of it, its header too."""

    command: int
    status: int
    sequence: int
    raw: bytes

    @property
    def body(self) -> bytes:
        """What follows the header."""
        return self.raw[HEADER.size :]

    @property
    def is_response(self) -> bool:
        """Whether it answers one of ours."""
        return self.command >= RESPONSE


class Framer:
    """Bytes in, PDUs out."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Pdu]:
        """Every PDU that is whole now. Raises SmppBroken: nothing after it can be read."""
        self._held += data
        while len(self._held) >= HEADER.size:
            size, command, status, sequence = HEADER.unpack_from(self._held)
            if not HEADER.size <= size <= MOST_BYTES:
                raise SmppBroken(f"A PDU of {size} bytes.")
            if len(self._held) < size:
                return
            raw = bytes(self._held[:size])
            del self._held[:size]
            yield Pdu(command=command, status=status, sequence=sequence, raw=raw)


def pack(command: int, sequence: int, *, status: int = 0, body: bytes = b"") -> bytes:
    """A PDU."""
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def respond(pdu: Pdu, *, status: int = 0, body: bytes = b"") -> bytes:
    """The answer to a PDU."""
    return pack(pdu.command | RESPONSE, pdu.sequence, status=status, body=body)


def bind(command: Command, sequence: int, *, system_id: str, password: str, system_type: str = "") -> bytes:
    """One of the three binds. ValueError for a name or a password that SMPP cannot carry."""
    texts = b"".join(
        c_octets(text, most) for text, most in ((system_id, 15), (password, 8), (system_type, 12))
    )
    return pack(command, sequence, body=texts + b"\x34\x00\x00\x00")


def c_octets(text: str, most: int) -> bytes:
    """A text with its final NUL. ValueError if it is too long or holds what SMPP has no sign for."""
    raw = text.encode("ascii", "strict")
    if len(raw) > most or b"\0" in raw:
        raise ValueError(f"SMPP carries at most {most} plain characters here.")
    return raw + b"\0"


def c_text(body: bytes, at: int = 0) -> str:
    """The text that begins there, up to its NUL."""
    return body[at:].split(b"\0", 1)[0].decode("latin-1")


def read_message(pdu: Pdu) -> "smpp34.SubmitSm | smpp34.DeliverSm":
    """A submit_sm or a deliver_sm. Raises SmppBroken."""
    try:
        found = smpp34.decode(pdu.raw)
    except (smpp34.SmppError, ValueError, OverflowError) as error:
        raise SmppBroken(str(error)[:200]) from error
    if not isinstance(found, smpp34.SubmitSm | smpp34.DeliverSm):
        raise SmppBroken("That PDU carries no message.")
    return found


def content_of(message: "smpp34.SubmitSm | smpp34.DeliverSm") -> bytes:
    """The message's octets, wherever it carries them."""
    for tlv in message.tlvs:
        if tlv.tag == Tag.MESSAGE_PAYLOAD:
            return bytes(tlv.value)
    return bytes(message.short_message)
