"""The mapping's text form reads back as written."""

from hypothesis import given
from hypothesis import strategies as st

from tandem.planner.customers.domain import Column
from tandem.planner.customers.mapping import (
    ORDER_ROLES,
    attribute_name,
    guess_orders,
    read_mapping,
    write_mapping,
)

names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda t: t == t.strip() and "\x85" not in t
)


@given(st.dictionaries(st.sampled_from([r for r in ORDER_ROLES if r != "at_format"]), names, min_size=1))
def test_round_trip(roles):
    columns = [Column(name=name, type="text") for name in roles.values()]
    assert read_mapping(write_mapping(roles), columns) == roles


@given(st.text(max_size=80), st.sets(st.text(max_size=5)))
def test_attribute_names_are_plain_and_new(label, used):
    made = attribute_name(label, used)
    assert made not in used and made[0].isalpha() and made.isascii()
    assert made.replace("_", "").isalnum() and made == made.lower()


def test_a_second_date_is_no_order_number():
    columns = [
        Column(name="customer_id", type="text", example="A1"),
        Column(name="invoicedate", type="date", dates=1.0, date_format="%Y-%m-%d"),
        Column(name="order_date", type="date", dates=1.0, date_format="%Y-%m-%d"),
        Column(name="amount", type="double", numbers=1.0, decimals=1.0),
    ]
    roles = guess_orders(columns).roles
    assert roles == {"at": "invoicedate", "customer": "customer_id", "value": "amount"}
