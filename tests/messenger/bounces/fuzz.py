"""Tries mutated mails for a while and keeps one of each new behaviour.

    python -m tests.messenger.bounces.fuzz --seconds 600 [--into tests/assets/bounces.json]

A behaviour is what the mail was taken for, and of each recipient action, kind and category. What is kept is replayed by
the tests. An exception, or a second, ends the run.
"""

import argparse
import base64
import json
import random
import time
from pathlib import Path

from tests.fixtures.returned import arf, dsn, plain
from tests.messenger.bounces.shapes import bytes_, cut, status

from tandem.messenger.bounces import mime, reading
from tandem.messenger.bounces.classify import judged, without_addresses
from tandem.messenger.bounces.domain import Mail

CORPUS = Path(__file__).resolve().parents[2] / "assets" / "bounces.json"
LONGEST_KEPT = 3000
WORDS = [
    b"\r\n", b"\n", b"\r", b"\0", b": ", b";", b"<", b">", b"@", b"--", b"--=_b", b"--x", b'"', b"=", b"=?", b"?=",
    b"Content-Type: ", b"multipart/report", b"message/delivery-status", b"message/feedback-report", b"message/rfc822",
    b"boundary=", b"Content-Transfer-Encoding: base64\r\n", b"Action: failed\r\n", b"Action: delayed\r\n", b"Status: ",
    b"5.1.1", b"4.2.2", b"5.7.1", b"2.0.0", b"550 ", b"451 ", b"Final-Recipient: rfc822; ", b"Diagnostic-Code: smtp; ",
    b"Feedback-Type: abuse\r\n", b"Original-Rcpt-To: <a@b>\r\n", b"Auto-Submitted: auto-replied\r\n", b"Subject: ",
    b"Out of office", b"From: MAILER-DAEMON@x\r\n", b"user unknown", b"mailbox full", b"spamhaus", b"policy",
    b"Message-ID: <", b"a: <b@c>, d: ;;", b"\xff\xfe", "é".encode(), b"X-Failed-Recipients: a@b\r\n", b" ", b"\t",
]  # fmt: skip


def tried(raw: bytes) -> tuple[Mail, set[str]]:
    """The mail as it was read, and its behaviours; an exception is the finding."""
    read = reading.read(raw, null_sender=len(raw) % 2 == 0)
    strict = reading._read(raw[: mime.MOST_BYTES], len(raw) % 2 == 0)
    assert read == strict, "an error was caught"
    seen = {f"{read.what} {bool(read.message_ids)} {bool(read.mta)}"}
    for failure in read.failures:
        verdict = judged(failure.status, failure.diagnosis, action=failure.action or "failed")
        words = without_addresses(failure.diagnosis)
        assert len(words) <= 300 and "\0" not in words and "\n" not in words
        seen.add(f"{failure.action} {verdict.kind} {verdict.category}")
    if read.feedback:
        seen.add(f"{read.feedback.kind == 'abuse'} {min(len(read.feedback.recipients), 2)}")
    return read, seen


def seeds() -> list[bytes]:
    """What is mutated."""
    known = [dsn(returned="a@b"), arf(recipients=("a@b", "c@d")), plain("Out of office"), status(b"x")]
    return [*known, *bytes_().values(), *cut().values()]


def mutated(draw: random.Random, one: bytes, other: bytes) -> bytes:
    """One mail changed in a few places, or joined with another."""
    text = bytearray(one)
    for _ in range(draw.randint(1, 6)):
        at = draw.randint(0, len(text))
        match draw.randrange(5):
            case 0:
                text[at:at] = draw.choice(WORDS)
            case 1:
                del text[at : at + draw.randint(1, 40)]
            case 2:
                text[at:at] = text[max(0, at - draw.randint(1, 80)) : at]
            case 3:
                text[at : at + 1] = bytes([draw.randrange(256)])
            case _:
                text[at:] = other[draw.randint(0, len(other)) :]
    return bytes(text[: 4 * LONGEST_KEPT])


def kept() -> list[bytes]:
    """The corpus."""
    return [base64.b64decode(one) for one in json.loads(CORPUS.read_text())] if CORPUS.exists() else []


def main() -> None:
    """Run until the time is over or something is found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    draw, pool, corpus = random.Random(chosen.seed), seeds() + kept(), kept()
    behaviours = {one for raw in pool for one in tried(raw)[1]} if corpus else set()
    until, tries, slowest = time.monotonic() + chosen.seconds, 0, 0.0
    while time.monotonic() < until:
        raw = mutated(draw, draw.choice(pool), draw.choice(pool))
        began = time.perf_counter()
        try:
            fresh = tried(raw)[1] - behaviours
        except BaseException:
            print(base64.b64encode(raw).decode())
            raise
        tries, slowest = tries + 1, max(slowest, time.perf_counter() - began)
        if fresh and len(raw) <= LONGEST_KEPT:
            behaviours |= fresh
            corpus.append(raw)
            pool.append(raw)
    assert slowest < 1.0, f"{slowest:.2f} s for one mail"
    if chosen.into:
        chosen.into.write_text(
            json.dumps([base64.b64encode(one).decode() for one in corpus], indent=0) + "\n"
        )
    print(f"{tries} mails, slowest {slowest * 1000:.0f} ms, {len(corpus)} kept, {len(behaviours)} behaviours")


if __name__ == "__main__":
    main()
