"""Pages of the event hub."""
