import pytest

from tandem.planner.realtime.conditions import from_document, meets, read, read_lines
from tandem.planner.realtime.errors import RealTimeRefused

EVENT = {
    "amount": 120, "price": "99.50", "category": "shoes", "gift": True, "tags": ["new", "red"],
    "basket": {"items": 3}, "city": "Malmö", "day": "2026-07-01", "nothing": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount >= 100", True), ("amount > 120", False), ("amount < 120.5", True), ("amount <= 119", False),
        ("amount = 120", True), ("amount != 120", False), ("amount = 120.0", True), ("price < 100", True),
        ("category = shoes", True), ("category is shoes", True), ("category = Shoes", False),
        ("category in boots, shoes", True), ("category in boots, hats", False), ("category contains hoe", True),
        ("category starts with sh", True), ("category starts with oe", False), ("gift = true", True),
        ("gift = false", False), ("gift = 1", False), ("tags contains red", True), ("tags contains blue", False),
        ("basket.items >= 3", True), ("basket.items = 4", False), ("city = Malmö", True), ("day >= 2026-06-30", True),
        ("coupon exists", False), ("coupon does not exist", True), ("category exists", True),
        ("nothing exists", False), ("coupon != x", True), ("coupon = x", False), ("coupon < 5", False),
        ("category > 5", False), ("tags = red", False), ("basket = 3", False),
    ],
)  # fmt: skip
def test_a_line_is_met_or_not(text, expected):
    assert meets(EVENT, (read(text),)) is expected


def test_all_lines_must_be_met():
    both = read_lines("amount >= 100\n\ncategory = shoes\n")
    assert meets(EVENT, both)
    assert not meets({**EVENT, "category": "hats"}, both)


@pytest.mark.parametrize(
    "text",
    ["amount >= 100", "category = shoes", "category in shoes, boots", "coupon exists", "coupon does not exist",
     'size = "42"', 'name = "a, b"', "gift = true", "basket.items != 3", "title starts with A",
     "amount >= 12.5"],
)  # fmt: skip
def test_text_and_stored_form_go_to_and_fro(text):
    one = read(text)
    assert one.text == text
    assert from_document(one.document()) == one


@pytest.mark.parametrize(
    "text",
    ["", "amount", ">= 100", "amount >=", "amount ~ 3", "1x = 2", "a b = 2", "x = " + "y" * 300, "a = \x00"],
)
def test_what_is_no_condition_is_refused_with_an_example(text):
    with pytest.raises(RealTimeRefused) as refused:
        read(text)
    assert refused.value.field == "conditions"
    assert "amount >= 100" in refused.value.advice


@pytest.mark.parametrize(
    "stored",
    [{}, {"property": "a"}, {"property": "a", "operator": "like", "values": [1]},
     {"property": "a", "operator": "=", "values": []}, {"property": "a", "operator": "=", "values": [{}]},
     {"property": "a", "operator": "exists", "values": [1]}, {"property": "", "operator": "exists"}],
)  # fmt: skip
def test_a_stored_form_is_checked(stored):
    with pytest.raises(RealTimeRefused):
        from_document(stored)
