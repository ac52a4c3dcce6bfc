"""Hostile mails, made from known shapes: truncated, huge, nested, with NUL, in broken charsets; name -> mail."""

import base64

from tests.fixtures.returned import arf, dsn, plain

NESTED = b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n'
TRIPS_THE_LIBRARY = "To: a: <b@c>, d: ;;\r\nCc: a: <b@c>, d: ;;\r\nReply-To: ,;:<@\r\n"
RECIPIENT = b"Final-Recipient: rfc822; c1@people.example\r\nAction: failed\r\n"
STATUS = b"Reporting-MTA: dns; mx\r\n\r\n" + RECIPIENT + b"Status: 5.1.1\r\n"


def report(body: bytes, head: bytes = b"", boundary: bytes = b"x") -> bytes:
    """A multipart/report with this inside."""
    kind = b"Content-Type: multipart/report; report-type=delivery-status; boundary=" + boundary
    return b"From: MAILER-DAEMON@x\r\n" + head + kind + b"\r\n\r\n" + body


def status(content: bytes, head: bytes = b"") -> bytes:
    """A report whose status part is this."""
    return report(
        b"--x\r\nContent-Type: message/delivery-status\r\n" + head + b"\r\n" + content + b"\r\n--x--\r\n"
    )


def cut() -> dict[str, bytes]:
    """Known shapes that end too early."""
    shapes = {"dsn": dsn(returned="a@b"), "arf": arf(recipients=("a@b", "c@d"), returned="a@b")}
    return {
        f"{name} cut at {tenth * 10} %": whole[: len(whole) * tenth // 10]
        for name, whole in shapes.items()
        for tenth in range(0, 10, 2)
    }


def sizes() -> dict[str, bytes]:
    """Too much of everything."""
    mega = 2**20
    return {
        "a megabyte of nothing": b" " * mega,
        "a megabyte of NUL": b"\0" * mega,
        "one header of a megabyte": b"Subject: " + b"a" * mega + b"\r\n\r\nx",
        "one header of a megabyte in folds": b"Subject: a\r\n" + b" a\r\n" * (mega // 4) + b"\r\nx",
        "fifty thousand headers": b"".join(b"X-%d: 1\r\n" % n for n in range(50_000)) + b"\r\nx",
        "fifty thousand of one header": b"Received: x\r\n" * 50_000 + b"\r\nx",
        "a megabyte without a line break": report(b"--x\r\n" + b"a" * mega),
        "a megabyte of at signs": plain("Returned mail", "@" * mega, writer="MAILER-DAEMON@x"),
        "a megabyte of angle brackets": plain("Returned mail", "<" * mega, writer="MAILER-DAEMON@x"),
        "a megabyte of replies": plain("Returned mail", "550 " * (mega // 4), writer="MAILER-DAEMON@x"),
        "a megabyte of dashes": report(b"-" * mega),
        "a megabyte of blank lines": report(b"\r\n" * (mega // 2)),
        "ten thousand parts": report(b"--x\r\n\r\na\r\n" * 10_000),
        "ten thousand empty parts": report(b"--x\r\n" * 10_000),
        "ten thousand recipients": status(STATUS + b"\r\n\r\n" + (RECIPIENT + b"\r\n") * 10_000),
        "a diagnosis of a megabyte": status(STATUS + b"Diagnostic-Code: smtp; " + b"a@" * (mega // 2)),
        "a diagnosis in folds": status(STATUS + b"Diagnostic-Code: smtp; x\r\n" + b" 5.1.1\r\n" * 50_000),
        "a boundary of a megabyte": report(b"x", boundary=b"a" * mega),
        "a status of a megabyte": status(b"Status: " + b"5" * mega + b"\r\nAction: failed"),
        "a message id of a megabyte": plain("x", "Message-ID: <" + "a" * mega, writer="MAILER-DAEMON@x"),
        "a thousand message ids": plain("x", "Message-ID: <a@b>\r\n" * 1000, writer="MAILER-DAEMON@x"),
        "ten thousand complained of": arf(recipients=tuple(f"a{n}@b" for n in range(10_000))),
        "a base64 bomb": status(base64.b64encode(b"A" * mega), b"Content-Transfer-Encoding: base64\r\n"),
        "quoted printable of equal signs": status(b"=" * mega, b"Content-Transfer-Encoding: quoted-printable\r\n"),
        "a subject of encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\nx",
        "words that almost match": plain("Returned", "mailbox " * 100_000 + "ful", writer="MAILER-DAEMON@x"),
        "almost a qmail bounce": plain("failure", "Hi. This is the" + " <a" * 100_000, writer="MAILER-DAEMON@x"),
        "almost a postfix bounce": plain("x", "  The Postfix program\n" + "<" * 50_000, writer="MAILER-DAEMON@x"),
    }  # fmt: skip


def nests() -> dict[str, bytes]:
    """Parts in parts."""
    deep = b"".join(NESTED % (n, n) for n in range(5000))
    return {
        "five thousand parts deep": deep + b"\r\nx",
        "five thousand parts deep in a report": report(b"--x\r\n" + deep),
        "messages in messages": report(b"--x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 5000),
        "a part that holds itself": report(b"--x\r\nContent-Type: multipart/report; boundary=x\r\n\r\n" * 50),
        "comments in comments": b"To: " + b"(" * 20_000 + b"\r\n\r\nx",
        "groups that trip the library": (TRIPS_THE_LIBRARY + "From: MAILER-DAEMON@x\r\n\r\n550 x").encode(),
        "groups in a report": report(b"--x\r\n", TRIPS_THE_LIBRARY.encode()),
        "groups as a recipient": status(STATUS.replace(b"c1@people.example", b"a: <b@c>, d: ;;")),
        "quotes without an end": b'Content-Type: multipart/report; boundary="x\r\n\r\n--x\r\n',
        "parameters without an end": b"Content-Type: multipart/report" + b"; a=b" * 50_000 + b"\r\n\r\n",
        "an empty boundary": report(b"--\r\n\r\nx\r\n----\r\n", boundary=b'""'),
        "a boundary of dashes": report(b"----\r\n\r\nx\r\n------\r\n", boundary=b"--"),
        "a boundary with a pattern": report(b"--(.*)+\r\n\r\nx\r\n", boundary=b'"(.*)+"'),
        "a boundary in latin-1": report(b"--\xe9\r\n\r\nx\r\n", boundary=b"\xe9"),
    }


def bytes_() -> dict[str, bytes]:
    """Bytes that no mail should have."""
    return {
        "nothing": b"",
        "a line break": b"\r\n",
        "a byte": b"\xff",
        "bare carriage returns": dsn().replace(b"\r\n", b"\r"),
        "bare line feeds": dsn().replace(b"\r\n", b"\n"),
        "NUL in headers": b"From: MAILER-DAEMON\0@x\r\nSubject\0: \0\r\n\r\n\0",
        "NUL in a status": status(STATUS.replace(b"5.1.1", b"5.\0.1")),
        "NUL in a recipient": status(STATUS.replace(b"c1", b"c\0")),
        "a charset that is none": b"Subject: =?x-none?q?=FF?=\r\n\r\nx",
        "a charset with a path": b"Subject: =?../../etc/passwd?b?AA==?=\r\n\r\nx",
        "an encoding that is none": status(STATUS, b"Content-Transfer-Encoding: \xff\r\n"),
        "base64 that is none": status(b"\xff\xfe====", b"Content-Transfer-Encoding: base64\r\n"),
        "utf-16": dsn().decode().encode("utf-16"),
        "utf-7": b"+ADw-script+AD4-",
        "lone surrogates": "Subject: \udc80\r\n\r\nx".encode("utf-8", "surrogatepass"),
        "right to left": plain("\u202eecnatsbus", "550 5.1.1 \u202e", writer="MAILER-DAEMON@x"),
        "a status of other digits": status(STATUS.replace(b"5.1.1", "٥.١.١".encode())),
        "a status beyond all": status(STATUS.replace(b"5.1.1", b"5.99999.99999")),
        "a negative status": status(STATUS.replace(b"5.1.1", b"-5.-1.-1")),
        "an action that is none": status(STATUS.replace(b"failed", b"'; DROP TABLE x; --")),
        "headers without names": b": x\r\n:\r\n : \r\n\r\nx",
        "markup": dsn(words="<script>alert(1)</script><img src=x onerror=alert(1)>"),
        "a formula": dsn(words="=cmd|' /C calc'!A0"),
        "a header in a diagnosis": dsn(words="550 x\r\n\r\nBcc: victim@people.example"),
        "complaint of nothing": arf("").replace(b"Feedback-Type: \r\n", b""),
        "complaint of a group": arf(recipients=("a: <b@c>, d: ;;",)),
        "both at once": arf().replace(b"Version: 1", STATUS),
        "a zip that says it is a report": status(b"PK\x03\x04" + b"\0" * 1000),
    }  # fmt: skip


def all_shapes() -> dict[str, bytes]:
    """Every hostile mail."""
    return {**cut(), **sizes(), **nests(), **bytes_()}
