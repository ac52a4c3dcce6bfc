"""Our messages as submit_sm, an SMSC's deliver_sm as receipts and incoming messages, its statuses as answers."""

import re
import zlib
from collections.abc import Iterator

import smpp34

from tandem.kit.smpp import SmppBroken, Status, Tag, content_of
from tandem.messenger.gateways.domain import (
    Answer,
    Came,
    Flag,
    Incoming,
    Receipt,
    SenderKind,
    Sms,
    Verdict,
    sender_kind,
)
from tandem.messenger.gateways.encoding import parts_of, text_of
from tandem.messenger.gateways.smpp.options import Long

#: type of number and numbering plan
_TON_NPI = {SenderKind.NUMBER: (1, 1), SenderKind.SHORT_CODE: (3, 0), SenderKind.WORD: (5, 0)}
_UDHI = 0x40
_RECEIPT_WANTED = 1
#: of esm_class: which kind of message a deliver_sm is
_TYPE_BITS, _RECEIPT, _INTERMEDIATE = 0x3C, 0x04, 0x20


#: nothing was taken, and later it may be
_LATER = {Status.THROTTLED: 1.0, Status.QUEUE_FULL: 5.0, Status.TEMPORARY: 5.0}
#: nothing was taken, because of us
_OURS = {Status.BAD_BIND, Status.BIND_FAILED, Status.BAD_PASSWORD, Status.BAD_SYSTEM_ID}
#: it may have been taken
_DOUBT = {Status.SYSTEM_ERROR, Status.UNKNOWN_ERROR}
_STATE_FIELD = re.compile(r"\bstat:\s*([A-Z]+)", re.IGNORECASE)
_ID_FIELD = re.compile(r"\bid:\s*([^\s]+)", re.IGNORECASE)
_ERROR_FIELD = re.compile(r"\berr:\s*([^\s]+)", re.IGNORECASE)
_CAME_BY_WORD = {
    "DELIVRD": Came.DELIVERED, "ACCEPTD": Came.ON_THE_WAY, "ENROUTE": Came.ON_THE_WAY, "UNKNOWN": Came.ON_THE_WAY,
    "EXPIRED": Came.FAILED, "DELETED": Came.FAILED, "UNDELIV": Came.FAILED, "REJECTD": Came.FAILED,
    "FAILED": Came.FAILED,
}  # fmt: skip
_WORD_BY_STATE = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}


def submits(sms: Sms, long: Long) -> tuple[smpp34.SubmitSm, ...]:
    """One PDU per part, without sequence numbers. ValueError for a sender that no network takes."""
    ton, npi = _TON_NPI[sender_kind(sms.sender)]
    parts = parts_of(sms.text)
    return tuple(
        smpp34.SubmitSm(
            sms.sender.lstrip("+"), sms.to.lstrip("+"), octets, source_addr_ton=ton, source_addr_npi=npi,
            dest_addr_ton=1, dest_addr_npi=1, esm_class=esm_class, registered_delivery=_RECEIPT_WANTED,
            data_coding=parts.coding, tlvs=tlvs,
        )
        for octets, esm_class, tlvs in _cut(parts.octets, long, zlib.crc32(sms.reference.encode()))
    )  # fmt: skip


def _cut(
    octets: tuple[bytes, ...], long: Long, reference: int
) -> Iterator[tuple[bytes, int, list[smpp34.Tlv]]]:
    count = len(octets)
    if count == 1:
        yield octets[0], 0, []
    elif long is Long.PAYLOAD:
        yield b"", 0, [smpp34.Tlv(Tag.MESSAGE_PAYLOAD, b"".join(octets))]
    elif long is Long.SAR:
        for number, part in enumerate(octets, 1):
            yield (
                part,
                0,
                [
                    smpp34.Tlv(Tag.SAR_MSG_REF_NUM, (reference & 0xFFFF).to_bytes(2, "big")),
                    smpp34.Tlv(Tag.SAR_TOTAL_SEGMENTS, bytes([count])),
                    smpp34.Tlv(Tag.SAR_SEGMENT_SEQNUM, bytes([number])),
                ],
            )
    else:
        for number, part in enumerate(octets, 1):
            header = bytes([5, 0, 3, reference & 0xFF, count, number])
            yield header + part, _UDHI, []


def answer_of(status: int, gateway_id: str) -> Answer:
    """What a submit_sm_resp means for the message."""
    detail = f"SMPP 0x{status:08x} {_name(status)}".strip()
    if status == Status.OK:
        return Answer(
            verdict=Verdict.ACCEPTED,
            detail=gateway_id[:100] or "accepted",
            ids=(gateway_id,) if gateway_id else (),
        )
    if status in _LATER:
        return Answer(verdict=Verdict.DEFERRED, detail=detail, pause=_LATER[Status(status)])
    if status in _OURS:
        return Answer(verdict=Verdict.DEFERRED, detail=detail, pause=30.0)
    if status in _DOUBT:
        return Answer(verdict=Verdict.UNCERTAIN, detail=detail)
    flag = Flag.BAD_NUMBER if status == Status.BAD_DESTINATION else Flag.NONE
    return Answer(verdict=Verdict.REJECTED, detail=detail, flag=flag)


def _name(status: int) -> str:
    try:
        return Status(status).name.lower().replace("_", " ")
    except ValueError:
        return ""


def heard(message: smpp34.DeliverSm) -> Receipt | Incoming | None:
    """A receipt, a person's message, or neither (an acknowledgement, a notice on the way)."""
    octets, kind = content_of(message), message.esm_class & _TYPE_BITS
    tlvs = {tlv.tag: bytes(tlv.value) for tlv in message.tlvs}
    if kind in (_RECEIPT, _INTERMEDIATE):
        return _receipt(octets, tlvs) if kind == _RECEIPT else None
    if kind:
        return None
    if message.esm_class & _UDHI and octets:
        octets = octets[octets[0] + 1 :]
    return Incoming(
        sender=_international(message.source_addr, message.source_addr_ton),
        to=message.destination_addr,
        text=text_of(octets, message.data_coding),
    )


def _receipt(octets: bytes, tlvs: dict[int, bytes]) -> Receipt | None:
    text = octets.decode("latin-1")
    named = _ID_FIELD.search(text)
    gateway_id = _text(tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"")) or (named[1] if named else "")
    state = tlvs.get(Tag.MESSAGE_STATE, b"")
    said = _STATE_FIELD.search(text)
    word = _WORD_BY_STATE.get(state[0], "") if state else (said[1].upper() if said else "")
    if not gateway_id or not word:
        return None
    error = _ERROR_FIELD.search(text)
    detail = word if word == "DELIVRD" else f"{word} {error[1][:20] if error else ''}".strip()
    return Receipt(
        gateway_id=gateway_id[:100], came=_CAME_BY_WORD.get(word, Came.ON_THE_WAY), detail=detail[:200]
    )


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("latin-1").strip()


def _international(number: str, ton: int) -> str:
    return f"+{number}" if ton == 1 and number.isdigit() else number


def ids_alike(gateway_id: str) -> tuple[str, ...]:
    """A message's name as receipts may write it: SMSCs answer in hex and tell in decimal, or the other way round."""
    plain = gateway_id.strip().lower()
    found = [plain, plain.lstrip("0") or "0"]
    if re.fullmatch(r"[0-9]{1,20}", plain):
        found.append(f"{int(plain):x}")
    if re.fullmatch(r"(0x)?[0-9a-f]{1,16}", plain):
        found.append(str(int(plain, 16)))
    return tuple(dict.fromkeys(found))


__all__ = ["SmppBroken", "answer_of", "heard", "ids_alike", "submits"]
