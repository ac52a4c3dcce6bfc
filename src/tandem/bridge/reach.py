"""Who of a part can be reached: each customer is looked up in the list of the part's own template."""

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from tandem.bridge.domain import is_plain
from tandem.bridge.joined import Joined
from tandem.clients.messenger_problems import MessengerCannot, MessengerHasNot, MessengerRefused
from tandem.contract.messenger_api import Contact
from tandem.kit.problems import Problem

log = logging.getLogger("tandem.bridge")
AT_ONCE = 500
#: a list is read whole where that takes fewer calls than asking for each customer, a page being 1,000 contacts
PAGE = 1000
FEW = 50
_NOT_OFFERED = (MessengerCannot, MessengerHasNot, MessengerRefused)
_FOUND = """
UPDATE customers SET state = ?, original_id = ?
WHERE pair = ? AND campaign = ? AND channel = ? AND customer = ? AND state = 'listed'
"""
#: two customer ids that the messenger takes for one contact: the first gets the message
_TWICE = """
UPDATE customers AS c SET state = 'duplicate' WHERE pair = ? AND part = ? AND state = 'found' AND EXISTS (
  SELECT 1 FROM customers AS o WHERE o.pair = c.pair AND o.original_id = c.original_id AND o.campaign = c.campaign
    AND o.channel = c.channel AND o.customer < c.customer)
"""


def look(joined: Joined, part: sqlite3.Row, list_id: int, kind: str) -> int:
    """Find the part's customers on the list and note who is missing; how many can be reached.

    Raises what the messenger's calls raise; it can be begun again from the start.
    """
    of_part = (part["pair"], part["id"])
    joined.state.execute(
        "UPDATE customers SET state = 'listed', original_id = NULL "
        "WHERE pair = ? AND part = ? AND state <> 'cancelled'",
        of_part,
    )
    wanted = joined.state.row("SELECT count(*) FROM customers WHERE pair = ? AND part = ?", of_part)
    count = int(wanted[0]) if wanted else 0
    _resolve(joined, part, list_id, kind, count)
    with joined.state.write() as connection:
        connection.execute(
            "UPDATE customers SET state = 'missing' WHERE pair = ? AND part = ? AND state = 'listed'", of_part
        )
        connection.execute(_TWICE, of_part)
        reachable: int = connection.execute(
            "SELECT count(*) FROM customers WHERE pair = ? AND part = ? AND state = 'found'", of_part
        ).fetchone()[0]
    if reachable < count:
        log.warning(
            "bridge.not_reached pair=%s campaign=%s template=%s customers=%s",
            part["pair"], part["campaign"], part["template"], count - reachable,
        )  # fmt: skip
    return reachable


def _resolve(joined: Joined, part: sqlite3.Row, list_id: int, kind: str, count: int) -> None:
    """By the cheaper way; by the other one where a server has not the call, or seems to know nobody one by one.

    Raises what the calls raise if neither way is offered.
    """
    one_by_one = count <= max(FEW, (_size(joined, list_id) if count > FEW else 0) // PAGE)
    ways = (_asked, _read) if one_by_one else (_read, _asked)
    refused: Problem | None = None
    for way in ways:
        try:
            found = _note(joined, part, kind, way(joined, part, list_id))
        except _NOT_OFFERED as problem:
            refused = refused or problem
            continue
        if found or way is _read or refused is not None:
            return
    if refused is not None and ways[0] is _read:
        raise refused


def _size(joined: Joined, list_id: int) -> int:
    """How many contacts the list has; 0 where the server does not say."""
    try:
        return joined.messenger.contacts_in(list_id)
    except _NOT_OFFERED:
        return 0


def _note(joined: Joined, part: sqlite3.Row, kind: str, found: Iterable[tuple[str, Contact]]) -> int:
    """Write down how each one stands; how many there are."""
    total = 0
    for batch in _batches(found):
        total += len(batch)
        with joined.state.write() as connection:
            connection.executemany(
                _FOUND,
                [
                    (_standing(contact, kind), contact.original_id,
                     part["pair"], part["campaign"], part["channel"], customer)
                    for customer, contact in batch
                ],
            )  # fmt: skip
    return total


def _standing(contact: Contact, kind: str) -> str:
    has, consents = (
        (contact.has_email, contact.email_consent)
        if kind == "email"
        else (contact.has_mobile, contact.sms_consent)
    )
    if not is_plain(contact.original_id):
        return "missing"
    return "unsubscribed" if not consents else "found" if has else "no address"


def _asked(joined: Joined, part: sqlite3.Row, list_id: int) -> Iterator[tuple[str, Contact]]:
    for row in _customers(joined, part):
        contact = joined.messenger.contact(list_id, row["customer"])
        if contact is not None:
            yield row["customer"], contact


def _read(joined: Joined, part: sqlite3.Row, list_id: int) -> Iterator[tuple[str, Contact]]:
    wanted = {row["customer"] for row in _customers(joined, part)}
    for contact in joined.messenger.contacts(list_id):
        if contact.original_id in wanted:
            yield contact.original_id, contact


def _customers(joined: Joined, part: sqlite3.Row) -> list[sqlite3.Row]:
    return joined.state.rows(
        "SELECT customer FROM customers WHERE pair = ? AND part = ?", (part["pair"], part["id"])
    )


def _batches(found: Iterable[tuple[str, Contact]]) -> Iterator[list[tuple[str, Contact]]]:
    rest = iter(found)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch
