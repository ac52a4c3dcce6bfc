"""The text form round-trips, and says where it cannot be read."""

import pytest
from hypothesis import given, settings
from tests.fixtures.examples import examples
from tests.planner.targeting.generated import CATALOGUE, CONDITIONS

from tandem.planner.targeting.domain import document
from tandem.planner.targeting.errors import ConditionRefused, TextRefused
from tandem.planner.targeting.parsing import parse
from tandem.planner.targeting.reading import read, read_text
from tandem.planner.targeting.wording import to_text


@settings(max_examples=examples(100), deadline=None)
@given(CONDITIONS)
def test_tree_to_text_to_tree_and_back(stored):
    tree = read(stored, CATALOGUE)
    text = to_text(tree)
    again = read_text(text, CATALOGUE)
    assert again == tree
    assert to_text(again) == text
    assert read(document(tree), CATALOGUE) == tree


@pytest.mark.parametrize(
    "text",
    [
        "country is any of SE, NO and total_spent is more than 300",
        "country is any of SE, NO and spent more than 300 in the last 90 days",
        "ordered at least 2 times in the last 365 days",
        'never ordered category "X y"',
        "not (country is any of SE or orders is between 1 and 5)",
        "(ordered or returned) and may_receive_email is yes",
        "average order less than 30.5 in the last 1 day",
        "ordered exactly 3 items category Books, NO",
        "largest return at least 10 and got back more than 5",
        "last_order is not in the last 30 days or last_order is on or after 2026-01-31",
        "nobody or country is unknown",
        "`ordered` is not 5",
    ],
)
def test_canonical_texts_stay_as_they_are(text):
    assert to_text(read_text(text, CATALOGUE)) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("country is NO", "country is any of NO"),
        ("country is not NO", "country is none of NO"),
        ("((orders is exactly 1))", "orders is exactly 1"),
        ("orders is 1 AND orders IS at most 2", "orders is exactly 1 and orders is at most 2"),
        ("ordered in the last 7 days category Books", "ordered category Books in the last 7 days"),
        (
            "orders is 1 or orders is 2 and orders is 3",
            "orders is exactly 1 or (orders is exactly 2 and orders is exactly 3)",
        ),
    ],
)
def test_other_ways_to_write_it(text, canonical):
    assert to_text(read_text(text, CATALOGUE)) == canonical


def test_names_of_attributes_are_compared_letter_by_letter():
    with pytest.raises(ConditionRefused, match="No attribute is called 'COUNTRY'"):
        read_text("COUNTRY is SE", CATALOGUE)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("country is any of", 17),
        ("country likes SE", 8),
        ("spent more than lots", 16),
        ("(orders is 1", 12),
        ("orders is 1)", 11),
        ("orders is 1 xor orders is 2", 12),
        ('country is any of "SE', 18),
        ("orders is 1; drop table customers", 11),
        ("(" * 500 + "orders is 1" + ")" * 500, 32),
    ],
)
def test_a_text_that_cannot_be_read_says_where(text, position):
    with pytest.raises(TextRefused) as refused:
        parse(text)
    assert refused.value.position == position
