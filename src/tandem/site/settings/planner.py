"""Settings of the planner's processes."""

from tandem.site.settings.base import apply

globals().update(
    apply(
        "planner",
        [
            "accounts",
            "listeners",
            "customers",
            "modelling",
            "targeting",
            "channels",
            "campaigns",
            "realtime",
            "execution",
            "results",
            "discovery",
            "daily",
            "alarms",
        ],
    )
)
