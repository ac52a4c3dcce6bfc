"""Settings of the messenger's processes."""

from tandem.site.settings.base import apply

globals().update(
    apply(
        "messenger",
        ["accounts", "contacts", "projects", "delivery", "messages", "reporting", "jobs", "exports", "listener"],
    )
)
