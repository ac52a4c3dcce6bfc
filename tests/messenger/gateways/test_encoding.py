import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.messenger.gateways.encoding import GSM, UCS2, parts_of, text_of
from tandem.messenger.projects.domain import GSM_BASIC, GSM_EXTENDED, count_sms

GSM_SIGNS = sorted(GSM_BASIC | GSM_EXTENDED)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@given(st.text(st.sampled_from(GSM_SIGNS), max_size=500) | ANYTHING)
@settings(max_examples=examples(40))
def test_parts_are_as_many_as_the_ledger_counts_and_say_the_same(text):
    parts = parts_of(text)
    counted = count_sms(text)
    assert len(parts.octets) == counted.parts
    assert parts.coding == (GSM if counted.encoding == "GSM-7" else UCS2)
    assert "".join(text_of(part, parts.coding) for part in parts.octets) == text


@given(st.text(st.sampled_from(["€", "a", "{"]), min_size=150, max_size=400))
@settings(max_examples=examples(30))
def test_an_escape_and_its_sign_are_never_apart(text):
    for part in parts_of(text).octets:
        assert not part.endswith(b"\x1b")
        assert len(part) <= 160


@given(st.text(st.sampled_from(["😀", "я"]), min_size=60, max_size=200))
@settings(max_examples=examples(30))
def test_a_surrogate_pair_is_never_apart(text):
    for part in parts_of(text).octets:
        assert len(part) <= 140
        part.decode("utf-16-be")


@pytest.mark.parametrize(("text", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2),
                                              ("я" * 70, 1), ("я" * 71, 2), ("a" * 153 * 255, 255)])  # fmt: skip
def test_the_edges(text, parts):
    assert len(parts_of(text).octets) == parts


@given(st.binary(max_size=300), st.integers(0, 255))
@settings(max_examples=examples(40))
def test_whatever_comes_becomes_text(octets, coding):
    text_of(octets, coding).encode()
