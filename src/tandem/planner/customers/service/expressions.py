"""The expressions by which a file's columns become order fields; columns and formats are quoted, never typed in."""

from dataclasses import dataclass

from tandem.planner.accounts.models import Account
from tandem.planner.customers.domain import Column
from tandem.planner.customers.reading import Source
from tandem.planner.customers.storage import literal, name

_NUMBER = "DECIMAL(18,4)"


@dataclass(frozen=True, kw_only=True)
class Fields:
    """SQL of each field of an order over the source's columns; `reason` over the fields."""

    customer: str
    at: str
    amount: str
    quantity: str
    price: str
    category: str
    cancelled: str
    currency: str
    country: str
    raw_at: str
    raw_value: str
    reason: str


def order_fields(
    source: Source, columns: tuple[Column, ...], roles: dict[str, str], account: Account
) -> Fields:
    """The fields for these roles; amounts are the value column, or quantity x price."""
    of = {c.name: c for c in columns}
    known = {role: of[column] for role, column in roles.items() if role != "at_format"}
    at = known["at"]
    quantity = number(source, known["quantity"]) if "quantity" in known else "1"
    price = number(source, known["price"]) if "price" in known else "NULL"
    amount = number(source, known["value"]) if "value" in known else f"({quantity}) * ({price})"
    value_column = known.get("value") or known["price"]
    return Fields(
        customer=customer_id(source, known["customer"]),
        at=moment(source, at, roles.get("at_format") or at.date_format, account.zone),
        amount=amount, quantity=quantity, price=price,
        category=text(known["category"]) if "category" in known else "NULL::VARCHAR",
        cancelled=_cancelled(known.get("order")),
        currency=f"upper({text(known['currency'])})" if "currency" in known else "NULL::VARCHAR",
        country=text(known["country"]) if "country" in known else "NULL::VARCHAR",
        raw_at=f"{name(at.name)}::VARCHAR", raw_value=f"{name(value_column.name)}::VARCHAR",
        reason=_reason(account.currency, computed="value" not in known),
    )  # fmt: skip


def text(column: Column) -> str:
    """Trimmed text, NULL when empty."""
    return f"nullif(trim({name(column.name)}::VARCHAR), '')"


def customer_id(source: Source, column: Column) -> str:
    """The id as text; whole numbers that a table program wrote as 17850.0 lose the .0."""
    plain = text(column)
    floats = source.type_of(column.name) in ("DOUBLE", "FLOAT") or (
        column.decimals > 0.95 and column.example.endswith(".0")
    )
    return rf"regexp_replace({plain}, '^(\d+)\.0$', '\1')" if floats else plain


def number(source: Source, column: Column) -> str:
    """A decimal, NULL where it is none; infinities and not-a-number are none."""
    if not source.texts and source.type_of(column.name) != "VARCHAR":
        return f"TRY_CAST({name(column.name)} AS {_NUMBER})"
    plain = f"trim({name(column.name)})"
    if column.number_style == "comma":
        plain = f"replace(replace(regexp_replace({plain}, '[^0-9.,+-]', '', 'g'), '.', ''), ',', '.')"
    elif column.number_style == "symbols":
        plain = f"regexp_replace({plain}, '[^0-9.+-]', '', 'g')"
    return f"TRY_CAST({plain} AS {_NUMBER})"


def moment(source: Source, column: Column, form: str, zone: str) -> str:
    """A local timestamp without zone: the account's zone where the file gives one."""
    type_ = source.type_of(column.name)
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"({name(column.name)} AT TIME ZONE {literal(zone)})"
    if type_.startswith(("DATE", "TIMESTAMP")):
        return f"{name(column.name)}::TIMESTAMP"
    plain = text(column)
    if not form:
        return f"TRY_CAST({plain} AS TIMESTAMP)"
    if "%z" in form:
        return f"(try_strptime({plain}, {literal(form)}) AT TIME ZONE {literal(zone)})"
    if form.startswith("%Y-"):
        return f"TRY_CAST({plain} AS TIMESTAMP)"
    return f"try_strptime({plain}, {literal(form)})"


def _cancelled(order: Column | None) -> str:
    """Invoice numbers of digits with some that begin with C: those are cancellations."""
    if order is None or order.digits < 0.5:
        return "false"
    return rf"coalesce(regexp_matches(trim({name(order.name)}::VARCHAR), '^[Cc]\d+$'), false)"


def _reason(currency: str, *, computed: bool) -> str:
    no_price = "WHEN price = 0 THEN 'price is zero'" if computed else ""
    return f"""CASE WHEN broken IS NOT NULL THEN broken
      WHEN customer IS NULL THEN 'no customer'
      WHEN length(customer) > 200 OR regexp_matches(customer, '[\\x00-\\x1f]') THEN 'customer id is not usable'
      WHEN raw_at IS NULL THEN 'no date' WHEN moment IS NULL THEN 'date not understood'
      WHEN moment < TIMESTAMP '1970-01-01' OR moment > TIMESTAMP '2200-01-01' THEN 'date out of range'
      WHEN amount IS NULL AND raw_value IS NULL THEN 'no amount' WHEN amount IS NULL THEN 'amount not understood'
      WHEN abs(amount) > 1000000000000 THEN 'amount out of range' {no_price}
      WHEN currency IS NOT NULL AND currency <> {literal(currency)} THEN 'another currency than {currency[:3]}' END"""
