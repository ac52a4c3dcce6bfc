"""segments/*: value segments."""

from dataclasses import replace
from typing import Any

from tandem.planner.api.call import Call
from tandem.planner.api.changers import NONE, WITH_ATTRIBUTES, days
from tandem.planner.api.function import DATE, END, START, Kind, Param, one, rows
from tandem.planner.customers import service as customers
from tandem.planner.modelling.segments import overview

COLUMN = "value_segment"


def get_value_segments(call: Call) -> list[dict[str, Any]]:
    """All five, best first."""
    return [
        {"ValueSegmentName": one.name, "ValueSegmentID": one.id}
        for one in overview.value_segments(call.account_id)
    ]


def get_value_segment_name(call: Call) -> dict[str, Any]:
    """The name behind an id."""
    return {"ValueSegmentName": overview.value_segment(number=call["ValueSegmentID"])[1]}


def get_value_segment_id(call: Call) -> dict[str, Any]:
    """The id behind a name."""
    return {"ValueSegmentID": overview.value_segment(name=call["ValueSegmentName"])[0]}


def get_customers_by_value_segment(call: Call) -> list[dict[str, Any]]:
    """Who was in a value segment on a day."""
    name = overview.value_segment(number=call["ValueSegmentID"])[1]
    found = customers.customers_with(
        call.account_id, COLUMN, name, day=call["Date"], skip=call.skip, top=call.top
    )
    return [{"CustomerID": customer_id} for customer_id, _ in found]


def get_value_segment_changers(call: Call) -> list[dict[str, Any]]:
    """Whose value segment differs between two days."""
    start, end = days(call)
    found = customers.changes(call.account_id, COLUMN, start=start, end=end, skip=call.skip, top=call.top)
    return [
        {
            "CustomerID": one.customer_id,
            "InitialValueSegmentID": _id(one.before),
            "FinalValueSegmentID": _id(one.after),
        }
        for one in found
    ]


def _id(name: str | None) -> int:
    return NONE if name is None else overview.value_segment(name=name)[0]


_ID = Param(name="ValueSegmentID", required=True, meaning="1 Diamond to 5 Bronze.")
_NAME = Param(name="ValueSegmentName", kind=Kind.TEXT, required=True, meaning="In any case.")

FUNCTIONS = (
    rows(
        "segments", "GetValueSegments", get_value_segments,
        example='[{"ValueSegmentName":"Diamond","ValueSegmentID":1}]', meaning="The value segments, best first.",
    ),
    one(
        "segments", "GetValueSegmentName", get_value_segment_name, _ID,
        example='{"ValueSegmentName":"Diamond"}', meaning="The name of a value segment.",
    ),
    one(
        "segments", "GetValueSegmentID", get_value_segment_id, _NAME, example='{"ValueSegmentID":1}',
        meaning="The id of a value segment.",
    ),
    rows(
        "segments", "GetCustomersByValueSegment", get_customers_by_value_segment, _ID,
        replace(DATE, meaning="A day; without a snapshot, that of the nearest earlier one."),
        example='[{"CustomerID":"AC7615"}]', **WITH_ATTRIBUTES, meaning="Who was in a value segment on a day.",
    ),
    rows(
        "segments", "GetValueSegmentChangers", get_value_segment_changers, START, END,
        example='[{"CustomerID":"231342","InitialValueSegmentID":2,"FinalValueSegmentID":3}]', **WITH_ATTRIBUTES,
        meaning="Whose value segment differs between two days; -1 = none.",
    ),
)  # fmt: skip
