"""model/*: attributes, lifecycle stages, micro-segments."""

from tandem.planner.api.function import known_by_name

FUNCTIONS = known_by_name(
    "model", "GetCustomerAttributeList GetLifecycleStageList GetMicrosegmentList GetMicrosegmentChangers"
)
