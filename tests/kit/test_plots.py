"""Plots: well-formed, named, without styles, whatever the figures are."""

from datetime import date
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem.kit.plots import Axis, Bars, Line, Table, bars, heat, lines, spark
from tandem.kit.plots.domain import plain, short, ticks
from tandem.kit.plots.lines import table_of

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(\"x\")</script> & 'more'"
AXIS = Axis(label="A & B")


def table(key="figures", title=HOSTILE):
    return Table(key=key, title=title, headings=("x", "y"), rows=((1, 2.5),))


def parsed(drawing):
    root = ElementTree.fromstring(str(drawing))
    assert not [one for one in root.iter() if "style" in one.attrib or one.tag == f"{SVG}script"]
    return root


def drawings():
    series = [
        Line(label=HOSTILE, points=[(1, 2), (2, None), (3, 4)]),
        Line(label="m", points=[(1, 1)], kind="model"),
    ]
    yield lines(table(), HOSTILE, series, x=AXIS, y=AXIS, mark=(2, HOSTILE), levels=(0.8,))
    yield bars(table(), HOSTILE, [HOSTILE, "b"], [Bars(label="a", values=[1, None])], x=HOSTILE, y=AXIS)
    yield heat(table(), HOSTILE, [HOSTILE, "b"], ["b"], [[None], [0.5]], stays=True)


@pytest.mark.parametrize("plot", list(drawings()), ids=["lines", "bars", "heat"])
def test_a_drawing_is_xml_with_a_name_and_a_description_and_nothing_of_its_figures_acts(plot):
    root = parsed(plot.svg)
    named, told = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert (named.text, told.text) == (HOSTILE, HOSTILE)
    assert root.attrib["aria-labelledby"] == named.attrib["id"]
    assert root.attrib["aria-describedby"] == told.attrib["id"]


def test_a_line_is_drawn_to_scale_and_broken_where_nothing_is_known():
    line = Line(label="a", points=[(0, 0), (1, 10), (2, None), (3, 5), (4, 5)])
    plot = lines(table(), "", [line], x=AXIS, y=AXIS)
    path = parsed(plot.svg).find(f"{SVG}path").attrib["d"]
    assert path.count("M") == 2 and path.startswith("M56.0 226.0 L159.0 12.0 M")
    assert len(parsed(plot.svg).findall(f".//{SVG}circle")) == 4


def test_a_step_stays_level_until_the_next_point():
    plot = lines(table(), "", [Line(label="a", points=[(0, 0), (1, 1)], step=True)], x=AXIS, y=AXIS)
    assert "H468.0 V12.0" in parsed(plot.svg).find(f"{SVG}path").attrib["d"]


def test_bars_stand_on_zero_also_below_it():
    plot = bars(table(), "", ["1", "2"], [Bars(label="a", values=[10, -10])], x="", y=AXIS)
    first, second = parsed(plot.svg).findall(f".//{SVG}g/{SVG}rect")
    bottom = float(first.attrib["y"]) + float(first.attrib["height"])
    assert bottom == pytest.approx(float(second.attrib["y"]), abs=0.2)
    assert first.attrib["height"] == second.attrib["height"]


def test_a_cell_is_darker_for_more_and_says_its_share():
    plot = heat(table(), "", ["a"], ["a", "b", "c"], [[0.96, 0.04, 0.001]], stays=True)
    cells = parsed(plot.svg).findall(f"{SVG}rect")
    assert [one.attrib["class"] for one in cells] == [
        "plot-cell heat-9 stayed", "plot-cell heat-2", "plot-cell heat-0",
    ]  # fmt: skip
    assert [one.text for one in parsed(plot.svg).findall(f"{SVG}text")][-3:] == ["96 %", "4 %", "<1 %"]


def test_a_spark_needs_two_values():
    assert not spark([1, None], "")
    assert parsed(spark([1, None, 3], HOSTILE)).find(f"{SVG}title").text == HOSTILE


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(-1e12, 1e12)), max_size=12),
    st.sampled_from(["number", "percent"]),
)
def test_any_figures_are_drawn_inside_the_frame(values, words):
    days = [(float(date(2026, 1, 1).toordinal() + nth), one) for nth, one in enumerate(values)]
    drawn = lines(
        table(), "", [Line(label="a", points=days)], x=Axis(label="", format="date"), y=Axis(label="")
    )
    for dot in parsed(drawn.svg).findall(f".//{SVG}circle"):
        assert 55.9 <= float(dot.attrib["cx"]) <= 468.1 and 11.9 <= float(dot.attrib["cy"]) <= 226.1
    names = [str(nth) for nth in range(len(values))]
    parsed(
        bars(table(), "", names, [Bars(label="a", values=values)], x="", y=Axis(label="", format=words)).svg
    )


@settings(max_examples=40, deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_ticks_are_few_level_and_span_all(low, span):
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 8 or span < 1e-6 * (1 + abs(low) + span)
    assert found[0] <= low + 1e-6 * (1 + abs(low) + span)
    assert found[-1] >= low + span - 1e-6 * (1 + abs(low) + span)


def test_round_numbers_are_chosen():
    assert ticks(0, 87) == (0, 25, 50, 75, 100)
    assert ticks(0, 0.03) == pytest.approx((0, 0.01, 0.02, 0.03))
    assert [short(one) for one in (0.25, 950, 1234, 12345, 1234567)] == [
        "0.25",
        "950",
        "1,234",
        "12.3k",
        "1.23M",
    ]


def test_a_table_is_read_and_written_as_a_file_no_cell_of_which_acts():
    made = Table(
        key="k", title="t", headings=("=name", "value"),
        rows=(("=cmd|x", 1234.5), ("a,b", None), (date(2026, 1, 2), -1.25)),
    )  # fmt: skip
    assert made.as_csv() == "'=name,value\r\n'=cmd|x,1234.5\r\n\"a,b\",\r\n2026-01-02,-1.25\r\n"
    assert list(made.shown()) == [("=cmd|x", "1,234.5"), ("a,b", "–"), ("2026-01-02", "-1.25")]
    assert plain(float("nan")) == "–" and plain(12345) == "12,345"


def test_lines_that_share_their_x_make_one_table():
    made = table_of(
        "k", "t", "x", [Line(label="a", points=[(1, 2)]), Line(label="b", points=[(1, 3), (2, 4)])]
    )
    assert made.rows == ((1, 2, 3), (2, None, 4)) and made.headings == ("x", "a", "b")
