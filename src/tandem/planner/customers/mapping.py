"""Which column plays which role: the text form, and the guess from names, types and content."""

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tandem.planner.customers.domain import IDENTITY_KEYS, Column
from tandem.planner.customers.errors import AmbiguousFile, BadMapping
from tandem.planner.customers.score_words import score_attributes

ORDER_ROLES = (
    "customer",
    "at",
    "value",
    "quantity",
    "price",
    "category",
    "order",
    "currency",
    "country",
    "at_format",
)
_NAMES: dict[str, tuple[str, ...]] = {
    "customer": (
        "customerid", "customer", "custid", "customerno", "customernumber", "customerkey", "clientid",
        "client", "userid",
        "user", "memberid", "member", "householdid", "household", "buyerid", "buyer", "shopperid",
        "contactid", "originalid",
        "accountid", "personid", "patronid", "id",
    ),
    "at": (
        "invoicedate", "orderdate", "transactiontimestamp", "transactiondate", "purchasedate", "orderedat",
        "purchasedat",
        "timestamp", "datetime", "date", "createdat", "at", "time", "day", "paidat", "ordertime", "saledate",
    ),
    "value": (
        "value", "amount", "total", "dollarvalue", "salesvalue", "ordervalue", "revenue", "totalamount", "amountpaid",
        "linetotal", "ordertotal", "totalprice", "totalvalue", "netamount", "grandtotal", "spend", "spent",
        "sum", "turnover",
        "sales",
    ),
    "quantity": ("quantity", "qty", "units", "numberofcds", "items", "pieces", "count", "itemcount", "numberofitems"),
    "price": ("unitprice", "price", "itemprice", "priceeach", "pieceprice"),
    "category": (
        "category", "productcategory", "department", "productgroup", "genre", "stockcode", "sku",
        "productid", "product",
        "itemid", "item", "article",
    ),
    "order": (
        "invoiceno", "invoice", "invoicenumber", "invoiceid", "orderid", "orderno", "ordernumber", "order", "basketid",
        "transactionid", "receiptid", "receipt",
    ),
    "currency": ("currency", "currencycode", "ccy"),
    "country": ("country", "countrycode", "countryname"),
}  # fmt: skip
_IDENTITY: dict[str, tuple[str, ...]] = {
    "email": ("email", "emailaddress", "mail", "epost"),
    "phone": ("phone", "mobile", "mobilenumber", "phonenumber", "telephone", "tel", "msisdn", "cell", "sms"),
    "first_name": ("firstname", "givenname", "forename", "fname"),
    "last_name": ("lastname", "surname", "familyname", "lname"),
    "name": ("name", "fullname", "customername", "contactname"),
    "address": ("address", "street", "streetaddress", "addressline1", "postaladdress"),
}

