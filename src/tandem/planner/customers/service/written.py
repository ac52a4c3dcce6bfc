"""Attributes and their values written by other programs: checked whole, kept in PostgreSQL, in the next snapshot.

A value lives until a file that came later gives the customer another one. Where values go into files, so nothing that
names a person is taken.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import IntEnum, StrEnum
from typing import Any

from django.db import connection, transaction

from tandem.kit.clock import Clock
from tandem.kit.problems import Refused
from tandem.planner.accounts import service as accounts
from tandem.planner.accounts.models import Account
from tandem.planner.customers.identities import keyed_hash
from tandem.planner.customers.mapping import RESERVED, attribute_name, names_a_person
from tandem.planner.customers.models import Customer, Forgotten, ProfileAttribute
from tandem.planner.customers.purposes import suggested
from tandem.planner.customers.service import callbacks

MOST_CUSTOMERS, MOST_VALUES, MOST_ADDED = 1_000, 10, 40
MOST_LETTERS = 1_000
_PERSONAL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|(\+|00)[\d\s()./-]{7,20}")
_TYPE = re.compile(r"(DECIMAL\(19, ?4\)|INT|BIGINT|DATE|N?VARCHAR\((?P<most>\d{1,4})\))", re.IGNORECASE)
_MOST_DECIMALS = 20
_WHOLE = {"INT": 2**31, "BIGINT": 2**53}
_FLAGS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


class Fault(StrEnum):
    """What is wrong with a value, in the wire's words."""

    CUSTOMER = "INVALID_CUSTOMER"
    FIELD = "INVALID_FIELD"
    VALUE = "INVALID_VALUE"


class AddFault(IntEnum):
    """What is wrong with a new attribute, in the wire's numbers."""

    NAME = 1
    TYPE = 2
    DEFAULT = 3
    EXISTS = 4
    LIMIT = 5


@dataclass(frozen=True, kw_only=True)
class Written:
    """A customer with new values by the attribute's name or label in any case; None takes a value away."""

    customer_id: str
    values: tuple[tuple[str, Any], ...]


class BadAttributes(Refused):
    """The call is refused as a whole."""

    title = "The attributes cannot be taken"


def update_attributes(
    account_id: int,
    written: Sequence[Written],
    *,
    callback: str = "",
    insert: bool = False,
    actor: str,
    clock: Clock,
) -> str:
    """Take all values, or none if one is wrong; what came of it is told to `callback`. Returns the request's id.

    insert: unknown customers are made. Raises BadAttributes; without a call-back also for what it would be told.
    """
    _check_size(written)
    request_id, url = uuid.uuid4().hex, callbacks.checked(callback)
    with transaction.atomic():
        people = _people(account_id, [one.customer_id for one in written], insert=insert)
        rows, faults = _rows(account_id, written, people)
        if not faults:
            _write(account_id, rows, clock)
        _tell(account_id, request_id, url, faults, clock)
        accounts.record(
            account_id, actor=actor, action="attributes.written", subject=f"{len(written)} customers",
            detail={"values": 0 if faults else len(rows), "faults": len(faults)}, clock=clock,
        )  # fmt: skip
    return request_id


def _check_size(written: Sequence[Written]) -> None:
    if not written or len(written) > MOST_CUSTOMERS or any(len(one.values) > MOST_VALUES for one in written):
        raise BadAttributes(
            f"Give 1 to {MOST_CUSTOMERS} customers with at most {MOST_VALUES} attributes each."
        )


def _people(account_id: int, customer_ids: Sequence[str], *, insert: bool) -> dict[str, int]:
    """Customer id -> surrogate, held against erasure to the end of the transaction."""
    usable = {one for one in customer_ids if 0 < len(one) <= 200 and "\x00" not in one}
    if insert:
        usable = {one for one in usable if one.isprintable()}
        hashes = {keyed_hash(account_id, one): one for one in usable}
        forgotten = Forgotten.objects.filter(account_id=account_id, keyed_hash__in=list(hashes))
        usable -= {hashes[found] for found in forgotten.values_list("keyed_hash", flat=True)}
        made = [Customer(account_id=account_id, customer_id=one) for one in sorted(usable)]
        Customer.objects.bulk_create(made, ignore_conflicts=True)
    held = Customer.objects.select_for_update(no_key=True).filter(
        account_id=account_id, customer_id__in=sorted(usable), forgotten=False
    )
    return dict(held.order_by("id").values_list("customer_id", "id"))


def _rows(
    account_id: int, written: Sequence[Written], people: Mapping[str, int]
) -> tuple[dict[tuple[int, int], str | None], list[dict[str, str]]]:
    """(surrogate, attribute) -> value as text, and what is wrong."""
    known = _attributes(account_id)
    rows: dict[tuple[int, int], str | None] = {}
    faults: list[dict[str, str]] = []
    for one in written:
        if one.customer_id not in people:
            faults.append({"customerId": one.customer_id, "error": Fault.CUSTOMER})
            continue
        for name, value in one.values:
            attribute = known.get(name.lower())
            told = {"customerId": one.customer_id, "realFieldName": name}
            if attribute is None:
                faults.append({**told, "error": Fault.FIELD})
                continue
            try:
                rows[people[one.customer_id], attribute.id] = stored_value(attribute, value)
            except ValueError:
                faults.append({**told, "error": Fault.VALUE})
    return rows, faults


