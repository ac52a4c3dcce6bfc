"""What is uncertain is settled by what comes later: reports that messages came over, and an operator who looked."""

import smtplib
import time
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from faults.invariants import UNCERTAIN
from faults.observed import Run
from faults.world import World, address_of

_UNSURE = "SELECT seq, customer FROM messenger_delivery_attempt WHERE sending_id = %s AND state = %s"
SECONDS = 30.0


def settle(world: World, run: Run) -> int:
    """Uncertain rows that were settled: of what the relay has by its reports, of the rest by command."""
    found = world.sending(run)
    rows = world.rows(_UNSURE, [found[0], UNCERTAIN]) if found else []
    if not found or not rows:
        return 0
    at_relay = {fact["to"]: fact for fact in world.facts(run)}
    with _door(world.bounce_port) as door:
        for seq, customer in rows:
            fact = at_relay.get(address_of(customer))
            if fact is None:
                world.stack.run("sendings", "resolve", str(found[0]), str(seq), "rejected")
            else:
                door.send_message(_delivered(fact["to"], fact["id"]), "", fact["from"])
    return len(rows) - _left(world, found[0])


def _door(port: int) -> smtplib.SMTP:
    """The door for bounces, which may be on its way up."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return smtplib.SMTP("127.0.0.1", port, timeout=20)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _left(world: World, sending: int) -> int:
    deadline = time.monotonic() + SECONDS
    while left := len(world.rows(_UNSURE, [sending, UNCERTAIN])):
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return left


def _delivered(recipient: str, message_id: str) -> Message:
    """The relay's report of success (RFC 3464)."""
    report = MIMEMultipart("report")
    report.set_param("report-type", "delivery-status")
    report["From"] = "MAILER-DAEMON@relay.simulated"
    report["Subject"] = "Successful Mail Delivery Report"
    report.attach(MIMEText("Your message was handed over.\n"))
    status, about, whom = Message(), Message(), Message()
    status["Content-Type"] = "message/delivery-status"
    about["Reporting-MTA"] = "dns; relay.simulated"
    whom["Final-Recipient"] = f"rfc822; {recipient}"
    whom["Action"] = "delivered"
    whom["Status"] = "2.0.0"
    status.set_payload([about, whom])
    report.attach(status)
    head = Message()
    head["Content-Type"] = "text/rfc822-headers"
    head.set_payload(f"Message-ID: {message_id}\n")
    report.attach(head)
    return report