_COMPUTED = (
    "customer first_order last_order orders total_spent average_order first_day_value orders_30 orders_90 "
    "orders_365 spent_30 spent_90 spent_365 returns returned days_since_last_order tenure_days usual_gap "
    "main_category rfm_recency rfm_frequency rfm_monetary stage microsegment microsegment_id value_segment "
    "may_receive_email may_receive_sms may_be_profiled objects_to_profiling events "
)
RESERVED = frozenset((*_COMPUTED.split(), *(row[0] for row in score_attributes())))
#: the column of a customer file that says who objects to profiling
OBJECTION = "objects_to_profiling"
_OBJECTION_NAMES = (
    "objectstoprofiling", "objectionprofiling", "profilingobjection", "profilingobjected", "profilingoptout",
    "optoutprofiling", "noprofiling", "donotprofile",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Guess:
    """Role -> column, and why, in sentences."""

    roles: dict[str, str]
    why: tuple[str, ...]


def squeeze(text: str) -> str:
    """A column name in small letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def write_mapping(roles: dict[str, str]) -> str:
    """The text form, `customer=CustomerID,at=InvoiceDate`; a name with a comma is quoted."""
    return ",".join(_quoted(f"{role}={column}") for role, column in roles.items())


def _quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"' if "," in part or '"' in part else part


def read_mapping(
    text: str, columns: Sequence[Column], *, roles: Sequence[str] | None = ORDER_ROLES
) -> dict[str, str]:
    """The text form read back and checked against the file's columns. Raises BadMapping; roles None = any."""
    names = {c.name for c in columns}
    found: dict[str, str] = {}
    for part in next(csv.reader([text], skipinitialspace=True), []):
        role, equals, column = (x.strip() for x in part.partition("="))
        if not equals or not column or (roles is not None and role not in roles):
            raise BadMapping(
                f"{part!r} is not one of {', '.join(r + '=COLUMN' for r in roles or ('customer', 'NAME'))}.",
                "Write the mapping as customer=COLUMN,at=COLUMN,value=COLUMN.",
            )
        if role in found:
            raise BadMapping(f"{role} is given twice.", "Name each role once.")
        if column not in names and role != "at_format":
            raise BadMapping(
                f"The file has no column {column!r}.", f"Its columns are {', '.join(sorted(names))}."
            )
        found[role] = column
    return found


def check_order_roles(roles: dict[str, str]) -> None:
    """Customer, date and a value, or quantity and price, are needed. Raises BadMapping."""
    missing = [role for role in ("customer", "at") if role not in roles]
    if missing or not ("value" in roles or {"quantity", "price"} <= roles.keys()):
        needed = ", ".join(missing) or "value, or quantity and price"
        raise BadMapping(f"The mapping does not say which column is {needed}.", "Add it to the mapping.")


def guess_orders(columns: Sequence[Column]) -> Guess:
    """Guess the roles of an order file. Raises AmbiguousFile with the columns and the line to give."""
    taken: set[str] = set()
    roles: dict[str, str] = {}
    why: list[str] = []
    open_roles: dict[str, list[Column]] = {}
    for role in ("at", "customer", "quantity", "price", "value", "order", "category", "currency", "country"):
        scored = sorted(
            ((s, c) for c in columns if c.name not in taken and (s := _score(role, c))), key=lambda x: -x[0]
        )
        if not scored or (role == "value" and scored[0][0] == 1.0 and "price" in roles):
            continue
        best = [c for s, c in scored if s == scored[0][0]]
        if len(best) > 1:
            open_roles[role] = best
            continue
        roles[role] = best[0].name
        taken.add(best[0].name)
        why.append(_reason(role, best[0], scored[0][0]))
    _settle(columns, roles, open_roles, why)
    return Guess(roles=roles, why=tuple(why))


def _settle(
    columns: Sequence[Column], roles: dict[str, str], unclear: dict[str, list[Column]], why: list[str]
) -> None:
    priced = {"quantity", "price"} <= roles.keys()
    if "value" not in roles and priced:
        unclear.pop("value", None)
        why.append(f"Amount = {roles['quantity']} x {roles['price']}.")
    if "value" not in roles and "price" in roles and not priced:
        roles["value"] = roles.pop("price")
        why.append(f"value = {roles['value']}: there is no quantity, so a line's price is its amount.")
    needed = [r for r in ("customer", "at", "value") if r not in roles and not (r == "value" and priced)]
    if needed:
        raise _ambiguous(columns, roles, unclear, needed)
    if "value" in roles:
        roles.pop("price", None)
    _settle_format(columns, roles)


def _settle_format(columns: Sequence[Column], roles: dict[str, str]) -> None:
    at = next(c for c in columns if c.name == roles["at"])
    if "|" not in at.date_format:
        return
    one, other = at.date_format.split("|")
    raise AmbiguousFile(
        f"The dates of {at.name} (as {at.example}) can be read as {one} and as {other}.",
        f'Give MAPPING="{write_mapping({**roles, "at_format": one})}" or the same with {other}.',
    )


def _ambiguous(
    columns: Sequence[Column], roles: dict[str, str], unclear: dict[str, list[Column]], needed: list[str]
) -> AmbiguousFile:
    seen = "; ".join(f"{c.name} ({c.type}, as {c.example or 'empty'})" for c in columns)
    parts = []
    for role in needed:
        choice = [c.name for c in unclear.get(role, ())]
        parts.append(f"{role}: {' or '.join(choice) if choice else 'no column looks like it'}")
    line = {r: roles.get(r, "COLUMN") for r in ("customer", "at", "value")}
    line |= {r: c for r, c in roles.items() if r not in line}
    return AmbiguousFile(
        f"Not clear are {', '.join(parts)}. The file has the columns {seen}.",
        f'Give the columns: MAPPING="{write_mapping(line)}".',
    )


def _score(role: str, column: Column) -> float:
    """0 = cannot be; a full name beats a part of a name beats content alone."""
    if not _fits(role, column):
        return 0.0
    small = squeeze(column.name)
    words = _NAMES[role]
    if small in words:
        return 100.0 - words.index(small)
    unnamed = re.fullmatch(r"column\d+", column.name) is not None
    if not unnamed and any(w in small for w in words if len(w) > 4):
        return 10.0
    return 1.0 if role in ("at", "value") or (unnamed and role == "customer") else 0.0


def _fits(role: str, column: Column) -> bool:
    if role == "at":
        return column.dates >= 0.9 and (column.decimals < 0.1 or column.date_format.startswith("%d."))
    if role == "customer":
        return column.decimals < 0.05 or column.example.endswith(".0")
    if role == "order":
        return column.dates < 0.9 or squeeze(column.name) in _NAMES["order"]
    if role in ("value", "price"):
        named = squeeze(column.name) in _NAMES[role]
        money = (
            column.decimals > 0.2
            or named
            or column.type in ("double", "float")
            or column.type.startswith("decimal")
        )
        return column.numbers >= 0.9 and money and "discount" not in column.name.lower()
    return column.numbers >= 0.9 if role == "quantity" else True


def _reason(role: str, column: Column, score: float) -> str:
    by = "its name" if score > 1 else "its content"
    example = f" (as {column.example})" if role != "customer" else ""  # an id is a person's
    return f"{role} = {column.name}, by {by}{example}."


def guess_attributes(columns: Sequence[Column]) -> Guess:
    """Guess customer, identity and attribute columns of a customer file. Raises AmbiguousFile."""
    customer = max(columns, key=lambda c: _customer_score(c, len(columns)))
    if _customer_score(customer, len(columns)) <= 0:
        raise _ambiguous(columns, {}, {}, ["customer"])
    roles, why = {"customer": customer.name}, [f"customer = {customer.name}, by its name."]
    for column in columns:
        if column is customer:
            continue
        if squeeze(column.name) in _OBJECTION_NAMES and OBJECTION not in roles:
            roles[OBJECTION] = column.name
            why.append(f"{column.name} = who objects to profiling: yes is written down, no changes nothing.")
            continue
        key = identity_key(column)
        if key and key not in roles:
            roles[key] = column.name
            why.append(f"{column.name} identifies people ({key}): kept with the identity, not in files.")
            continue
        roles[attribute_name(column.name, {*roles, *RESERVED})] = column.name
    return Guess(roles=roles, why=tuple(why))


def _customer_score(column: Column, width: int) -> float:
    small, words = squeeze(column.name), _NAMES["customer"]
    if small in words and column.emails < 0.5:
        return 100.0 - words.index(small)
    return 10.0 if any(w in small for w in words if len(w) > 5) and not identity_key(column) else 0.0


def identity_key(column: Column) -> str:
    """The identity field this column is by name or content; free text is `free text:`; else empty."""
    small = squeeze(column.name)
    for key, words in _IDENTITY.items():
        if small in words:
            return key
    if column.emails > 0.3:
        return "email"
    if column.phones > 0.5:
        return "phone"
    return f"text_{small}" if _free_text(column) else ""


def _free_text(column: Column) -> bool:
    plain = column.type == "text" and column.numbers < 0.9 and column.dates < 0.9
    return plain and column.distinct > 200 and column.distinct > 0.5 * column.sampled


def names_a_person(label: str) -> bool:
    """Whether an attribute of this name would hold what identifies people."""
    return any(squeeze(label) in words for words in _IDENTITY.values())


def is_identity(role: str) -> bool:
    """Whether a role goes to the identity and not to Parquet."""
    return role in IDENTITY_KEYS or role.startswith("text_")


def attribute_name(label: str, used: Collection[str]) -> str:
    """A column's name as an attribute: small letters, digits, underscores, not yet used."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", label)
    base = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:50] or "attribute"
    base = base if base[0].isalpha() else f"a_{base}"
    made, n = base, 2
    while made in used:
        made, n = f"{base}_{n}", n + 1
    return made