def _attributes(account_id: int) -> dict[str, ProfileAttribute]:
    rows = list(ProfileAttribute.objects.filter(account_id=account_id))
    return {row.label.lower(): row for row in rows} | {row.name.lower(): row for row in rows}


def stored_value(attribute: ProfileAttribute, value: Any) -> str | None:
    """The value as it is kept; None for none. Raises ValueError for one that the attribute cannot hold."""
    if value is None or value == "":
        return None
    if not isinstance(value, str | int | float):
        raise ValueError("The value is no text, number or flag.")
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    return _READERS[attribute.kind](text, attribute.declared.upper()) or None


def _text(text: str, declared: str) -> str:
    match = _TYPE.fullmatch(declared)
    most = int(match["most"]) if match and match["most"] else MOST_LETTERS
    if len(text) > most or (text and not text.isprintable()) or _PERSONAL.fullmatch(text):
        raise ValueError("The text is too long, or is an address or a number of a person.")
    return text


def _number(text: str, declared: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("The value is no number.") from error
    limit = _WHOLE.get(declared, 10**15)
    # a tiny number such as 1e-999999999 would be written out digit by digit
    if not number.is_finite() or abs(number) >= limit or number.as_tuple().exponent < -_MOST_DECIMALS:  # type: ignore[operator]
        raise ValueError("The number does not fit.")
    if declared in _WHOLE and number != int(number):
        raise ValueError("The number is not whole.")
    return format(number, "f")


def _flag(text: str, _: str) -> str:
    if text.lower() not in _FLAGS:
        raise ValueError("The value is neither true nor false.")
    return _FLAGS[text.lower()]


_READERS = {
    "text": _text,
    "number": _number,
    "money": _number,
    "date": lambda text, _: date.fromisoformat(text).isoformat(),
    "flag": _flag,
}


def _write(account_id: int, rows: Mapping[tuple[int, int], str | None], clock: Clock) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO planner_customers_attributevalue (account_id, customer_id, attribute_id, value, written_at) "
            "SELECT %s, customer, attribute, value, %s FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS "
            "given(customer, attribute, value) ON CONFLICT (account_id, customer_id, attribute_id) DO UPDATE SET "
            "value = excluded.value, written_at = excluded.written_at",
            [
                account_id,
                clock.system(),
                [customer for customer, _ in rows],
                [attribute for _, attribute in rows],
                list(rows.values()),
            ],
        )


def _tell(account_id: int, request_id: str, url: str, faults: list[dict[str, str]], clock: Clock) -> None:
    if faults and not url:
        raise BadAttributes(" ".join(str(part) for part in faults[0].values()))
    body: dict[str, Any] = {"isSuccess": not faults, "requestId": request_id}
    if faults:
        body |= {"error": faults[0]["error"], "errors": faults[:100]}
    callbacks.enqueue(account_id, url, body, clock=clock)


def add_attribute(
    account_id: int,
    *,
    name: str,
    type: str,
    default: Any = None,
    callback: str = "",
    actor: str,
    clock: Clock,
) -> str:
    """Add an attribute that programs may write; what came of it is told to `callback`. Returns the request's id.

    type: DECIMAL(19,4), INT, BIGINT, DATE, VARCHAR(n) or NVARCHAR(n). default: what customers without a value have.
    Raises BadAttributes for an unusable call-back; without one also for what it would be told.
    """
    request_id, url = uuid.uuid4().hex, callbacks.checked(callback)
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(id=account_id)  # the account itself
        fault = _add(account_id, name.strip(), type.strip().upper(), default)
        body: dict[str, Any] = {"isSuccess": fault is None, "requestId": request_id}
        if fault and not url:
            raise BadAttributes(f"The attribute's {fault.name.lower()} is refused (error {fault:d}).")
        callbacks.enqueue(account_id, url, body | ({"errorId": int(fault)} if fault else {}), clock=clock)
        accounts.record(
            account_id, actor=actor, action="attribute.added", subject=name,
            detail={"type": type, "fault": fault.name.lower() if fault else ""}, clock=clock,
        )  # fmt: skip
    return request_id


def _add(account_id: int, label: str, declared: str, default: Any) -> AddFault | None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]{0,49}", label) or names_a_person(label):
        return AddFault.NAME
    if not _TYPE.fullmatch(declared):
        return AddFault.TYPE
    kind = "text" if "CHAR" in declared else "date" if declared == "DATE" else "number"
    row = ProfileAttribute(
        account_id=account_id, name=attribute_name(label, ()), label=label, kind=kind, declared=declared,
        purpose=str(suggested(label)[0]),
    )  # fmt: skip
    try:
        row.default = stored_value(row, default)
    except ValueError:
        return AddFault.DEFAULT
    rows = ProfileAttribute.objects.filter(account_id=account_id)
    taken = {one.name for one in rows} | {one.label.lower() for one in rows}
    if row.name in RESERVED | taken or label.lower() in taken:
        return AddFault.EXISTS
    if rows.exclude(declared="").count() >= MOST_ADDED:
        return AddFault.LIMIT
    row.save()
    return None
