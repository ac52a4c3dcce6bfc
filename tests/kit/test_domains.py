import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.kit import domains

LETTERS = "aAzZ09-ßςσΣåÅñéüœøđπжק日本のーｗ\u0301\u200c\u200d\u0131İクश्र्"


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("strasse.example", "strasse.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),
        ("नामे\u200d.example", None),
        ("क्\u200dष.example", "xn--11b2ezcw70k.example"),
        ("a_b.example", "a_b.example"),
        ("ü_b.example", None),
        ("ü..example", None),
        (f"{'ü' * 70}.example", None),
    ],
)
def test_names(name, there):
    if there is None:
        with pytest.raises(ValueError):
            domains.in_ascii(name)
    else:
        assert domains.in_ascii(name) == there


@given(st.text(LETTERS, min_size=1, max_size=12))
def test_no_letter_turns_into_another_on_the_way_there_and_back(label):
    """What a name says in ASCII is read as itself, lower case and composed; nothing else is left out or exchanged."""
    try:
        there = domains.in_ascii(f"{label}.example")
    except ValueError:
        return
    if label.isascii():
        assert there == f"{label}.example"
    else:
        assert idna.decode(there) == idna.uts46_remap(f"{label}.example", transitional=False)
        assert domains.in_ascii(idna.decode(there)) == there
