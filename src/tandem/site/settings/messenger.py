"""Settings of the messenger's processes."""

from tandem.site.settings.base import apply

globals().update(
    apply(
        "messenger",
        [
            *("accounts", "contacts", "projects", "delivery", "messages", "testsends", "reporting", "jobs"),
            *("subscriptions", "exports", "listener", "pacing"),
            *("engagement", "bounces", "record"),
            *("webhooks", "sendgate", "eventhub"),
            *("gateways", "sms"),
            "alarms",
        ],
    )
)
