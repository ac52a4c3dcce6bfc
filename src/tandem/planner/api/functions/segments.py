"""segments/*: value segments."""

from tandem.planner.api.function import known_by_name

FUNCTIONS = known_by_name(
    "segments",
    "GetValueSegments GetValueSegmentName GetValueSegmentID GetCustomersByValueSegment GetValueSegmentChangers",
)
